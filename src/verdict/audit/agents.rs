//! Where agents made the load: did all of them, on one clock, and alike?

use super::generator;
use super::{Check, Grade, requests};
use crate::run::{AgentFacts, AgentState, MeasuredRun};
use crate::sample::Outcome;
use crate::stats::quantile::type8;
use crate::unit;

/// By how much the clocks of agents may be off, µs: from when on it matters for what crosses machines, and from when on
/// nothing can be told.
const CLOCKS_US: (f64, f64) = (10_000.0, 1_000_000.0);
/// An agent is slower if its quantile is above that of the others by more than this factor, …
const SLOWER: f64 = 1.2;
/// … and by more than this, µs, …
const SLOWER_US: f64 = 100.0;
/// … both taken at the ends of intervals of so many standard errors: requests that follow each other are alike, so that the
/// usual two would be too few.
const ERRORS: f64 = 4.0;
/// Requests of an agent from which on a quantile of it is told.
const FEWEST: [(f64, usize); 2] = [(0.5, 100), (0.99, 2_000)];
/// Agents that are told one by one.
const TOLD: usize = 8;

pub(super) fn checks(run: &MeasuredRun) -> Vec<Check> {
    let agents = &run.facts.end.agents;
    if agents.is_empty() {
        return Vec::new();
    }
    let mut checks = vec![complete(agents), clocks(agents)];
    checks.extend([worst(run, &BUSY), worst(run, &WAITING)]);
    checks.extend(alike(run));
    checks
}

/// Whether everything that the agents have measured is there.
fn complete(agents: &[AgentFacts]) -> Check {
    let name = "agents";
    let what = |agent: &AgentFacts| match (agent.state, agent.taken) {
        (AgentState::Done, Some(taken)) if taken == agent.samples => None,
        (AgentState::Done, Some(taken)) => Some(format!(
            "`{}` took {} samples, and the store holds {}",
            agent.name,
            unit::count(taken),
            unit::count(agent.samples)
        )),
        (AgentState::Done, None) => Some(format!("`{}` has not said what it took", agent.name)),
        (AgentState::Working, _) => Some(format!("nobody knows what became of `{}`", agent.name)),
        (AgentState::CutShort, _) => Some(format!("`{}` did not make its share: {}", agent.name, agent.note)),
        (AgentState::Lost, _) => Some(format!("`{}` was lost: {}", agent.name, agent.note)),
    };
    let wrong: Vec<String> = agents.iter().filter_map(what).collect();
    if !wrong.is_empty() {
        return Check::new(name, Grade::Invalid, wrong.join("; "));
    }
    let samples: u64 = agents.iter().map(|agent| agent.samples).sum();
    Check::new(
        name,
        Grade::Valid,
        format!(
            "{} made the load; all {} samples that they took are stored",
            agents.len(),
            unit::count(samples)
        ),
    )
}

/// Whether their times can be compared with each other, and with those of faults and signals.
fn clocks(agents: &[AgentFacts]) -> Check {
    let name = "agents' clocks";
    let Some(worst) = agents.iter().max_by_key(|agent| agent.clock_error_us()) else {
        return Check::new(name, Grade::Warn, "not known");
    };
    let error_us = worst.clock_error_us() as f64;
    let unknown = agents.iter().filter(|agent| agent.drift_us.is_none()).count();
    let grade = Grade::of(error_us, CLOCKS_US.0, CLOCKS_US.1);
    let drift = if unknown == 0 {
        String::new()
    } else {
        format!("; {unknown} of {} could not be asked again after the run", agents.len())
    };
    let grade = if unknown == 0 { grade } else { grade.max(Grade::Warn) };
    Check::new(
        name,
        grade,
        format!(
            "within {} of the run's (`{}`); each request is timed by one clock, but times of samples against those of faults, \
             signals and other agents are known no better than that{drift}",
            unit::time(error_us),
            worst.name
        ),
    )
}

/// A share of an agent's time that is looked at: its signal, the check, what its readings come to, and what that means.
struct Share {
    signal: &'static str,
    check: &'static str,
    sum_up: fn(&[f64]) -> f64,
    grade: fn(f64) -> (Grade, &'static str),
    text: &'static str,
}

const BUSY: Share = Share {
    signal: "cpu",
    check: "generator CPU",
    sum_up: generator::most,
    grade: generator::busy_grade,
    text: "its workers are busy",
};
const WAITING: Share = Share {
    signal: "waiting",
    check: "generator starved",
    sum_up: generator::mean,
    grade: generator::waiting_grade,
    text: "it waited for a core",
};

/// The check of the agent that fares worst.
fn worst(run: &MeasuredRun, of: &Share) -> Check {
    let agents = &run.facts.end.agents;
    let known = agents.iter().filter_map(|agent| {
        let signal = AgentFacts::signal(&agent.name, of.signal);
        let shares = generator::shares_of(run, &signal, agent.workers)?;
        Some(((of.sum_up)(&shares), agent))
    });
    let known: Vec<(f64, &AgentFacts)> = known.collect();
    let worst = known.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    let Some((share, agent)) = worst.filter(|_| known.len() == agents.len()) else {
        return Check::new(of.check, Grade::Warn, "was not read of every agent");
    };
    let (grade, hint) = (of.grade)(*share);
    let text =
        format!("agent `{}`, the worst: {} {} of the time{hint}", agent.name, of.text, unit::share(*share));
    Check::new(of.check, grade, text)
}

/// The requests of an agent that were answered, and how late those were sent that waited for nothing.
struct Own<'a> {
    agent: &'a AgentFacts,
    responses_us: Vec<f64>,
    lateness_us: Vec<f64>,
}

/// Whether one agent is slower than the others.
fn alike(run: &MeasuredRun) -> Option<Check> {
    let name = "agents alike";
    let (agents, samples) = (&run.facts.end.agents, &run.samples);
    if agents.len() < 2 || samples.journey.len() != samples.subject.len() {
        return None;
    }
    let workers = run.facts.start.load_facts.workers;
    let mut all: Vec<Own<'_>> =
        agents.iter().map(|agent| Own { agent, responses_us: Vec::new(), lateness_us: Vec::new() }).collect();
    for i in requests(run).filter(|i| samples.outcome[*i] != Outcome::Dropped) {
        let journey = samples.journey[i];
        let Some(own) = all.iter_mut().find(|own| own.agent.has_made(journey, workers)) else { continue };
        own.lateness_us.push((samples.sent_us[i] - samples.intended_us[i]).max(0) as f64);
        if samples.outcome[i].is_answered() {
            own.responses_us.push((samples.done_us[i] - samples.intended_us[i]) as f64);
        }
    }
    for own in &mut all {
        own.responses_us.sort_by(f64::total_cmp);
        own.lateness_us.sort_by(f64::total_cmp);
    }
    let slower: Vec<String> = (0..all.len()).filter_map(|place| slower(&all, place)).collect();
    let (grade, hint) = if slower.is_empty() {
        (Grade::Valid, String::new())
    } else {
        (Grade::Warn, format!("{}; look at its machine and its way to the system: ", slower.join("; ")))
    };
    let told = all.iter().take(TOLD).map(told).collect::<Vec<_>>().join("; ");
    let more = if all.len() > TOLD { format!("; and {} more", all.len() - TOLD) } else { String::new() };
    Some(Check::new(name, grade, format!("{hint}{told}{more}")))
}

/// `a: p50 2.1 ms, p99 8 ms, sent late by 0.1 ms at p99`
fn told(own: &Own<'_>) -> String {
    let at = |values: &[f64], p| type8(values, p).map_or("not known".to_owned(), unit::time);
    format!(
        "`{}`: p50 {}, p99 {}, sent {} late at p99",
        own.agent.name,
        at(&own.responses_us, 0.5),
        at(&own.responses_us, 0.99),
        at(&own.lateness_us, 0.99)
    )
}

/// In which quantile an agent is slower than the others together, if it is in any.
fn slower(all: &[Own<'_>], place: usize) -> Option<String> {
    let own = &all[place];
    let mut others: Vec<f64> = Vec::new();
    for other in all.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, other)| other) {
        others.extend(&other.responses_us);
    }
    others.sort_by(f64::total_cmp);
    FEWEST.into_iter().find_map(|(p, fewest)| {
        if own.responses_us.len() < fewest || others.len() < fewest {
            return None;
        }
        let ((low, _), (_, high)) = (interval(&own.responses_us, p)?, interval(&others, p)?);
        let is_slower = low > high * SLOWER && low - high > SLOWER_US;
        is_slower.then(|| {
            format!(
                "`{}` is slower than the others: p{} at least {} against at most {}",
                own.agent.name,
                p * 100.0,
                unit::time(low),
                unit::time(high)
            )
        })
    })
}

/// Between which order statistics a quantile lies: the number of values below it is binomial, and so within so many standard
/// errors of n p (Conover 1999, section 3.2).
fn interval(sorted: &[f64], p: f64) -> Option<(f64, f64)> {
    let n = sorted.len() as f64;
    let half = ERRORS * (n * p * (1.0 - p)).sqrt() / n;
    let (low, high) = ((p - half).max(0.0), (p + half).min(1.0));
    Some((type8(sorted, low)?, type8(sorted, high)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::SignalColumn;
    use crate::verdict::audit::tests::run_of;

    fn agent(number: u16, name: &str) -> AgentFacts {
        AgentFacts {
            number,
            name: name.to_owned(),
            first_worker: number,
            workers: 1,
            drift_us: Some(5),
            offset_error_us: 200,
            samples: 10,
            taken: Some(10),
            state: AgentState::Done,
            ..AgentFacts::default()
        }
    }

    /// A run of two agents whose requests, taken in turns, take so long, ms.
    fn run(requests: i64, took_ms: [i64; 2]) -> MeasuredRun {
        let took = |i: i64| if i % 2 == 0 { took_ms[0] } else { took_ms[1] } + i % 3;
        let times: Vec<(i64, i64, i64)> = (0..requests).map(|i| (i * 10, i * 10, i * 10 + took(i))).collect();
        let mut run = run_of(&times);
        run.samples.journey = (0..u32::try_from(requests).unwrap()).collect();
        run.facts.start.load_facts.workers = 2;
        run.facts.end.agents = vec![agent(0, "a"), agent(1, "b")];
        run
    }

    #[test]
    fn samples_that_are_missing_void_a_run() {
        assert_eq!(complete(&[agent(0, "a"), agent(1, "b")]).grade, Grade::Valid);
        let missing = complete(&[agent(0, "a"), AgentFacts { taken: Some(11), ..agent(1, "b") }]);
        assert_eq!(
            (missing.grade, missing.text.as_str()),
            (Grade::Invalid, "`b` took 11 samples, and the store holds 10")
        );
        for state in [AgentState::Working, AgentState::CutShort, AgentState::Lost] {
            assert_eq!(complete(&[AgentFacts { state, ..agent(0, "a") }]).grade, Grade::Invalid, "{state:?}");
        }
        assert_eq!(complete(&[AgentFacts { taken: None, ..agent(0, "a") }]).grade, Grade::Invalid);
    }

    #[test]
    fn clocks_that_are_far_apart_are_told() {
        let with =
            |offset_error_us, drift_us| clocks(&[AgentFacts { offset_error_us, drift_us, ..agent(0, "a") }]);
        assert_eq!(with(200, Some(5)).grade, Grade::Valid);
        assert_eq!(with(200, Some(-15_000)).grade, Grade::Warn);
        assert_eq!(with(2_000_000, Some(0)).grade, Grade::Invalid);
        assert_eq!(with(200, None).grade, Grade::Warn, "it may have drifted");
    }

    #[test]
    fn an_agent_that_is_slower_than_the_others_is_named() {
        let slow = alike(&run(1_000, [20, 30])).unwrap();
        assert_eq!(slow.grade, Grade::Warn, "{}", slow.text);
        assert!(slow.text.starts_with("`b` is slower than the others: p50 "), "{}", slow.text);
        let same = alike(&run(1_000, [20, 20])).unwrap();
        assert_eq!(same.grade, Grade::Valid, "{}", same.text);
        assert_eq!(alike(&run(40, [20, 30])).unwrap().grade, Grade::Valid, "too few to tell");
    }

    #[test]
    fn the_busiest_agent_is_told() {
        let mut run = run(1_000, [20, 20]);
        let none = worst(&run, &BUSY);
        assert_eq!(none.grade, Grade::Warn, "nothing was read");
        for (name, per_second) in [("a", 0.2), ("b", 0.95)] {
            run.signals.push(SignalColumn {
                name: AgentFacts::signal(name, "cpu"),
                unit: "s".to_owned(),
                is_counter: true,
                readings: (0..20).map(|i| (i * 500_000, i as f64 * 0.5 * per_second)).collect(),
            });
        }
        let check = worst(&run, &BUSY);
        assert_eq!(check.grade, Grade::Invalid, "{}", check.text);
        assert!(check.text.starts_with("agent `b`, the worst: its workers are busy 95"), "{}", check.text);
    }
}
