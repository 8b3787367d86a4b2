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
