//! Counters that only grow, until their process starts anew.

use serde::Serialize;

/// How much a counter grew over its readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Increase {
    /// The growth, in the counter's unit, at least 0 for counters that start at 0.
    pub by: f64,
    /// How often it began again: readings below the one before.
    pub restarts: usize,
}

/// The increase over `readings`, in order of time.
///
/// A reading below the one before it means that the counter began again at 0, and adds its full value; any
/// other adds its difference. What was counted between the last reading and the restart is lost, so after
/// a restart the increase is a lower bound. Readings that are not finite are skipped. None without
/// readings that can be used; 0 for a single one, or where all are equal.
///
/// Source: `increase()` of Prometheus, without its extrapolation to the ends of a window.
pub fn increase(readings: &[f64]) -> Option<Increase> {
    let mut readings = readings.iter().copied().filter(|reading| reading.is_finite());
    let mut last = readings.next()?;
    let mut increase = Increase::default();
    for reading in readings {
        if reading < last {
            increase.restarts += 1;
            increase.by += reading;
        } else {
            increase.by += reading - last;
        }
        last = reading;
    }
    Some(increase)
}

/// What the falls of a counter mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Falls {
    /// There are none.
    None,
    /// It began again once: its increase is a lower bound.
    Restart,
    /// No restart explains them: several processes may have answered in turn, and nothing is known of its increase.
    Unexplained,
}

/// Most times what a counter may have counted in between, by its fastest increase, that it may stand at after it began
/// again.
const PLAUSIBLE: f64 = 3.0;

/// What the falls of a counter mean, by its readings `(seconds, value)` in order of time.
///
/// A process that starts again counts from 0, so that soon after it a counter stands no higher than it usually
/// rises. One that falls to more than that, or more than once, is not one counter: replicas behind one
/// address answer so.
pub fn falls(readings: &[(f64, f64)]) -> Falls {
    let steps = || readings.windows(2).map(|pair| (pair[1].0 - pair[0].0, pair[0].1, pair[1].1));
    let fallen: Vec<(f64, f64)> =
        steps().filter(|(_, from, to)| to < from).map(|(took, _, to)| (took, to)).collect();
    let rates = steps()
        .filter(|(took, from, to)| *took > 0.0 && to >= from)
        .map(|(took, from, to)| (to - from) / took);
    let fastest = rates.fold(0.0, f64::max);
    match fallen[..] {
        [] => Falls::None,
        [(took, to)] if to <= PLAUSIBLE * fastest * took => Falls::Restart,
        _ => Falls::Unexplained,
    }
}

/// The readings `(seconds, value)` of a counter as if it had never begun again: each is the first one's value and what
/// was counted since. What was counted right before a restart is missing.
pub fn cumulative(readings: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut lost = 0.0;
    let mut last = f64::NEG_INFINITY;
    let mut of = |(at, value): (f64, f64)| {
        if value < last {
            lost += last;
        }
        last = value;
        (at, lost + value)
    };
    readings.iter().map(|reading| of(*reading)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_counter_that_began_again_is_added_up() {
        // 5000, rising by 100 a second, begins again at 0 after 4 s.
        let readings = [5000.0, 5100.0, 5200.0, 5300.0, 5390.0, 0.0, 100.0, 200.0, 300.0, 400.0];
        assert_eq!(increase(&readings), Some(Increase { by: 790.0, restarts: 1 }));
        assert_eq!(increase(&[5.0, 3.0]), Some(Increase { by: 3.0, restarts: 1 }));
    }

    #[test]
    fn few_readings_and_equal_ones() {
        assert_eq!(increase(&[]), None);
        assert_eq!(increase(&[f64::NAN]), None);
        assert_eq!(increase(&[7.0]), Some(Increase::default()));
        assert_eq!(increase(&[7.0; 5]), Some(Increase::default()));
        assert_eq!(increase(&[1.0, f64::NAN, 4.0]), Some(Increase { by: 3.0, restarts: 0 }));
    }

    /// A reading each second.
    fn each_second(values: &[f64]) -> Vec<(f64, f64)> {
        values.iter().enumerate().map(|(i, value)| (i as f64, *value)).collect()
    }

    #[test]
    fn a_restart_is_told_from_replicas_that_answer_in_turn() {
        for (values, meant) in [
            (&[5.0, 6.0, 7.0][..], Falls::None),
            (&[5000.0, 5100.0, 5200.0, 80.0, 180.0], Falls::Restart),
            (&[5000.0, 5000.0, 0.0, 0.0], Falls::Restart),
            (&[5000.0, 300.0, 5000.0, 300.0, 5000.0], Falls::Unexplained),
            // Once, to another replica: it cannot have counted so much.
            (&[5000.0, 5010.0, 5020.0, 4900.0, 4910.0], Falls::Unexplained),
            (&[5000.0, 5100.0, 0.0, 100.0, 0.0, 100.0], Falls::Unexplained),
        ] {
            assert_eq!(falls(&each_second(values)), meant, "{values:?}");
        }
    }

    #[test]
    fn a_counter_goes_on_where_it_began_again() {
        let values: Vec<f64> =
            cumulative(&each_second(&[600.0, 700.0, 0.0, 50.0, 20.0])).iter().map(|point| point.1).collect();
        assert_eq!(values, [600.0, 700.0, 700.0, 750.0, 770.0]);
    }

    proptest! {
        #[test]
        fn an_increase_is_what_was_counted_wherever_the_restart_is_read(
            steps in prop::collection::vec(1_u32..50, 1..30), start in 0_u32..1000, restart in 0_usize..30,
        ) {
            // Reads right before and right after the restart, so that nothing is lost.
            let (mut value, mut readings) = (f64::from(start), vec![f64::from(start)]);
            for (place, step) in steps.iter().enumerate() {
                if place == restart {
                    value = 0.0;
                    readings.push(value);
                }
                value += f64::from(*step);
                readings.push(value);
            }
            let found = increase(&readings).unwrap();
            prop_assert_eq!(found.by, f64::from(steps.iter().sum::<u32>()));
            let restarted = restart < steps.len() && (start > 0 || restart > 0);
            prop_assert_eq!(found.restarts, usize::from(restarted));
        }
    }
}
