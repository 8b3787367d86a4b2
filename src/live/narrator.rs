//! Tells of runs as events.

use std::sync::Arc;
use std::time::Duration;

use super::event::{
    Begin, Claim, Claims, Endpoint, EndpointTick, Event, Failure, Failures, Note, Part, PhaseBegun, Tick,
    Times,
};
use crate::execute::{Begun, Moment, Progress};
use crate::plan::PlannedRun;
use crate::report::model::{self, signal_unit};
use crate::run::ExperimentId;
use crate::sample::{EndpointId, Phase};
use crate::scenario::Scenario;
use crate::summary::live::{EndpointSoFar, FailureSoFar};
use crate::verdict::Judgement;

/// From one tick to the next.
const TICK: Duration = Duration::from_secs(1);
/// Most reasons that a tick tells of; others follow with the next one.
const FAILURES_PER_TICK: usize = 20;
/// The signal that tells of loadproof's own work.
const OWN_CPU: &str = "loadproof cpu";

/// Takes events in, whoever reads them.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// Tells a listener of runs.
pub struct Narrator {
    listener: Listener,
    /// Most rounds of the plan.
    rounds: u32,
    /// What is told of, in this order: questions of loadproof's own are left out.
    endpoints: Vec<EndpointId>,
    phase: &'static str,
    /// Counts of the reasons as they were told.
    told: Vec<u64>,
}

impl Narrator {
    /// Tells of the runs of a plan of so many rounds.
    pub fn new(listener: Listener, rounds: u32) -> Self {
        Self { listener, rounds, endpoints: Vec::new(), phase: "", told: Vec::new() }
    }

    fn tell(&self, event: Event) {
        (self.listener)(event);
    }

    fn tell_phase(&mut self, moment: &Moment) {
        if self.phase != moment.phase.word() {
            // The first one began with the load, whenever that was noticed.
            let t = if self.phase.is_empty() { 0.0 } else { short(moment.elapsed_s) };
            self.phase = moment.phase.word();
            self.tell(Event::Phase(PhaseBegun { phase: self.phase.to_owned(), t }));
        }
    }

    fn tell_failures(&mut self, moment: &Moment) {
        self.told.resize(moment.failures.len(), 0);
        let changed = moment.failures.iter().enumerate().filter(|(place, f)| self.told[*place] != f.count);
        let rows: Vec<Failure> =
            changed.take(FAILURES_PER_TICK).map(|(place, f)| self.failure(place, f)).collect();
        if rows.is_empty() {
            return;
        }
        for row in &rows {
            self.told[row.place] = row.count;
        }
        self.tell(Event::Failure(Failures { rows }));
    }

    fn failure(&self, place: usize, failure: &FailureSoFar) -> Failure {
        Failure {
            place,
            endpoint: self.endpoints.iter().position(|id| *id == failure.endpoint),
            outcome: failure.outcome.word().to_owned(),
            reason: failure.reason.to_string(),
            count: failure.count,
            first: short(failure.first_us as f64 / 1e6),
            last: short(failure.last_us as f64 / 1e6),
        }
    }
}

impl Progress for Narrator {
    fn interval(&self) -> Duration {
        TICK
    }

    fn begin(&mut self, begun: &Begun) {
        let (ids, endpoints) = endpoints(&begun.scenario);
        self.endpoints = ids;
        self.phase = "";
        self.told.clear();
        self.tell(Event::Begin(begin(begun, self.rounds, endpoints)));
    }

    fn show(&mut self, moment: &Moment) {
        if moment.elapsed_s > 0.0 {
            self.tell_phase(moment);
            self.tell(Event::Tick(tick(moment)));
            self.tell_failures(moment);
        }
    }

    fn note(&mut self, text: &str) {
        self.tell(Event::Note(Note::now(text)));
    }

    fn wants_claims(&self) -> bool {
        true
    }

    /// Tells what they come to, without verdicts.
    fn claims(&mut self, judgement: &Judgement) {
        let rows = model::claims(judgement).into_iter().map(|row| Claim {
            id: row.id,
            title: row.title,
            formula: row.formula,
            estimate: row.estimate,
            interval: row.interval,
        });
        self.tell(Event::Claims(Claims { rounds: judgement.rounds, rows: rows.collect() }));
    }
}

/// What users call and what they wait for.
fn endpoints(scenario: &Scenario) -> (Vec<EndpointId>, Vec<Endpoint>) {
    let told = (0..).zip(&scenario.endpoints).filter(|(_, endpoint)| !endpoint.is_probe());
    let named = told.map(|(number, endpoint)| {
        let endpoint = Endpoint {
            name: endpoint.endpoint.clone(),
            traffic_class: endpoint.traffic_class.clone(),
            kind: endpoint.kind.word().to_owned(),
        };
        (EndpointId(number), endpoint)
    });
    named.unzip()
}

fn begin(begun: &Begun, rounds: u32, endpoints: Vec<Endpoint>) -> Begin {
    let planned = &begun.planned;
    Begin {
        run: begun.run.0,
        scenario: begun.scenario.name.clone(),
        profile: planned.profile.clone(),
        load: planned.load_name.clone(),
        load_text: planned.load.text(),
        load_s: planned.load.run_time().map(|time| time.as_secs_f64()),
        part: part(begun.experiment, planned, rounds),
        endpoints,
    }
}

fn part(experiment: Option<ExperimentId>, planned: &PlannedRun, rounds: u32) -> Option<Part> {
    let (experiment, part) = experiment.zip(planned.part)?;
    Some(Part { experiment: experiment.0, arm: part.arm.word().to_owned(), round: part.round, rounds })
}

fn tick(moment: &Moment) -> Tick {
    let is_load = matches!(moment.phase, Phase::Ramp | Phase::Steady);
    let own = moment.increases.iter().find(|(name, ..)| name == OWN_CPU);
    let shown = |(name, unit, value): &(String, String, f64), is_counter| {
        let (unit, divisor) = signal_unit(unit, is_counter);
        (name.clone(), unit, short(value / divisor))
    };
    let levels = moment.signals.iter().map(|signal| shown(signal, false));
    let increases = moment.increases.iter().map(|signal| shown(signal, true));
    Tick {
        t: short(moment.elapsed_s),
        phase: moment.phase.word().to_owned(),
        users: moment.users,
        in_flight: moment.in_flight,
        journeys: moment.journeys,
        eta_s: moment.eta_s().filter(|_| is_load).map(short),
        rate: short(moment.rate_per_s),
        times: moment.so_far.quantiles_us.map(ms),
        outcomes: moment.so_far.outcomes,
        own_cores: own.map(|(.., cores)| short(*cores)),
        endpoints: moment.endpoints.iter().map(|so_far| endpoint(so_far, moment.since_s)).collect(),
        signals: levels.chain(increases).collect(),
        silent: moment.silent.iter().map(|(name, s)| (name.clone(), short(*s))).collect(),
    }
}

fn endpoint(so_far: &EndpointSoFar, since_s: f64) -> EndpointTick {
    EndpointTick {
        n: so_far.outcomes,
        rate: short(so_far.answered as f64 / since_s),
        times: so_far.times_us.map(ms),
    }
}

fn ms(times_us: [f64; 3]) -> Times {
    times_us.map(|us| us.is_finite().then(|| short(us / 1e3)))
}

/// A number to three decimals: enough to be looked at.
fn short(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::sample::Outcome;
    use crate::summary::live::RunSoFar;

    fn moment(elapsed_s: f64, failures: Vec<FailureSoFar>) -> Moment {
        Moment {
            profile: "a".to_owned(),
            part: None,
            phase: if elapsed_s < 2.0 { Phase::Ramp } else { Phase::Steady },
            elapsed_s,
            load_s: Some(9.0),
            journeys: None,
            users: 3,
            in_flight: 1,
            rate_per_s: 40.0,
            so_far: RunSoFar {
                outcomes: [39, 0, 1, 0, 0],
                answered: 40,
                quantiles_us: Some([1e3, 2e3, 3e3]),
            },
            endpoints: vec![EndpointSoFar {
                endpoint: EndpointId(0),
                outcomes: [39, 0, 1, 0, 0],
                answered: 20,
                times_us: Some([1e3, 2e3, 9e3]),
            }],
            since_s: 0.5,
            failures,
            signals: vec![("shop memory".to_owned(), "bytes".to_owned(), 3.0 * 1024.0 * 1024.0)],
            silent: Vec::new(),
            increases: vec![(OWN_CPU.to_owned(), "s".to_owned(), 0.25)],
        }
    }

    fn failure(count: u64) -> FailureSoFar {
        FailureSoFar {
            endpoint: EndpointId(0),
            outcome: Outcome::Failed,
            reason: "status 500".into(),
            count,
            first_us: 1_000_000,
            last_us: 1_500_000,
        }
    }

    fn told(moments: &[Moment]) -> Vec<Event> {
        let events = Arc::new(Mutex::new(Vec::new()));
        let listener: Listener = {
            let events = Arc::clone(&events);
            Arc::new(move |event| events.lock().unwrap().push(event))
        };
        let mut narrator = Narrator::new(listener, 0);
        for moment in moments {
            narrator.show(moment);
        }
        events.lock().unwrap().drain(..).collect()
    }

    #[test]
    fn phases_are_told_once_and_failures_when_their_counts_change() {
        let events = told(&[
            moment(0.0, Vec::new()),
            moment(1.0, vec![failure(1)]),
            moment(2.0, vec![failure(1)]),
            moment(3.0, vec![failure(2)]),
        ]);
        let names: Vec<&str> = events.iter().map(Event::name).collect();
        assert_eq!(names, ["phase", "tick", "failure", "phase", "tick", "tick", "failure"]);
    }

    #[test]
    fn reasons_that_find_no_room_in_a_tick_follow_with_the_next() {
        let many: Vec<FailureSoFar> = (0..FAILURES_PER_TICK + 5).map(|_| failure(1)).collect();
        let events = told(&[moment(1.0, many.clone()), moment(2.0, many)]);
        let rows: Vec<usize> = events
            .iter()
            .filter_map(|event| if let Event::Failure(f) = event { Some(f.rows.len()) } else { None })
            .collect();
        assert_eq!(rows, [FAILURES_PER_TICK, 5]);
    }

    #[test]
    fn a_time_without_an_end_comes_back_as_such() {
        let mut moment = moment(1.0, Vec::new());
        moment.so_far.quantiles_us = Some([1e3, f64::INFINITY, f64::INFINITY]);
        moment.silent = vec![("inbox".to_owned(), 12.3)];
        let events = told(&[moment]);
        let json = events[1].json();
        assert!(json.contains(r#""times":[1.0,null,null]"#), "{json}");
        assert!(json.contains(r#""silent":[["inbox",12.3]]"#), "{json}");
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), events[1]);
    }

    #[test]
    fn a_tick_is_short_and_comes_back_as_it_was() {
        let events = told(&[moment(1.0, Vec::new())]);
        insta::assert_snapshot!(events[1].json(), @r#"{"event":"tick","t":1.0,"phase":"ramp","users":3,"in_flight":1,"eta_s":8.0,"rate":40.0,"times":[1.0,2.0,3.0],"outcomes":[39,0,1,0,0],"own_cores":0.25,"endpoints":[{"n":[39,0,1,0,0],"rate":40.0,"times":[1.0,2.0,9.0]}],"signals":[["shop memory","MiB",3.0],["loadproof cpu","s per second",0.25]]}"#);
        assert_eq!(serde_json::from_str::<Event>(&events[1].json()).unwrap(), events[1]);
    }
}
