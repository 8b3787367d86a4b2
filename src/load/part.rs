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
