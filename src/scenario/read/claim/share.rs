//! Shares by outcome, which are of all requests.

use crate::claim::{CountOf, Expression, Selection, Statistic};
use crate::sample::Outcome;
use crate::scenario::problem::{Place, Problems};

/// A claim does not select by outcome what it takes a share by outcome of: of `ok` requests, all are `ok`, whatever became
/// of the others.
pub(super) fn check(value: &Expression, select: &Selection, place: &Place, problems: &Problems) {
    let Some(selected) = select.outcome else { return };
    let statistics = value.statistics().unwrap_or_default();
    let has_all = statistics.iter().any(|(_, statistic)| *statistic == Statistic::Count(CountOf::All));
    let is_settled = |statistic: &Statistic| match statistic {
        // Which statuses those of an outcome have is open.
        Statistic::Share(of) => !matches!(of, CountOf::All | CountOf::Status(_)),
        Statistic::Count(of) => is_by_outcome(*of) && (has_all || !may_be(*of, selected)),
        _ => false,
    };
    if let Some((_, settled)) = statistics.iter().find(|(_, statistic)| is_settled(statistic)) {
        let title = format!(
            "`{settled}` counts requests by outcome, and only `{}` ones are selected",
            selected.word()
        );
        problems.add(place, title, "leave out `outcome` of `select`: a share is of all requests");
    }
}

fn is_by_outcome(of: CountOf) -> bool {
    matches!(of, CountOf::Outcome(_) | CountOf::Answered)
}

/// Whether requests that ended in some way can be among those that are counted.
fn may_be(of: CountOf, outcome: Outcome) -> bool {
    match of {
        CountOf::Outcome(counted) => counted == outcome,
        CountOf::Answered => outcome.is_answered(),
        _ => true,
    }
}
