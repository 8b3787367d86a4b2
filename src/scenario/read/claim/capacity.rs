//! Claims about capacities, which a search decides and no run.

use crate::claim::{Expression, Form, Statistic};
use crate::scenario::problem::{Place, Problems};

/// A claim that speaks of a capacity speaks of one, or compares two. `is_narrowed`: whether it selects samples, or asks
/// for every run.
pub(super) fn check(value: &Expression, is_narrowed: bool, place: &Place, problems: &Problems) {
    let statistics = value.statistics().unwrap_or_default();
    let capacities = statistics.iter().filter(|(_, s)| matches!(s, Statistic::Capacity(_))).count();
    if capacities == 0 {
        return;
    }
    let is_plain = match statistics.len() {
        1 => true,
        2 => matches!(value.form(), Form::Ratio { .. } | Form::Difference { .. }),
        _ => false,
    };
    if capacities < statistics.len() || !is_plain {
        let title = "a claim about capacities is one capacity, or a ratio or a difference of two";
        problems.add(place, title, "e.g. `treatment.capacity / baseline.capacity`");
    }
    if is_narrowed {
        let title = "a capacity is of a whole load: the search's goals say what counts";
        problems.add(place, title, "leave out `select` and `every_run`");
    }
}
