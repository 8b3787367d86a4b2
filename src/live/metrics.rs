//! The run that goes on, as metrics: the one list that Prometheus's text format, its remote write and OTLP are made of.

use std::fmt::Write;

use super::event::{Begin, Endpoint, EndpointTick, Tick};
use super::state::{Stage, State};
use crate::export::exchange::label;
use crate::sample::{Outcome, Phase};

/// The content type of the text format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The quantiles that ticks have.
const QUANTILES: [&str; 3] = ["0.5", "0.95", "0.99"];

/// How the values of a metric go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// They only rise while a run goes on.
    Counter,
    Gauge,
}

/// Names and values of labels.
pub(super) type Labels = Vec<(&'static str, String)>;

/// A metric with its values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Family {
    /// Its name as Prometheus has them: with its unit, and `_total` for a counter.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Its unit by UCUM, as OTLP has them.
    pub(super) unit: &'static str,
    pub(super) help: &'static str,
    /// Its values, each with what distinguishes it.
    pub(super) values: Vec<(Labels, f64)>,
}

/// What is known now. Without a run there is only that there is none.
pub(super) fn families(state: &State) -> Vec<Family> {
    let running = if state.stage == Stage::Running { 1.0 } else { 0.0 };
    let help = "1 while a command is in progress, including between runs.";
    let mut families = vec![gauge("loadproof_running", "1", help, vec![(Vec::new(), running)])];
    if let (Some(begin), Some(tick)) = (&state.begin, &state.last) {
        families.extend(of_run(begin, tick));
    }
    families
}

/// The metrics in Prometheus's text format.
pub(super) fn render(state: &State) -> String {
    let mut text = String::new();
    for Family { name, kind, help, values, .. } in families(state) {
        let kind = if kind == Kind::Counter { "counter" } else { "gauge" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in values {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", label(value))).collect();
            let value = if value == f64::INFINITY { "+Inf".to_owned() } else { value.to_string() };
            let _ = writeln!(text, "{name}{{{}}} {value}", labels.join(","));
        }
    }
    text
}

fn gauge(name: &'static str, unit: &'static str, help: &'static str, values: Vec<(Labels, f64)>) -> Family {
    Family { name, kind: Kind::Gauge, unit, help, values }
}

fn of_run(begin: &Begin, tick: &Tick) -> Vec<Family> {
    let run = labels_of_run(begin);
    let with = |more: Labels| [run.clone(), more].concat();
    let endpoints: Vec<(Labels, &EndpointTick)> = begin
        .endpoints
        .iter()
        .zip(&tick.endpoints)
        .map(|(endpoint, metrics)| (with(labels_of_endpoint(endpoint)), metrics))
        .collect();
    let outcomes = endpoints.iter().flat_map(|(labels, metrics)| {
        Outcome::ALL
            .map(|outcome| (and(labels, "outcome", outcome.word()), metrics.n[outcome as usize] as f64))
    });
    let quantiles = endpoints.iter().flat_map(|(labels, metrics)| {
        let times = metrics.times.iter().flat_map(|times| &times[..2]);
        QUANTILES.iter().zip(times).map(|(quantile, ms)| (and(labels, "quantile", quantile), seconds(*ms)))
    });
    let recent = QUANTILES.iter().zip(tick.times.iter().flatten());
    let recent = recent.map(|(quantile, ms)| (and(&run, "quantile", quantile), seconds(*ms)));
    let one = |value: f64| vec![(run.clone(), value)];
    let mut families = vec![
        Family {
            name: "loadproof_samples_total",
            kind: Kind::Counter,
            unit: "{sample}",
            help: "Requests and effects by outcome.",
            values: outcomes.collect(),
        },
        gauge(
            "loadproof_response_time_seconds",
            "s",
            "Quantiles of response and effect times so far, to two digits.",
            quantiles.collect(),
        ),
        gauge(
            "loadproof_recent_response_time_seconds",
            "s",
            "Quantiles of all requests of the last second, to two digits.",
            recent.collect(),
        ),
        gauge("loadproof_users", "{user}", "Users at work.", one(tick.users.into())),
        gauge("loadproof_requests_in_flight", "{request}", "Requests in flight.", one(tick.in_flight.into())),
        gauge("loadproof_elapsed_seconds", "s", "Since the load's start.", one(tick.t)),
    ];
    if let Some((begun, all)) = tick.journeys {
        let planned = "Journeys that the load begins in all.";
        families.push(gauge("loadproof_journeys_begun", "{journey}", "Journeys begun.", one(begun as f64)));
        families.push(gauge("loadproof_journeys_planned", "{journey}", planned, one(all as f64)));
    }
    if let Some(cores) = tick.own_cores {
        let help = "Cores that loadproof itself has in use.";
        families.push(gauge("loadproof_own_cores", "{cpu}", help, one(cores)));
    }
    let phase =
        |phase: Phase| (and(&run, "phase", phase.word()), if phase.word() == tick.phase { 1.0 } else { 0.0 });
    let phases = Phase::ALL.map(phase).to_vec();
    families.push(gauge("loadproof_phase", "1", "1 for the phase that the run is in.", phases));
    let signal = |(name, unit, value): &(String, String, f64)| {
        (with(vec![("signal", name.clone()), ("unit", unit.clone())]), *value)
    };
    families.push(gauge(
        "loadproof_signal",
        "1",
        "Signals of the system under test; counters by their increase per second.",
        tick.signals.iter().map(signal).collect(),
    ));
    if !tick.silent.is_empty() {
        // An alert on their value would go by an old one.
        let silent = tick.silent.iter().map(|(name, seconds)| (and(&run, "signal", name), *seconds));
        let help = "Since when a signal has had no reading.";
        families.push(gauge("loadproof_signal_silent_seconds", "s", help, silent.collect()));
    }
    families
}

fn and(labels: &Labels, name: &'static str, value: &str) -> Labels {
    [labels.as_slice(), &[(name, value.to_owned())]].concat()
}

/// A time as Prometheus has it: infinite for one that has no end.
fn seconds(ms: Option<f64>) -> f64 {
    ms.map_or(f64::INFINITY, |ms| ms / 1e3)
}

fn labels_of_run(begin: &Begin) -> Labels {
    let mut labels = vec![
        ("run", begin.run.to_string()),
        ("scenario", begin.scenario.clone()),
        ("load", begin.load.clone()),
        ("profile", begin.profile.clone()),
    ];
    if let Some(part) = &begin.part {
        labels.push(("experiment", format!("e{}", part.experiment)));
        labels.push(("arm", part.arm.clone()));
        labels.push(("round", part.round.to_string()));
    }
    labels
}

fn labels_of_endpoint(endpoint: &Endpoint) -> Labels {
    vec![
        ("kind", endpoint.kind.clone()),
        ("traffic_class", endpoint.traffic_class.clone()),
        ("endpoint", endpoint.name.clone()),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Part};
    use super::*;

    #[test]
    fn a_run_is_told_as_prometheus_reads_it() {
        let mut state = State::default();
        assert!(render(&state).ends_with("loadproof_running{} 0\n"));
        state.take(&Event::Begin(Begin {
            run: 3,
            scenario: "a \"shop\"".to_owned(),
            profile: "on".to_owned(),
            load: "demo".to_owned(),
            load_text: String::new(),
            load_s: Some(9.0),
            part: Some(Part { experiment: 1, arm: "treatment".to_owned(), round: 2, rounds: 5 }),
            endpoints: vec![Endpoint {
                name: "GET /".to_owned(),
                traffic_class: "production".to_owned(),
                kind: "request".to_owned(),
            }],
        }));
        state.take(&Event::Tick(Tick {
            t: 4.5,
            phase: "steady".to_owned(),
            users: 7,
            journeys: Some((3, 10)),
            eta_s: None,
            in_flight: 2,
            rate: 40.0,
            times: Some([Some(1.5), Some(2.5), None]),
            outcomes: [39, 0, 1, 0, 0],
            own_cores: Some(0.25),
            endpoints: vec![EndpointTick {
                n: [39, 0, 1, 0, 0],
                rate: 20.0,
                times: Some([Some(1.0), Some(2.0), None]),
            }],
            signals: vec![("outbox".to_owned(), "messages".to_owned(), 12.0)],
            silent: vec![("inbox".to_owned(), 12.5)],
        }));
        insta::assert_snapshot!(render(&state));
    }
}
