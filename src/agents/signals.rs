//! What agents read of themselves, among the signals of a run.
//!
//! The last signals of a run that agents make are theirs: the receive delay of all, then three of each agent.

use super::assignment::PROCESS_SIGNALS;
use crate::reading::{RECEIVE_DELAY, Reading, SignalId, SignalInfo};
use crate::run::AgentFacts;

/// Signals that an agent reads of itself: those of its process, then that of its load.
pub(super) const MOST: usize = PROCESS_SIGNALS + 1;

/// What agents read of themselves, in the order in which they stand at the end of a run's signals.
pub fn infos(agents: &[AgentFacts]) -> Vec<SignalInfo> {
    let info = |name: String, unit: &str, is_counter, source: String| SignalInfo {
        name,
        unit: unit.to_owned(),
        is_counter,
        source,
    };
    let of_agent = |agent: &AgentFacts| {
        let source = format!("agent {}", agent.name);
        [("cpu", "s", true), ("memory", "bytes", false), ("waiting", "s", true)].map(
            |(what, unit, is_counter)| {
                info(AgentFacts::signal(&agent.name, what), unit, is_counter, source.clone())
            },
        )
    };
    let delay = info(RECEIVE_DELAY.to_owned(), "µs", false, "load".to_owned());
    std::iter::once(delay).chain(agents.iter().flat_map(of_agent)).collect()
}

/// Gives readings of an agent the places of its signals in the run, which has so many signals and `agents` agents.
pub(super) fn renumber(readings: &mut Vec<Reading>, agent: u16, agents: usize, signals: usize) {
    let first = signals.checked_sub(agents * PROCESS_SIGNALS);
    let place = |signal: SignalId| {
        let own = usize::from(signal.0);
        let place = match own {
            PROCESS_SIGNALS => first?.checked_sub(1)?,
            0..PROCESS_SIGNALS => first? + usize::from(agent) * PROCESS_SIGNALS + own,
            _ => return None,
        };
        u16::try_from(place).ok().filter(|place| usize::from(*place) < signals).map(SignalId)
    };
    readings.retain_mut(|reading| place(reading.signal).map(|place| reading.signal = place).is_some());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_of_an_agent_have_the_places_of_its_signals() {
        let agents = ["a", "b"].map(|name| AgentFacts { name: name.to_owned(), ..AgentFacts::default() });
        let of_system = SignalInfo { name: "backlog".to_owned(), ..infos(&[])[0].clone() };
        let all: Vec<SignalInfo> = std::iter::once(of_system).chain(infos(&agents)).collect();
        let mut readings: Vec<Reading> =
            (0..5).map(|signal| Reading { signal: SignalId(signal), at_us: 0, value: 0.0 }).collect();
        renumber(&mut readings, 1, 2, all.len());
        let names: Vec<&str> =
            readings.iter().map(|reading| all[usize::from(reading.signal.0)].name.as_str()).collect();
        assert_eq!(names, ["agent b cpu", "agent b memory", "agent b waiting", RECEIVE_DELAY]);
    }
}
