//! Progress while a run goes on: a block that is redrawn on a terminal, plain lines elsewhere.
//! All of it goes to stderr.

mod line;

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle as Style};

use self::line::Line;
use super::arguments::ProgressStyle;
use super::output;
use crate::execute::{Moment, Progress};
use crate::plan::{PILOT, Plan};
use crate::printable;
use crate::sample::{Outcome, Phase};
use crate::unit::{self, TimeScale};

/// How often the block is redrawn.
const REDRAW: Duration = Duration::from_millis(500);
/// Width of the bar in characters.
const BAR: usize = 32;

/// The progress that the user wants.
pub(super) fn of(style: ProgressStyle, interval: Duration, plan: &Plan) -> Box<dyn Progress> {
    let terminal = std::io::stderr().is_terminal() && std::env::var("TERM").is_ok_and(|term| term != "dumb");
    let overall = Overall { started: Instant::now(), load_s: plan.load_seconds() };
    match style {
        ProgressStyle::None => Box::new(Silent { says_seals: true }),
        // Its events are told by a narrator.
        ProgressStyle::Json => Box::new(Silent { says_seals: false }),
        ProgressStyle::Bar => Box::new(Block::new(overall)),
        ProgressStyle::Line => Box::new(Line::new(interval, terminal)),
        ProgressStyle::Auto if terminal => Box::new(Block::new(overall)),
        ProgressStyle::Auto | ProgressStyle::Plain => {
            let interval = interval.max(Duration::from_millis(100));
            Box::new(Plain { interval, overall })
        }
    }
}

/// How far the whole plan is.
struct Overall {
    started: Instant,
    load_s: f64,
}

impl Overall {
    /// Time since the first run began, and the load that was planned in all.
    fn text(&self) -> String {
        let elapsed = unit::clock(self.started.elapsed().as_secs_f64());
        format!("{elapsed} elapsed, {} of load planned", unit::clock(self.load_s))
    }
}

/// Shows nothing but seals.
struct Silent {
    says_seals: bool,
}

impl Progress for Silent {
    fn interval(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn show(&mut self, _moment: &Moment) {}

    fn note(&mut self, _text: &str) {}

    fn seal(&mut self, text: &str) {
        if self.says_seals {
            output::say(&format!("loadproof: {text}"));
        }
    }
}

/// A line from time to time, `name=value` throughout: for logs.
struct Plain {
    interval: Duration,
    overall: Overall,
}

impl Progress for Plain {
    fn interval(&self) -> Duration {
        self.interval
    }

    fn show(&mut self, moment: &Moment) {
        if moment.elapsed_s > 0.0 {
            let total = unit::clock(self.overall.started.elapsed().as_secs_f64());
            output::say(&format!("loadproof {total} {}", plain_line(moment)));
        }
    }

    fn note(&mut self, text: &str) {
        output::say(&format!("loadproof: {text}"));
    }
}

fn plain_line(moment: &Moment) -> String {
    let mut words = Vec::new();
    if let Some((experiment, part)) = moment.part {
        // Round 0 is the pilot.
        words.push(format!("experiment=e{experiment} round={} arm={}", part.round, part.arm.word()));
    }
    words.push(format!("profile={} phase={}", moment.profile, moment.phase.word()));
    words.push(match moment.load_s {
        Some(load_s) => format!("t={:.0}/{load_s:.0}s", moment.elapsed_s),
        None => format!("t={:.0}s", moment.elapsed_s),
    });
    words.extend(moment.eta_s().map(|eta| format!("eta={eta:.0}s")));
    if let Some((begun, all)) = moment.journeys {
        words.push(format!("journeys={begun}/{all}"));
    }
    words.push(format!(
        "users={} in_flight={} rate={:.1}/s",
        moment.users, moment.in_flight, moment.rate_per_s
    ));
    if let Some(quantiles) = moment.so_far.quantiles_us {
        let [p50, p95, p99] = quantiles.map(|us| us / 1000.0);
        words.push(format!("p50={p50:.1}ms p95={p95:.1}ms p99={p99:.1}ms"));
    }
    words
        .extend(Outcome::ALL.iter().map(|o| format!("{}={}", o.word(), moment.so_far.outcomes[*o as usize])));
    words.extend(
        moment
            .signals
            .iter()
            .filter(|s| s.1 != "bytes")
            .map(|(name, _, value)| format!("{}={value}", name.replace(' ', "_"))),
    );
    words.extend(
        moment.silent.iter().map(|(name, s)| format!("{}=(no reading for {s:.0}s)", name.replace(' ', "_"))),
    );
    words.join(" ")
}

/// Text that is redrawn in place.
struct Drawn(ProgressBar);

impl Drawn {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = Style::with_template("{msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn show(&self, text: &str) {
        self.0.set_message(printable::for_terminal(text).into_owned());
        self.0.tick();
    }

    /// Prints a line above it.
    fn note(&self, text: &str) {
        self.0.suspend(|| output::say(&format!("loadproof: {text}")));
    }
}

/// A block of lines that is redrawn in place, and gone in the end.
struct Block {
    drawn: Drawn,
    overall: Overall,
}

impl Block {
    fn new(overall: Overall) -> Self {
        Self { drawn: Drawn::new(), overall }
    }
}

impl Progress for Block {
    fn interval(&self) -> Duration {
        REDRAW
    }

    fn show(&mut self, moment: &Moment) {
        self.drawn.show(&block(moment, &self.overall.text()));
    }

    fn note(&mut self, text: &str) {
        self.drawn.note(text);
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.drawn.0.finish_and_clear();
    }
}

fn block(moment: &Moment, overall: &str) -> String {
    let part = moment.part.map_or(String::new(), |(e, part)| match part.round {
        PILOT => format!("e{e}  pilot  {}  ", part.arm.word()),
        round => format!("e{e}  round {round}  {}  ", part.arm.word()),
    });
    let head = format!("{part}{}  {}  {overall}", moment.profile, moment.phase.word());
    let mut lines = vec![head, bar_line(moment), latency_line(moment), load_line(moment)];
    lines.extend(signal_line(moment));
    lines.join("\n")
}

fn bar_line(moment: &Moment) -> String {
    let counts: Vec<String> = Outcome::ALL
        .iter()
        .filter(|o| **o == Outcome::Ok || moment.so_far.outcomes[**o as usize] > 0)
        .map(|o| format!("{} {}", o.word(), unit::count(moment.so_far.outcomes[*o as usize])))
        .collect();
    let journeys = moment
        .journeys
        .map(|(begun, all)| format!("{} of {} journeys", unit::count(begun), unit::count(all)));
    let counts = journeys.into_iter().chain(counts).collect::<Vec<_>>().join(" | ");
    let is_load = matches!(moment.phase, Phase::Ramp | Phase::Steady);
    let Some((share, eta_s)) = moment.share().zip(moment.eta_s()).filter(|_| is_load) else {
        return format!("{} | {counts}", unit::clock(moment.elapsed_s));
    };
    format!("[{}] {:.0} % | {counts} | ETA {}", bar(share), share * 100.0, unit::clock(eta_s))
}

/// `████░░░░`
fn bar(share: f64) -> String {
    let full = (0..BAR).filter(|i| (*i as f64 + 0.5) / BAR as f64 <= share).count();
    format!("{}{}", "█".repeat(full), "░".repeat(BAR - full))
}

fn latency_line(moment: &Moment) -> String {
    match moment.so_far.quantiles_us {
        Some([p50, p95, p99]) => {
            let ms = |us| TimeScale::Millis.text(us);
            format!("  response, ms  p50 {:>8}  p95 {:>8}  p99 {:>8}", ms(p50), ms(p95), ms(p99))
        }
        None => "  response, ms  (nothing answered just now)".to_owned(),
    }
}

fn load_line(moment: &Moment) -> String {
    format!(
        "  load          {} users, {} in flight, {} answered",
        unit::count(moment.users.into()),
        unit::count(moment.in_flight.into()),
        unit::rate(moment.rate_per_s)
    )
}

/// The levels of the system's signals, and those that are not read; none where it has none.
fn signal_line(moment: &Moment) -> Option<String> {
    let silent =
        moment.silent.iter().map(|(name, s)| format!("{name} (no reading for {})", unit::span(s.round())));
    let signals: Vec<String> = moment
        .signals
        .iter()
        .filter(|(_, unit, _)| unit != "bytes")
        .map(|(name, _, value)| format!("{name} {}", unit::significant(*value)))
        .chain(silent)
        .collect();
    (!signals.is_empty()).then(|| format!("  signals       {}", signals.join("  ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Part;
    use crate::run::{Arm, ExperimentId};
    use crate::summary::live::RunSoFar;

    pub(super) fn moment() -> Moment {
        Moment {
            profile: "lanes-on".to_owned(),
            part: Some((ExperimentId(1), Part { arm: Arm::Treatment, round: 2 })),
            phase: Phase::Steady,
            elapsed_s: 68.0,
            load_s: Some(136.0),
            journeys: None,
            users: 30,
            in_flight: 3,
            rate_per_s: 404.2,
            so_far: RunSoFar {
                outcomes: [27_280, 12, 8, 0, 0],
                answered: 202,
                quantiles_us: Some([58_100.0, 135_000.0, 402_000.0]),
            },
            endpoints: Vec::new(),
            since_s: 0.5,
            failures: Vec::new(),
            signals: vec![("outbox_pending".to_owned(), "messages".to_owned(), 190.0)],
            silent: vec![("inbox".to_owned(), 12.3)],
            increases: Vec::new(),
        }
    }

    #[test]
    fn plain_lines_name_every_value() {
        insta::assert_snapshot!(plain_line(&moment()), @"experiment=e1 round=2 arm=treatment profile=lanes-on phase=steady t=68/136s eta=68s users=30 in_flight=3 rate=404.2/s p50=58.1ms p95=135.0ms p99=402.0ms ok=27280 rejected=12 failed=8 error=0 dropped=0 outbox_pending=190 inbox=(no reading for 12s)");
    }

    #[test]
    fn journeys_without_a_time_are_told_by_their_number() {
        let moment = Moment { load_s: None, journeys: Some((250, 1_000)), ..moment() };
        assert!(
            plain_line(&moment).contains(" t=68s eta=204s journeys=250/1000 "),
            "{}",
            plain_line(&moment)
        );
        let line = bar_line(&moment);
        assert!(line.contains("] 25 % | 250 of 1000 journeys | ok ") && line.ends_with("ETA 3:24"), "{line}");
        let unbegun = Moment { journeys: Some((0, 1_000)), ..moment };
        assert!(!plain_line(&unbegun).contains("eta="), "nothing is known yet");
    }

    #[test]
    fn the_block_keeps_its_shape() {
        insta::assert_snapshot!(block(&moment(), "3:10 elapsed, 22:40 of load planned"), @"
        e1  round 2  treatment  lanes-on  steady  3:10 elapsed, 22:40 of load planned
        [████████████████░░░░░░░░░░░░░░░░] 50 % | ok 27 280 | rejected 12 | failed 8 | ETA 1:08
          response, ms  p50     58.1  p95      135  p99      402
          load          30 users, 3 in flight, 404 /s answered
          signals       outbox_pending 190  inbox (no reading for 12 s)
        ");
    }
}
