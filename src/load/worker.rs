//! Everything that the users of one worker share. Nothing on the way of a request is shared with
//! other workers, unless the scenario asks for it.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use super::abroad::Abroad;
use super::background::Background;
use super::client::Client;
use super::connections::Connections;
use super::deadlines::Deadlines;
use super::event::brokers::Brokers;
use super::jar::Jar;
use super::part::Part;
use super::prepared::Requests;
use super::recording::Recording;
use super::seeds::Seeds;
use super::share::Share;
use super::shared::Shared;
use super::timer::Timer;
use crate::scenario::Scenario;
use crate::scenario::load::Load;

/// One worker, put together for its users. What less will do for is handed less.
pub(super) struct Worker {
    /// Which users, journeys and starts are its own.
    pub(super) part: Part,
    /// Which of the load this machine makes.
    pub(super) share: Share,
    pub(super) scenario: Arc<Scenario>,
    pub(super) load: Load,
    pub(super) requests: Arc<Requests>,
    pub(super) brokers: Brokers,
    pub(super) recording: Recording,
    pub(super) seeds: Seeds,
    pub(super) timer: Timer,
    pub(super) deadlines: Deadlines,
    /// Journeys that each part of the load has given out to whoever takes the next, over all workers.
    pub(super) given_out: Arc<[AtomicU64]>,
    /// What it shares with all users of all workers.
    pub(super) shared: Arc<Shared>,
    /// Servers that redirects have led to.
    pub(super) abroad: Abroad,
    /// Connections of polls that go on in the background.
    pub(super) probes: Connections,
    pub(super) journeys: Cell<u32>,
    /// Races within journeys.
    pub(super) races: Cell<u32>,
    pub(super) background: Background,
}

impl Worker {
    /// A number for the next journey, different for each in the run.
    pub(super) fn next_journey(&self) -> u32 {
        self.next(&self.journeys)
    }

    /// A number for the next race within a journey, likewise.
    pub(super) fn next_race(&self) -> u32 {
        self.next(&self.races)
    }

    /// Hands over what has come together.
    pub(super) fn flush(&self) {
        self.recording.recorder.flush();
        self.recording.own.flush(self.timer.spun());
    }

    fn next(&self, counter: &Cell<u32>) -> u32 {
        let number = counter.get();
        counter.set(number + 1);
        self.part.number(number)
    }

    /// What requests over these connections, with these cookies, are made with.
    pub(super) fn client<'a>(&'a self, connections: &'a Connections, jar: &'a Jar) -> Client<'a> {
        let Self { requests, recording, deadlines, abroad, .. } = self;
        Client { requests, recording, deadlines, abroad, connections, jar }
    }

    /// Waits until something is due; false if that lies past the load's end, or the run was
    /// stopped. What was due before the end still counts as due after it.
    pub(super) async fn wait_until(&self, due: Instant) -> bool {
        let schedule = &self.recording.schedule;
        let until = schedule.end.map_or(due, |end| due.min(end));
        self.timer.sleep_until(until).await && !schedule.is_over(due)
    }
}
