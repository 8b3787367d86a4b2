//! How races ended, in print.

use super::{EndingRow, RaceRow};
use crate::summary::ArmSummary;
use crate::summary::race::{EntrantEnding, RaceMetrics};
use crate::unit;

/// Ways in which races ended that are told one by one.
const MOST_ENDINGS: usize = 12;

/// The races of an arm, in print.
pub(super) fn races(arm: &ArmSummary, name: &str) -> Vec<RaceRow> {
    let row = |race: &RaceMetrics| {
        let all = race.endings.iter().flat_map(|ending| &ending.entrants);
        let mut endpoints: Vec<String> = all.map(|entrant| entrant.endpoint.clone()).collect();
        endpoints.sort();
        endpoints.dedup();
        let endings = endings(race, &endpoints);
        let (fewest, most) = race.entrants;
        let together = (race.together_share * race.races as f64).round();
        RaceRow {
            arm: name.to_owned(),
            name: race.name.clone(),
            races: unit::count(race.races),
            entrants: if fewest == most { most.to_string() } else { format!("{fewest} to {most}") },
            overlap: unit::share(race.overlap),
            together: format!("{} of {}", unit::plain(together), unit::count(race.races)),
            spread: unit::time(race.spread_us),
            endpoints,
            further: endings.len().saturating_sub(MOST_ENDINGS),
            endings: endings.into_iter().take(MOST_ENDINGS).collect(),
        }
    };
    arm.races.iter().map(row).collect()
}

/// The ways in which races ended, endpoint by endpoint. How many have lost in each of the ways is no
/// matter.
fn endings(race: &RaceMetrics, endpoints: &[String]) -> Vec<EndingRow> {
    let mut endings: Vec<(Vec<String>, u64)> = Vec::new();
    for ending in &race.endings {
        let of_endpoint = |endpoint: &String| {
            let entrants: Vec<&EntrantEnding> =
                ending.entrants.iter().filter(|e| e.endpoint == *endpoint).collect();
            ended(&entrants)
        };
        let ended: Vec<String> = endpoints.iter().map(of_endpoint).collect();
        match endings.iter_mut().find(|(known, _)| *known == ended) {
            Some((_, races)) => *races += ending.races,
            None => endings.push((ended, ending.races)),
        }
    }
    endings.sort_by_key(|(_, races)| std::cmp::Reverse(*races));
    let row = |(ended, races): (Vec<String>, u64)| EndingRow {
        ended,
        races: unit::count(races),
        share: unit::share(races as f64 / race.races as f64),
    };
    endings.into_iter().map(row).collect()
}

/// `ok`, or of many `5 ok, others rejected 409 or rejected 422`; empty for nobody.
fn ended(entrants: &[&EntrantEnding]) -> String {
    let ok: u64 = entrants.iter().filter(|e| e.ended == "ok").map(|e| e.entrants).sum();
    let lost: Vec<&str> = entrants.iter().filter(|e| e.ended != "ok").map(|e| e.ended.as_str()).collect();
    let lost = lost.join(" or ");
    match (entrants.iter().map(|e| e.entrants).sum::<u64>(), ok) {
        (0, _) => String::new(),
        (1, 1) => "ok".to_owned(),
        (1, _) => lost,
        (_, 0) => format!("all {lost}"),
        (all, ok) if all == ok => format!("all {ok} ok"),
        (_, ok) => format!("{ok} ok, others {lost}"),
    }
}
