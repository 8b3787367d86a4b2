//! Bursts of a load: how many requests they left waiting, and for how long.

use crate::run::{MeasuredRun, RunFacts, StageFacts};
use crate::stats::band::Event;

/// What the level of a burst counts.
const AT_ONCE: &str = "at once";

/// What a burst left behind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pile {
    /// The most requests at one time that were due and had not ended, those included that waited for their turn.
    pub(super) peak: u32,
    /// Seconds from the burst's start until, after the peak, no more of them were left than at most before the first burst;
    /// infinite if there were more until the next burst.
    pub(super) drain_s: f64,
}

/// The burst of a name.
pub(super) fn burst<'a>(facts: &'a RunFacts, name: &str) -> Option<&'a StageFacts> {
    facts.start.stages.iter().find(|stage| stage.name == name && stage.of == AT_ONCE)
}

/// A burst as an event: it has no length; what is normal was seen before the first burst, and its effect is looked at until
/// the next one.
pub(super) fn event(facts: &RunFacts, burst: &StageFacts, steady_s: f64) -> Event {
    let until_s = s(facts.load_end_us().map_or(burst.end_us, |end| end.min(burst.end_us)));
    Event {
        steady_s,
        calm_until_s: s(first_us(facts).unwrap_or(burst.start_us)),
        start_s: s(burst.start_us),
        end_s: s(burst.start_us),
        until_s,
    }
}

/// What a burst left behind among the requests at these places.
pub(super) fn pile(
    run: &MeasuredRun,
    burst: &StageFacts,
    places: impl Iterator<Item = usize>,
    steady_s: f64,
) -> Pile {
    let samples = &run.samples;
    let mut steps: Vec<(i64, i32)> =
        places.flat_map(|i| [(samples.intended_us[i], 1), (samples.done_us[i], -1)]).collect();
    // What has ended makes room for what begins at the same time; what took no time was never left.
    steps.sort_unstable();
    let calm_us = first_us(&run.facts).unwrap_or(burst.start_us);
    let (mut left, mut usual, mut peak, mut drained_us) = (0_i32, 0_i32, 0_i32, None);
    for (at, step) in steps {
        left += step;
        let settled = left.max(0);
        if at < calm_us {
            if s(at) >= steady_s {
                usual = usual.max(settled);
            }
            continue;
        }
        if at < burst.start_us {
            continue;
        }
        if at >= burst.end_us {
            break;
        }
        if settled > peak {
            (peak, drained_us) = (settled, None);
        }
        if settled <= usual && drained_us.is_none() {
            drained_us = Some(at);
        }
    }
    let drain_s = match drained_us {
        _ if peak <= usual => 0.0,
        Some(at) => s(at - burst.start_us),
        None => f64::INFINITY,
    };
    Pile { peak: peak.unsigned_abs(), drain_s }
}

/// When the first burst of a load starts.
fn first_us(facts: &RunFacts) -> Option<i64> {
    facts.start.stages.iter().filter(|stage| stage.of == AT_ONCE).map(|stage| stage.start_us).min()
}

fn s(us: i64) -> f64 {
    us as f64 / 1e6
}
