//! How often a check that decides nothing has passed.

use super::{BATCHES, RoundRuns, WITHIN_RUN_ALPHA};
use crate::claim::{Found, Stretch};
use crate::run::MeasuredRun;
use crate::stats::distribution::t_quantile;
use crate::stats::proportion::wilson;

impl RoundRuns {
    /// The share of a run's selected requests that have passed a check, of those that had it.
    pub(super) fn check_share(&self, run: &MeasuredRun, check: &str) -> Result<Found, String> {
        if self.select.phase == Some(Stretch::Settled) {
            return Err("checks are counted by the phase: select `steady`".to_owned());
        }
        if let Some(stage) = &self.select.stage {
            return Err(format!("checks are counted by the phase: select `steady` instead of `{stage}`"));
        }
        if self.select.outcome.is_some() {
            return Err("checks are not counted by outcome: leave out `outcome`".to_owned());
        }
        let phase = self.select.phase.map(Stretch::phase);
        let counted = run.soft_checks.iter().filter(|counted| {
            let is_in_phase = phase.is_none_or(|phase| counted.phase == phase);
            counted.name == check && is_in_phase && self.selects(run, &counted.subject)
        });
        let (passed, failed) =
            counted.fold((0, 0), |(passed, failed), of| (passed + of.passed, failed + of.failed));
        let n = passed + failed;
        if n == 0 {
            return Err(format!("`{check}` was never checked in run {}", run.facts.id));
        }
        let counts = Some((passed as f64, n as f64));
        let within_run = self.within_run.then(|| {
            // When they passed is not known, so that they count as independent; t is that of a share's ten parts.
            let t = t_quantile(1.0 - WITHIN_RUN_ALPHA / 2.0, BATCHES.0 as f64 - 1.0);
            let interval = wilson(passed as f64, n as f64, t, 1.0);
            (Some(interval.low), Some(interval.high))
        });
        Ok(Found { value: passed as f64 / n as f64, counts, n, within_run, ..Found::default() })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::claim::Selection;
    use crate::run::SoftCheckCount;
    use crate::sample::{Kind, Phase, Subject};
    use crate::verdict::audit::tests::run_of;

    fn share(select: Selection, check: &str) -> Result<(f64, u64), String> {
        let counted = |endpoint: &str, phase, passed, failed| SoftCheckCount {
            name: "in stock".to_owned(),
            subject: Subject {
                kind: Kind::Request,
                traffic_class: String::new(),
                endpoint: endpoint.to_owned(),
            },
            phase,
            passed,
            failed,
        };
        let mut run = run_of(&[(0, 0, 1)]);
        run.soft_checks = vec![
            counted("GET /a", Phase::Steady, 6, 2),
            counted("GET /a", Phase::Drain, 0, 2),
            counted("GET /b", Phase::Steady, 10, 0),
        ];
        let run = Arc::new(run);
        let runs = RoundRuns {
            baseline: None,
            treatment: None,
            run: Arc::clone(&run),
            select,
            warm_up_us: 0,
            within_run: false,
            reading: super::super::Reading::Measured,
        };
        runs.check_share(&run, check).map(|found| (found.value, found.n))
    }

    #[test]
    fn checks_are_counted_of_what_is_selected_and_those_never_made_have_no_share() {
        let of_a = || Selection { endpoint: Some("GET /a".to_owned()), ..Selection::default() };
        assert_eq!(share(Selection::default(), "in stock"), Ok((0.8, 20)));
        assert_eq!(share(of_a(), "in stock"), Ok((0.6, 10)));
        assert_eq!(share(Selection { phase: Some(Stretch::Steady), ..of_a() }, "in stock"), Ok((0.75, 8)));
        assert!(share(Selection::default(), "other").unwrap_err().contains("never checked"));
        assert!(share(Selection { phase: Some(Stretch::Settled), ..of_a() }, "in stock").is_err());
    }
}
