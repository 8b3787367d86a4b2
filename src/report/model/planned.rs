//! The plan of a run's load as it is drawn: levels over time, and the stretches that have names.

use super::PhaseBand;
use crate::run::{RunFacts, StageFacts};

/// Points of a plan's line.
const POINTS: u32 = 400;

/// A level that a plan tells of: that of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    /// The part's name; empty if the load has one.
    pub(super) part: String,
    /// What it counts.
    pub(super) unit: String,
}

/// What a run's plan tells of, in order. Bursts are moments, and no level.
pub(super) fn levels(run: &RunFacts) -> Vec<Planned> {
    let mut all: Vec<Planned> = Vec::new();
    for stage in run.start.stages.iter().filter(|stage| stage.of != "at once") {
        let unit = if stage.of == "users" { "users" } else { "journeys started per second" };
        let planned = Planned { part: stage.part.clone(), unit: unit.to_owned() };
        if !all.contains(&planned) {
            all.push(planned);
        }
    }
    all
}

/// A level over time, s, until the load's planned end.
pub(super) fn points(run: &RunFacts, of: &Planned) -> Vec<(f64, f64)> {
    let end_s = run.start.stages.iter().map(|stage| stage.end_us).max().unwrap_or(0) as f64 / 1e6;
    let stages: Vec<&StageFacts> = run.start.stages.iter().filter(|stage| stage.part == of.part).collect();
    let at = |second: f64| {
        let us = second * 1e6;
        let now = stages.iter().find(|s| (s.start_us as f64) <= us && us < s.end_us as f64);
        now.map_or(0.0, |s| {
            let share = (us - s.start_us as f64) / (s.end_us - s.start_us).max(1) as f64;
            s.from + (s.to - s.from) * share
        })
    };
    let seconds = (0..POINTS).map(|point| end_s * f64::from(point) / f64::from(POINTS));
    seconds.map(|second| (second, at(second))).collect()
}

/// The named stages as they are shaded.
pub(super) fn bands(run: &RunFacts) -> Vec<PhaseBand> {
    let mut names: Vec<&str> = Vec::new();
    // A part has a row of its own.
    let named =
        |stage: &&StageFacts| stage.of != "at once" && !stage.name.is_empty() && stage.name != stage.part;
    for stage in run.start.stages.iter().filter(named) {
        if !names.contains(&stage.name.as_str()) {
            names.push(&stage.name);
        }
    }
    let band = |name: &str| {
        let (start, end) = run.stage_us(name)?;
        let name = name.to_owned();
        Some(PhaseBand { name, start_s: start as f64 / 1e6, end_s: end as f64 / 1e6, is_fault: false })
    };
    names.into_iter().filter_map(band).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{PhaseSpan, RunEnd, RunStart};
    use crate::sample::Phase;

    fn stage(name: &str, start_s: i64, end_s: i64, from: f64, to: f64) -> StageFacts {
        StageFacts {
            name: name.to_owned(),
            of: "users".to_owned(),
            start_us: start_s * 1_000_000,
            end_us: end_s * 1_000_000,
            from,
            to,
            ..StageFacts::default()
        }
    }

    #[test]
    fn a_plan_is_drawn_to_its_end_and_its_stages_as_far_as_the_load_came() {
        let stages = vec![
            stage("up", 0, 10, 0.0, 20.0),
            stage("spike", 10, 20, 20.0, 20.0),
            stage("spike", 20, 30, 20.0, 20.0),
            stage("late", 30, 40, 20.0, 0.0),
        ];
        let steady = PhaseSpan {
            name: Phase::Steady.word().to_owned(),
            start_us: 0,
            end_us: 25_000_000,
            complete: false,
            unknown: String::new(),
        };
        let run = RunFacts {
            start: RunStart { stages, ..RunStart::default() },
            end: RunEnd { phases: vec![steady], ..RunEnd::default() },
            ..RunFacts::default()
        };
        let [of] = &levels(&run)[..] else { panic!("one level: {:?}", levels(&run)) };
        let points = points(&run, of);
        let at = |s: f64| points.iter().find(|point| point.0 >= s).unwrap().1;
        assert_eq!([at(0.0), at(5.0), at(15.0), at(35.0)], [0.0, 10.0, 20.0, 10.0]);
        let bands: Vec<(String, f64, f64)> =
            bands(&run).into_iter().map(|band| (band.name, band.start_s, band.end_s)).collect();
        assert_eq!(bands, [("up".to_owned(), 0.0, 10.0), ("spike".to_owned(), 10.0, 25.0)]);
    }
}
