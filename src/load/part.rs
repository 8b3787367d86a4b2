//! A worker's part of a load: which users, journeys and starts are its own.

/// Every `of`th member of a whole, from the one with the number `index` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Below `of`.
    pub(super) index: u32,
    /// How many parts there are; at least 1.
    pub(super) of: u32,
}

impl Part {
    /// The same part of a whole that has at most so many parts, at least 1; none if it has no such part.
    pub(super) fn at_most(self, parts: u32) -> Option<Self> {
        let of = self.of.min(parts.max(1));
        (self.index < of).then_some(Self { of, ..self })
    }

    /// The number in the whole of this part's member `k`; it wraps around.
    pub(super) fn number(self, k: u32) -> u32 {
        k.wrapping_mul(self.of).wrapping_add(self.index)
    }

    /// Its members of a whole.
    pub(super) fn own<T>(self, all: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        all.skip(self.index as usize).step_by(self.of as usize)
    }

    /// How many of `all` members are its own.
    pub(super) fn size(self, all: u32) -> u32 {
        all / self.of + u32::from(all % self.of > self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_parts_than_places_have_any() {
        for (of, places) in [(2, 1), (4, 3), (2, 2), (1, 9), (3, 100)] {
            let parts = (0..of).filter_map(|index| Part { index, of }.at_most(places));
            let sizes: Vec<u32> = parts.map(|part| part.size(places)).collect();
            assert!(sizes.iter().all(|size| *size > 0), "{of} {places}: {sizes:?}");
            assert_eq!(sizes.iter().sum::<u32>(), places);
        }
    }

    #[test]
    fn each_member_is_in_exactly_one_part() {
        for (all, of) in [(0, 1), (1, 4), (10, 1), (10, 3), (12, 4)] {
            let parts = (0..of).map(|index| Part { index, of });
            let mut members: Vec<u32> = parts.clone().flat_map(|part| part.own(0..all)).collect();
            members.sort_unstable();
            assert_eq!(members, (0..all).collect::<Vec<_>>());
            for part in parts {
                let own: Vec<u32> = part.own(0..all).collect();
                assert_eq!(own.len(), part.size(all) as usize, "{part:?} of {all}");
                assert_eq!(own, (0..part.size(all)).map(|k| part.number(k)).collect::<Vec<_>>());
            }
        }
    }
}
