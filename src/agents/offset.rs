//! How far two clocks are apart, by questions and answers, as NTP does it (RFC 5905, section 8).

/// One question about another machine's clock, µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "units stand in names")]
pub(super) struct Probe {
    /// When it was asked, by the clock here.
    pub(super) asked_us: i64,
    /// What the clock there said.
    pub(super) there_us: i64,
    /// What the wall clock there said.
    pub(super) there_unix_us: i64,
    /// When the answer came, by the clock here.
    pub(super) answered_us: i64,
    /// What the wall clock here said then.
    pub(super) answered_unix_us: i64,
}

/// How far two clocks are apart, µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "units stand in names")]
pub(super) struct Offset {
    /// By how much the clock there is ahead of the one here; clocks of processes begin anywhere.
    pub(super) clock_us: i64,
    /// By how much the wall clock there is ahead of the one here.
    pub(super) wall_us: i64,
    /// By how much both may be off: the answer was given at some time between question and answer, so by half of that time.
    pub(super) error_us: i64,
}

/// What the question with the shortest round trip shows: whatever waits on the way makes it longer. None without one.
pub(super) fn best(probes: &[Probe]) -> Option<Offset> {
    let trip = |probe: &&Probe| probe.answered_us - probe.asked_us;
    let best = probes.iter().filter(|probe| trip(probe) >= 0).min_by_key(trip)?;
    let half = (best.answered_us - best.asked_us) / 2;
    Some(Offset {
        clock_us: best.there_us - (best.asked_us + half),
        wall_us: best.there_unix_us - (best.answered_unix_us - half),
        // What integers have cut off counts, too.
        error_us: half + 1,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_true_offset_is_within_the_error(
            offset in -1_000_000_i64..1_000_000,
            trips in proptest::collection::vec((0_i64..5_000, 0_i64..5_000), 1..10),
        ) {
            let probes: Vec<Probe> = (0..).zip(&trips).map(|(i, (there, back))| Probe {
                asked_us: i * 10_000,
                there_us: i * 10_000 + there + offset,
                there_unix_us: i * 10_000 + there + offset + 7_000_000,
                answered_us: i * 10_000 + there + back,
                answered_unix_us: i * 10_000 + there + back + 7_000_000,
            }).collect();
            let found = best(&probes).unwrap();
            prop_assert!((found.clock_us - offset).abs() <= found.error_us);
            prop_assert!((found.wall_us - offset).abs() <= found.error_us);
            let shortest = trips.iter().map(|(there, back)| there + back).min().unwrap();
            prop_assert_eq!(found.error_us, shortest / 2 + 1);
        }
    }

    #[test]
    fn nothing_follows_from_no_answer() {
        assert_eq!(best(&[]), None);
    }
}
