//! Little's law: what is under way equals what arrives times how long it takes.

use super::{Check, Grade, exchanges};
use crate::claim::{Claim, Selection};
use crate::run::{MeasuredRun, RunStart};
use crate::unit;
use crate::verdict::evidence::longest_steady;

/// Relative deviations from which the law does not hold.
const DEVIATION: f64 = 0.1;
/// From this share of the most that may be under way on, a load is kept full.
const FULL: f64 = 0.9;
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
        "L = {} in flight (at most {most}), λW = {} × {} = {}{}",
        unit::significant(l),
        unit::rate(lambda),
        unit::time(w_s * 1e6),
        unit::significant(lambda * w_s),
        if deviates { ": requests accumulate; the phase is not steady" } else { "" }
    );
    let law = Check::new(name, if deviates { Grade::Warn } else { Grade::Valid }, text);
    let is_full = most > 0 && l >= FULL * f64::from(most);
    let impossible = is_full.then(|| contradiction(&facts.start, l)).flatten();
    std::iter::once(law).chain(impossible).collect()
}

/// Claims that no system can meet together: with L under way all the time, at most λ a second take L/λ each at least.
fn contradiction(start: &RunStart, l: f64) -> Option<Check> {
    let of = |text: &str| {
        let is_meant = |claim: &&Claim| {
            claim.value.to_string() == text
                && claim.select == Selection::default()
                && claim.is_about(&start.load, start.deployment.as_deref())
                && claim.is_of(&start.profile)
        };
        let upper = |claim: &Claim| Some((claim.title.clone(), claim.bound.edges().1?));
        start.claims.iter().filter(is_meant).find_map(upper)
    };
    let ((throughput, most_per_s), (mean, most_ms)) = (of("run.throughput")?, of("run.mean")?);
    let least_ms = l / most_per_s * 1e3;
    (least_ms > most_ms).then(|| {
        let text = format!(
            "no system meets both `{throughput}` and `{mean}`: with {} in flight all the time, {} take {} each at \
             least, not {}; one of them is about another concurrency, or another time",
            unit::significant(l),
            unit::rate(most_per_s),
            unit::time(least_ms * 1e3),
            unit::time(most_ms * 1e3)
        );
        Check::new("Little's law of the claims", Grade::Warn, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::{Bound, Expression};
    use crate::verdict::audit::tests::run_of;

    #[test]
    fn steady_traffic_keeps_the_law_and_a_pile_breaks_it() {
        let steady: Vec<(i64, i64, i64)> = (0..1000).map(|i| (i * 10, i * 10, i * 10 + 50)).collect();
        assert_eq!(checks(&run_of(&steady))[0].grade, Grade::Valid);
        // Everything is answered long after the phase has ended.
        let pile: Vec<(i64, i64, i64)> = (0..1000).map(|i| (i * 10, i * 10, 20_000)).collect();
        assert_eq!(checks(&run_of(&pile))[0].grade, Grade::Warn);
    }

    /// A claim about one run.
    fn claim(value: &str, at_most: &str) -> Claim {
        let bound = Bound::AtMost(at_most.parse().unwrap());
        Claim::new(value, Expression::new(value), bound)
    }

    #[test]
    fn claims_that_contradict_each_other_under_a_full_load_are_named() {
        let start = |claims| RunStart { claims, ..RunStart::default() };
        // 200 under way at 200 to 400 a second take 500 ms to 1 s each.
        let guide = vec![claim("run.throughput", "400"), claim("run.mean", "200ms")];
        let check = contradiction(&start(guide), 200.0).unwrap();
        assert_eq!(check.grade, Grade::Warn);
        assert!(
            check
                .text
                .contains("with 200 in flight all the time, 400 /s take 500 ms each at least, not 200 ms"),
            "{}",
            check.text
        );
        let possible = vec![claim("run.throughput", "400"), claim("run.mean", "600ms")];
        assert_eq!(contradiction(&start(possible), 200.0), None);
        assert_eq!(contradiction(&start(vec![claim("run.mean", "200ms")]), 200.0), None);
    }
}
