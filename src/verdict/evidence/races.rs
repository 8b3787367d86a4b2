//! What requests that were released together come to, and the events that requests raise.

use crate::claim::Found;
use crate::run::MeasuredRun;
use crate::sample::{Kind, Outcome, Subject};
use crate::summary::race::{self, Entrant};

/// The entrants of each race of a kind.
fn races(run: &MeasuredRun, name: &str) -> Vec<Vec<Entrant>> {
    let place = run.facts.start.races.iter().position(|known| known == name);
    let of_kind = race::races(&run.samples).into_iter().filter(|(race, _)| race.place() == place);
    of_kind.map(|(_, entrants)| entrants).collect()
}

/// Races of a kind whose numbers of winners and entrants are such.
pub(super) fn won_by(run: &MeasuredRun, name: &str, wanted: impl Fn(usize, usize) -> bool) -> Found {
    let races = races(run, name);
    let winners = |race: &[Entrant]| race.iter().filter(|e| e.is_ok(&run.samples)).count();
    let value = races.iter().filter(|race| wanted(winners(race), race.len())).count() as f64;
    Found { value, n: races.len() as u64, ..Found::default() }
}

pub(super) fn overlap(run: &MeasuredRun, race: &str) -> Result<Found, String> {
    let overlaps: Vec<f64> = races(run, race).iter().map(|entrants| race::overlap(entrants)).collect();
    if overlaps.is_empty() {
        return Err(format!("no race `{race}` took place in run {}", run.facts.id));
    }
    let n = overlaps.len() as u64;
    Ok(Found { value: overlaps.iter().sum::<f64>() / n as f64, n, ..Found::default() })
}

/// Events that the run's `ok` requests have raised in a stream.
pub(super) fn events(run: &MeasuredRun, stream: &str) -> Found {
    let samples = &run.samples;
    let events_of = |subject: &Subject| {
        let raised = run.facts.start.raised.iter().filter(|raised| {
            raised.stream == stream
                && subject.kind == Kind::Request
                && raised.endpoint == subject.endpoint
                && raised.traffic_class == subject.traffic_class
        });
        raised.count() as u64
    };
    let per_subject: Vec<u64> = samples.subjects.iter().map(events_of).collect();
    let ok = samples.subject.iter().zip(&samples.outcome).filter(|(_, outcome)| **outcome == Outcome::Ok);
    let n = ok.map(|(subject, _)| per_subject[*subject as usize]).sum::<u64>();
    Found { value: n as f64, n, ..Found::default() }
}
