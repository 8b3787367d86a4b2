//! Where the chance of a miss crosses a level, as a load rises: limits that hold whatever chose the loads.
//!
//! ```text
//! chance of a miss
//!        1 ┤                 ╭─────
//!    level ┤- - - - - - - -╭─╯            the crossing c: below it a trial misses with at most this
//!        0 ┤──────────────╯               chance, above it with at least this chance
//!          └──────────────┴─┴───── load
//! ```
//!
//! A search chooses its loads by what it has seen, and stops when it likes the result: the number of trials
//! at a load is no number of a binomial distribution. So each hypothesis "c is below ℓ" is tested by
//! betting. Under it every trial at ℓ or above misses with at least `level`, whatever was before, so that a
//! bet on its being met, at the odds of `level`, cannot gain on average. A gain by the factor `1 / alpha`
//! has a probability of at most `alpha`, at any time (Ville's inequality). Bets are placed before the trial,
//! on what the trials so far make likely.
//!
//! Assumed: the chance of a miss does not fall as the load rises, and trials do not influence each other.
//!
//! Source: Ville 1939; Waudby-Smith and Ramdas 2024, Estimating means of bounded random variables by
//! betting.

/// Two players, with their shares of the first wealth and what they stake of theirs on each trial. With a
/// level of one half, six bets that are all won show a side at 2.5 %. The bold one alone would show it as
/// soon, and would lose too much by a surprise: the cautious one gains while one trial of five surprises.
const PLAYERS: [(f64, f64); 2] = [(0.85, 0.9), (0.15, 0.6)];
/// No one makes more trials to show a limit.
const MOST_BETS: i32 = 1000;

/// A trial at a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// The load.
    pub load: f64,
    /// Whether it missed.
    pub is_miss: bool,
}

/// Limits of the crossing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// It is not below this load; none if that cannot be shown of any.
    pub low: Option<f64>,
    /// It is not above this load; none if that cannot be shown of any.
    pub high: Option<f64>,
}

/// The limits of the load at which the chance of a miss crosses `level`, each with an error of at most
/// `alpha / 2`.
///
/// `trials`: in order of time. `level`: in [0, 1); with 0 there is no lower limit, since no number of trials
/// shows that none ever misses. Limits are loads that were tried.
pub fn limits(trials: &[Tried], level: f64, alpha: f64) -> Limits {
    // Seen from the other end, what is met is missed, and what is above is below.
    let mirrored: Vec<Tried> =
        trials.iter().map(|tried| Tried { load: -tried.load, is_miss: !tried.is_miss }).collect();
    Limits {
        low: low(trials, level, alpha / 2.0),
        high: low(&mirrored, 1.0 - level, alpha / 2.0).map(|load| -load),
    }
}

/// How many trials, all of them met, show a lower limit; those of an upper one with the level `1 − level`,
/// all of them missed. The first is not bet on. None if no number does.
pub fn trials_needed(level: f64, alpha: f64) -> Option<u32> {
    if level <= 0.0 {
        return None;
    }
    let wealth = |bets: i32| -> f64 {
        PLAYERS.iter().map(|(share, stake)| share * gain(*stake, level).powi(bets)).sum()
    };
    let bets = (1..=MOST_BETS).find(|bets| wealth(*bets) * alpha / 2.0 >= 1.0)?;
    u32::try_from(bets + 1).ok()
}

/// The largest load that every lower one, and it itself, is shown to lie below the crossing.
fn low(trials: &[Tried], level: f64, alpha: f64) -> Option<f64> {
    let bets = bets(trials);
    let mut loads: Vec<f64> = trials.iter().map(|tried| tried.load).collect();
    loads.sort_by(f64::total_cmp);
    loads.dedup();
    let is_shown = |load: &f64| {
        let of = |(share, stake): &(f64, f64)| {
            let factor = |bet: &&Tried| if bet.is_miss { 1.0 - stake } else { gain(*stake, level) };
            share * bets.iter().filter(|bet| bet.load >= *load).map(factor).product::<f64>()
        };
        PLAYERS.iter().map(of).sum::<f64>() * alpha >= 1.0
    };
    loads.into_iter().take_while(is_shown).last()
}

/// The trials that were bet on to be met: those of which that was likely before.
fn bets(trials: &[Tried]) -> Vec<&Tried> {
    let is_likely_met = |before: &[Tried], load: f64| {
        let met = before.iter().filter(|t| !t.is_miss && t.load >= load).count();
        met > before.iter().filter(|t| t.is_miss && t.load <= load).count()
    };
    let placed = trials.iter().enumerate();
    placed
        .filter(|(place, tried)| is_likely_met(&trials[..*place], tried.load))
        .map(|(_, tried)| tried)
        .collect()
}

/// What a won bet multiplies a player's wealth by: fair where the chance of a miss is `level`.
fn gain(stake: f64, level: f64) -> f64 {
    1.0 + stake * level / (1.0 - level)
}

#[cfg(test)]
mod tests {
    use super::super::simulated::Normal;
    use super::*;

    fn tried(of: &[(f64, &str)]) -> Vec<Tried> {
        let at = |(load, marks): &(f64, &str)| {
            let load = *load;
            marks.chars().map(move |mark| Tried { load, is_miss: mark == 'x' }).collect::<Vec<_>>()
        };
        of.iter().flat_map(at).collect()
    }

    #[test]
    fn seven_trials_that_agree_show_a_limit_on_each_side() {
        assert_eq!(trials_needed(0.5, 0.05), Some(7));
        assert_eq!(trials_needed(0.5, 0.025), Some(8));
        assert_eq!(trials_needed(0.0, 0.05), None);
        let limits_of = |of: &[(f64, &str)]| limits(&tried(of), 0.5, 0.05);
        let both = limits_of(&[(100.0, "ooooooo"), (110.0, "xxxxxxx")]);
        assert_eq!(both, Limits { low: Some(100.0), high: Some(110.0) });
        assert_eq!(limits_of(&[(100.0, "oooooo"), (110.0, "xxxxxx")]), Limits::default());
        assert_eq!(limits_of(&[]), Limits::default());
    }

    #[test]
    fn a_surprise_costs_further_trials_and_loads_help_each_other() {
        let low = |of: &[(f64, &str)]| limits(&tried(of), 0.5, 0.05).low;
        assert_eq!(low(&[(100.0, "ooxoooooooo")]), None);
        assert_eq!(low(&[(100.0, "ooxooooooooo")]), Some(100.0));
        // What was met at more is met at less; the higher load has too few trials of its own.
        assert_eq!(low(&[(110.0, "oooo"), (100.0, "ooo")]), Some(100.0));
    }

    #[test]
    fn a_goal_that_is_never_to_be_missed_has_an_upper_limit_only() {
        let of = tried(&[(100.0, "oooooooooo"), (110.0, "xx")]);
        assert_eq!(limits(&of, 0.0, 0.05), Limits { low: None, high: Some(110.0) });
    }

    /// Loads are chosen by an up-and-down rule, and the trials end as soon as both limits are there: of what
    /// such a search reports, at most 5 % may be wrong.
    #[test]
    fn limits_hold_though_the_loads_are_chosen_by_what_was_seen() {
        let mut random = Normal::seeded(11);
        let (mut wrong, searches) = (0, 500);
        for _ in 0..searches {
            let truth = 100.0 * (1.0 + 0.1 * random.uniform());
            let (mut load, mut trials) = (90.0, Vec::new());
            for _ in 0..60 {
                let is_miss = (load / truth).ln() / 0.05 + random.next() > 0.0;
                trials.push(Tried { load, is_miss });
                load = f64::round(if is_miss { load * 0.97 } else { load * 1.03 });
                let limits = limits(&trials, 0.5, 0.05);
                if let (Some(low), Some(high)) = (limits.low, limits.high) {
                    wrong += usize::from(low > truth || high < truth);
                    break;
                }
            }
        }
        assert!(wrong * 20 <= searches, "{wrong} of {searches}");
    }
}
