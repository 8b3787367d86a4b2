//! Seeds: each journey instance draws from numbers of its own, fixed by the run's seed and its
//! place alone. Both arms of a round therefore see the same requests in the same order of
//! instances, however fast their answers come.

/// A seed that depends on `state` and on each of the parts (the finaliser of `SplitMix64`; Steele
/// et al. 2014).
pub(super) fn mix(state: u64, parts: &[u64]) -> u64 {
    parts.iter().fold(state ^ 0x9e37_79b9_7f4a_7c15, |state, part| {
        let mut z = state ^ part.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

#[cfg(test)]
mod tests {
    use super::mix;

    #[test]
    fn every_part_and_its_place_matter() {
        let seeds = [mix(0, &[1, 2, 3]), mix(0, &[1, 3, 2]), mix(0, &[1, 2]), mix(1, &[1, 2, 3])];
        let distinct: std::collections::BTreeSet<u64> = seeds.into_iter().collect();
        assert_eq!(distinct.len(), seeds.len());
        assert_eq!(mix(0, &[1, 2, 3]), mix(0, &[1, 2, 3]));
    }
}
