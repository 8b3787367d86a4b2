//! Did the run go through as planned, and is it there at all?

use super::{Check, Grade};
use crate::run::{MeasuredRun, RunState};
use crate::sample::Outcome;
use crate::unit;

/// From this share of requests without an answer on, response times speak of a minority.
const ERRORS: f64 = 0.5;

pub(super) fn checks(run: &MeasuredRun) -> Vec<Check> {
    [state(run), answers(run)].into_iter().chain(repeats(run)).collect()
}

/// From this share of requests on, so many were sent twice that the system had other work than planned.
const REPEATS: f64 = 0.05;

/// Requests that were sent once more, if any: the server had closed their connections.
fn repeats(run: &MeasuredRun) -> Option<Check> {
    let repeats = run.samples.repeats;
    (repeats > 0).then(|| {
        let all = super::requests(run).count();
        let share = repeats as f64 / all.max(1) as f64;
        let text = format!(
            "{} of {} requests were sent again on a new connection, because the server had closed the old one \
             ({}): keep its connections open for longer than users think",
            unit::count(repeats),
            unit::count(all as u64),
            unit::share(share)
        );
        Check::new("repeated requests", Grade::of(share, REPEATS, f64::INFINITY), text)
    })
}

/// Whether it ended as it should.
pub(super) fn state(run: &MeasuredRun) -> Check {
    let facts = &run.facts;
    let (grade, text) = match facts.end.state {
        RunState::Done => (Grade::Valid, "carried out as planned".to_owned()),
        state if facts.end.note.is_empty() => (Grade::Invalid, format!("the run is {}", state.word())),
        state => (Grade::Invalid, format!("the run is {}: {}", state.word(), facts.end.note)),
    };
    Check::new("completion", grade, text)
}

/// What is wrong with arms of which no round has a complete run each.
pub(in crate::verdict) fn no_round() -> Check {
    Check::new("rounds", Grade::Invalid, "no round has a complete run of each arm")
}

/// Errors are outcomes, and claims may be about them; but they must not hide behind fast answers.
pub(super) fn answers(run: &MeasuredRun) -> Check {
    let name = "answers";
    let (mut all, mut unanswered, mut failed) = (0_u64, 0_u64, 0_u64);
    for i in super::requests(run) {
        all += 1;
        unanswered += u64::from(matches!(run.samples.outcome[i], Outcome::Error | Outcome::Dropped));
        failed += u64::from(run.samples.outcome[i] == Outcome::Failed);
    }
    if all == 0 {
        return Check::new(name, Grade::Invalid, "no request was made");
    }
    let share = unanswered as f64 / all as f64;
    let text = format!(
        "{} of {} requests had no answer ({})",
        unit::count(unanswered),
        unit::count(all),
        unit::share(share)
    );
    let first = run.reasons.iter().find(|r| r.outcome == Outcome::Error.word());
    let why = first.map_or(String::new(), |r| format!("; most often: {}", r.reason));
    let grade = Grade::of(share, 0.01, ERRORS);
    if failed as f64 / (all as f64) < ERRORS {
        return Check::new(name, grade, text + &why);
    }
    let wrong = format!(
        "; {} were answered wrongly ({})",
        unit::count(failed),
        unit::share(failed as f64 / all as f64)
    );
    Check::new(name, grade.max(Grade::Warn), text + &why + &wrong)
}
