//! What can be said of a run that another tool has made. What needs facts that its file does not tell is not
//! checked, and said not to be.

use super::{Check, Grade, completion, generator, steady};
use crate::run::imported::{Imported, Lack};
use crate::run::{MeasuredRun, RunState};

/// The checks that need a generator that was watched, or a load that is known.
const NOT_CHECKED: &str = "scheduling lag, offered and achieved rate, dropped starts, Little's law, generator CPU, \
                           clock, co-location, signals: not contained in the file";

pub(super) fn checks(run: &MeasuredRun, imported: &Imported<'_>) -> Vec<Check> {
    let mut checks = vec![origin(imported), Check::new("not checked", Grade::Warn, NOT_CHECKED)];
    if run.facts.end.state != RunState::Done {
        checks.push(completion::state(run));
    }
    if imported.lacks(Lack::Samples) {
        checks.push(stated(imported));
        return checks;
    }
    checks.push(answers(run, imported));
    checks.extend(imported.gaps.map(gaps));
    checks.extend(settled(run, imported));
    // Words of errors can only speak against a generator whose machine is not known.
    checks.extend(Some(generator::sockets(run)).filter(|check| check.grade != Grade::Valid));
    checks
}

fn origin(imported: &Imported<'_>) -> Check {
    let mut text = format!("imported from {}", imported.from);
    if imported.lacks(Lack::IntendedTimes) {
        text.push_str(
            ": no intended start times, so response time is service time; coordinated omission cannot be ruled out",
        );
    }
    if let Some(left_out) = imported.left_out {
        text.push_str(&format!("; left out: {left_out}"));
    }
    Check::new("origin", Grade::Warn, text)
}

/// Metrics that a tool states decide nothing: their spread is not known.
fn stated(imported: &Imported<'_>) -> Check {
    let metrics: Vec<String> =
        imported.stated.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let text = format!(
        "the file contains no samples, so nothing can be decided from it; the tool states: {}",
        metrics.join(", ")
    );
    Check::new("samples", Grade::Invalid, text)
}

/// Requests of several runs are not pooled.
fn gaps(gaps: &str) -> Check {
    let text = format!(
        "{gaps}: the file seems to hold several runs, which must not be taken for one; split it, and import each"
    );
    Check::new("gaps", Grade::Invalid, text)
}

fn answers(run: &MeasuredRun, imported: &Imported<'_>) -> Check {
    let check = completion::answers(run);
    if imported.lacks(Lack::Unanswered) && check.grade != Grade::Invalid {
        let text = "the file contains answered requests only: the number without an answer is unknown";
        return Check::new("answers", Grade::Warn, text);
    }
    check
}

fn settled(run: &MeasuredRun, imported: &Imported<'_>) -> Vec<Check> {
    if imported.lacks(Lack::Order) {
        let text = "unknown: the file does not contain the order of requests";
        return vec![Check::new(steady::NAME, Grade::Warn, text)];
    }
    steady::checks(run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::imported::{FROM, LACKS};
    use crate::verdict::audit::of_run;
    use crate::verdict::audit::tests::run_of;

    fn imported(lacks: &[Lack]) -> MeasuredRun {
        let requests: Vec<(i64, i64, i64)> =
            (0..600).map(|i| (i * 100, i * 100, i * 100 + 20 + i % 3)).collect();
        let mut run = run_of(&requests);
        let lacks: Vec<&str> = lacks.iter().map(|lack| lack.words()).collect();
        run.facts.start.environment.insert(FROM.to_owned(), "k6 CSV".to_owned());
        run.facts.start.environment.insert(LACKS.to_owned(), lacks.join(", "));
        run
    }

    fn grades(run: &MeasuredRun) -> Vec<(String, Grade)> {
        of_run(run).checks.into_iter().map(|check| (check.name.into_owned(), check.grade)).collect()
    }

    #[test]
    fn nothing_is_called_valid_that_the_file_does_not_tell() {
        let known = grades(&imported(&[Lack::IntendedTimes]));
        let valid: Vec<&str> =
            known.iter().filter(|(_, grade)| *grade == Grade::Valid).map(|(name, _)| name.as_str()).collect();
        assert_eq!(valid, ["answers", steady::NAME]);
        let little = grades(&imported(&[Lack::IntendedTimes, Lack::Unanswered, Lack::Order]));
        assert!(little.iter().all(|(_, grade)| *grade == Grade::Warn), "{little:?}");
    }
}
