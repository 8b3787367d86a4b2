//! Little's law: what is under way equals what arrives times how long it takes.

use super::{Check, Grade, exchanges};
use crate::run::MeasuredRun;
use crate::unit;
use crate::verdict::evidence::longest_steady;

/// Relative deviations from which the law does not hold.
const DEVIATION: f64 = 0.1;
/// Less than this many under way differs by chance.
const FEW: f64 = 1.0;

/// Mean requests under way (L) over the steady phase against the rate of those that ended in it (λ)
/// times their mean service time (W). They differ where requests pile up.
///
/// Source: Little 1961, Operations Research 9(3).
pub(super) fn checks(run: &MeasuredRun) -> Vec<Check> {
    let name = "Little's law";
    let facts = &run.facts;
    let window = longest_steady(facts).or_else(|| Some((0, facts.load_end_us()?)));
    let Some((start, end)) = window.filter(|(start, end)| end > start) else {
        return vec![Check::new(name, Grade::Warn, "the run has no steady phase to check")];
    };
    let samples = &run.samples;
    let seconds = (end - start) as f64 / 1e6;
    let (mut under_way_us, mut ended, mut service_us) = (0_i64, 0_u64, 0_i64);
    for i in exchanges(run) {
        let (sent, done) = (samples.sent_us[i], samples.done_us[i]);
        under_way_us += (done.min(end) - sent.max(start)).max(0);
        if (start..end).contains(&done) {
            ended += 1;
            service_us += done - sent;
        }
    }
    let l = under_way_us as f64 / 1e6 / seconds;
    let lambda = ended as f64 / seconds;
    let w_s = if ended == 0 { 0.0 } else { service_us as f64 / 1e6 / ended as f64 };
    let most = facts.start.load_facts.max_in_flight;
    let deviates =
        (l - lambda * w_s).abs() > DEVIATION * l.max(lambda * w_s) && (l - lambda * w_s).abs() > FEW;
    let text = format!(
        "L = {} under way (at most {most}), λW = {} × {} = {}{}",
        unit::significant(l),
        unit::rate(lambda),
        unit::time(w_s * 1e6),
        unit::significant(lambda * w_s),
        if deviates { ": requests accumulate; the phase is not steady" } else { "" }
    );
    vec![Check::new(name, if deviates { Grade::Warn } else { Grade::Valid }, text)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::audit::tests::run_of;

    #[test]
    fn steady_traffic_keeps_the_law_and_a_pile_breaks_it() {
        let steady: Vec<(i64, i64, i64)> = (0..1000).map(|i| (i * 10, i * 10, i * 10 + 50)).collect();
        assert_eq!(checks(&run_of(&steady))[0].grade, Grade::Valid);
        // Everything is answered long after the phase has ended.
        let pile: Vec<(i64, i64, i64)> = (0..1000).map(|i| (i * 10, i * 10, 20_000)).collect();
        assert_eq!(checks(&run_of(&pile))[0].grade, Grade::Warn);
    }
}
