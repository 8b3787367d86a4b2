//! What a statistic leaves out, and on which side of the truth it may therefore lie.

use super::bound::Bound;

/// Something that a statistic does not count, because it was not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What it is, in a sentence.
    pub why: String,
    /// How the statistic may err.
    pub errs: Errs,
}

/// On which side of the truth a statistic may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errs {
    /// The truth may be more.
    Low,
    /// The truth may be less.
    High,
    /// The truth may be either.
    EitherWay,
}

impl Errs {
    /// Whether the truth may lie on the other side of a bound than the statistic, which keeps to it (`holds`) or does
    /// not.
    pub fn may_cross(self, bound: Bound, holds: bool) -> bool {
        match (bound, self) {
            (_, Self::EitherWay) | (Bound::Within(..), _) => true,
            (Bound::AtMost(_), Self::Low) | (Bound::AtLeast(_), Self::High) => holds,
            (Bound::AtMost(_), Self::High) | (Bound::AtLeast(_), Self::Low) => !holds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::Amount;

    #[test]
    fn a_lower_bound_proves_that_much_and_never_that_no_more() {
        let (least, most) = (Bound::AtLeast(Amount::plain(5.0)), Bound::AtMost(Amount::plain(5.0)));
        for (errs, bound, holds, crosses) in [
            (Errs::Low, most, true, true),
            (Errs::Low, most, false, false),
            (Errs::Low, least, true, false),
            (Errs::Low, least, false, true),
            (Errs::High, most, true, false),
            (Errs::High, least, true, true),
            (Errs::EitherWay, least, true, true),
            (Errs::EitherWay, most, false, true),
        ] {
            assert_eq!(errs.may_cross(bound, holds), crosses, "{errs:?} {bound:?} {holds}");
        }
    }
}
