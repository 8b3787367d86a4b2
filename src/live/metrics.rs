//! The run that goes on, in Prometheus's text format.

use std::fmt::Write;

use super::event::{Begin, Endpoint, EndpointTick, Tick};
use super::state::{Stage, State};
use crate::export::exchange::label;
use crate::sample::{Outcome, Phase};

/// The content type of the format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The quantiles that ticks have.
const QUANTILES: [&str; 3] = ["0.5", "0.95", "0.99"];

/// What is known now. Without a run there is only that there is none.
pub(super) fn render(state: &State) -> String {
    let mut text = Text::default();
    text.family("loadproof_running", "gauge", "1 while a command is under way, between two runs as well.");
    text.line("loadproof_running", "", if state.stage == Stage::Running { "1" } else { "0" });
    if let (Some(begin), Some(tick)) = (&state.begin, &state.last) {
        text.run(begin, tick);
    }
    text.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name}{{{labels}}} {value}");
    }

    fn run(&mut self, begin: &Begin, tick: &Tick) {
        let of_run = of_run(begin);
        let endpoints: Vec<(String, &EndpointTick)> = begin
            .endpoints
            .iter()
            .zip(&tick.endpoints)
            .map(|(endpoint, metrics)| (format!("{of_run},{}", of_endpoint(endpoint)), metrics))
            .collect();
        self.family("loadproof_samples_total", "counter", "Requests and effects by outcome.");
        for (labels, metrics) in &endpoints {
            for outcome in Outcome::ALL {
                let labels = format!("{labels},outcome=\"{}\"", outcome.word());
                self.line("loadproof_samples_total", &labels, metrics.n[outcome as usize]);
            }
        }
        self.family(
            "loadproof_response_time_seconds",
            "gauge",
            "Quantiles of response and effect times so far, to two digits.",
        );
        for (labels, metrics) in &endpoints {
            for (quantile, ms) in QUANTILES.iter().zip(metrics.times.iter().flat_map(|times| &times[..2])) {
                let labels = format!("{labels},quantile=\"{quantile}\"");
                self.line("loadproof_response_time_seconds", &labels, seconds(*ms));
            }
        }
        self.family(
            "loadproof_recent_response_time_seconds",
            "gauge",
            "Quantiles of all requests of the last second, to two digits.",
        );
        for (quantile, ms) in QUANTILES.iter().zip(tick.times.iter().flatten()) {
            let labels = format!("{of_run},quantile=\"{quantile}\"");
            self.line("loadproof_recent_response_time_seconds", &labels, seconds(*ms));
        }
        self.gauge("loadproof_users", "Users at work.", &of_run, tick.users);
        self.gauge("loadproof_requests_in_flight", "Requests under way.", &of_run, tick.in_flight);
        self.gauge("loadproof_elapsed_seconds", "Since the load's start.", &of_run, tick.t);
        if let Some(cores) = tick.own_cores {
            self.gauge("loadproof_own_cores", "Cores that loadproof itself has in use.", &of_run, cores);
        }
        self.family("loadproof_phase", "gauge", "1 for the phase that the run is in.");
        for phase in Phase::ALL {
            let labels = format!("{of_run},phase=\"{}\"", phase.word());
            self.line("loadproof_phase", &labels, u8::from(phase.word() == tick.phase));
        }
        self.family(
            "loadproof_signal",
            "gauge",
            "Signals of the system under test; counters by their increase per second.",
        );
        for (name, unit, value) in &tick.signals {
            let labels = format!("{of_run},signal=\"{}\",unit=\"{}\"", label(name), label(unit));
            self.line("loadproof_signal", &labels, value);
        }
        self.silent(&of_run, tick);
    }

    /// Signals that are not read: an alert on their value would go by an old one.
    fn silent(&mut self, of_run: &str, tick: &Tick) {
        if tick.silent.is_empty() {
            return;
        }
        self.family("loadproof_signal_silent_seconds", "gauge", "Since when a signal has had no reading.");
        for (name, seconds) in &tick.silent {
            let labels = format!("{of_run},signal=\"{}\"", label(name));
            self.line("loadproof_signal_silent_seconds", &labels, seconds);
        }
    }

    fn gauge(&mut self, name: &str, help: &str, labels: &str, value: impl std::fmt::Display) {
        self.family(name, "gauge", help);
        self.line(name, labels, value);
    }
}

/// A time as Prometheus writes it: `+Inf` for one that has no end.
fn seconds(ms: Option<f64>) -> String {
    ms.map_or("+Inf".to_owned(), |ms| (ms / 1e3).to_string())
}

fn of_run(begin: &Begin) -> String {
    let part = begin.part.as_ref().map_or(String::new(), |part| {
        format!(",experiment=\"e{}\",arm=\"{}\",round=\"{}\"", part.experiment, part.arm, part.round)
    });
    format!(
        "run=\"{}\",scenario=\"{}\",load=\"{}\",profile=\"{}\"{part}",
        begin.run,
        label(&begin.scenario),
        label(&begin.load),
        label(&begin.profile)
    )
}

fn of_endpoint(endpoint: &Endpoint) -> String {
    format!(
        "kind=\"{}\",traffic_class=\"{}\",endpoint=\"{}\"",
        label(&endpoint.kind),
        label(&endpoint.traffic_class),
        label(&endpoint.name)
    )
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
