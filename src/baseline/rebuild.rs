//! From a saved baseline back to runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Baseline, Cell, SavedRun};
use crate::reading::SignalColumn;
use crate::run::{Arm, MeasuredRun, RunEnd, RunFacts, RunId, RunStart, RunState};
use crate::sample::{SampleColumns, Subject};
use crate::verdict::audit::RunAudit;

/// Rebuilt runs, with the audit that was made of the samples themselves.
#[derive(Clone, Debug, Default)]
pub struct Rebuilt {
    /// The runs, as the baseline's of rounds 1, 2, …; their numbers are negative, so that none is taken
    /// for one of the store's.
    pub runs: Vec<Arc<MeasuredRun>>,
    /// What the audit said of each.
    pub audits: BTreeMap<RunId, RunAudit>,
}

impl Baseline {
    /// The runs again. Times are those of the histograms' steps, within 0.1 % of what was measured.
    pub fn rebuild(&self) -> Rebuilt {
        let mut rebuilt = Rebuilt::default();
        for (round, saved) in (1..).zip(&self.runs) {
            let run = self.run(saved, round);
            let audit = RunAudit {
                run: run.facts.id,
                arm: Some(Arm::Baseline),
                round: Some(round),
                ..saved.audit.clone()
            };
            rebuilt.audits.insert(run.facts.id, audit);
            rebuilt.runs.push(Arc::new(run));
        }
        rebuilt
    }

    fn run(&self, saved: &SavedRun, round: u32) -> MeasuredRun {
        let samples = samples(saved);
        let facts = RunFacts {
            id: RunId(-i64::from(round)),
            start: RunStart {
                scenario: self.scenario.clone(),
                fingerprint: self.fingerprint.clone(),
                load: self.load.0.clone(),
                load_text: self.load.1.clone(),
                profile: saved.profile.clone(),
                label: saved.label.clone(),
                arm: Some(Arm::Baseline),
                round: Some(round),
                started_at: saved.started_at.clone(),
                seed: saved.seed,
                tool_version: self.tool_version.clone(),
                environment: self.environment.clone(),
                load_facts: self.load_facts.clone(),
                claims: self.claims.clone(),
                must_hold: saved.must_hold.clone(),
                tags: saved.tags.clone(),
                ..RunStart::default()
            },
            duration_s: saved.duration_s,
            samples: samples.subject.len() as u64,
            pruned_unix_us: None,
            end: RunEnd { state: RunState::Done, phases: saved.phases.clone(), ..RunEnd::default() },
        };
        let signals = saved.signals.iter().map(|signal| SignalColumn {
            name: signal.name.clone(),
            unit: signal.unit.clone(),
            is_counter: signal.is_counter,
            readings: signal.readings.clone(),
        });
        MeasuredRun {
            facts,
            samples,
            signals: signals.collect(),
            reasons: Vec::new(),
            soft_checks: Vec::new(),
            slowest: Vec::new(),
            checksum: String::new(),
            seal: crate::run::Seal::None,
        }
    }
}

fn samples(saved: &SavedRun) -> SampleColumns {
    let mut columns = SampleColumns::default();
    for cell in &saved.cells {
        let subject = place(&mut columns.subjects, cell);
        let (start, end) = saved
            .phases
            .iter()
            .find(|p| p.name == cell.phase.word())
            .map_or((0, 0), |p| (p.start_us, p.end_us));
        // The largest first, side by side: nothing is known of their order, so that what lies beyond a
        // high quantile counts as one event.
        let response: Vec<u64> = expanded(&cell.response_us);
        let service: Vec<u64> = expanded(&cell.service_us);
        let n = i64::try_from(response.len()).unwrap_or(i64::MAX);
        for (i, (response, service)) in (0..).zip(response.iter().zip(&service)) {
            let intended = start + (end - start) * i / n.max(1);
            let done = intended + i64::try_from(*response).unwrap_or(i64::MAX);
            columns.subject.push(subject);
            columns.outcome.push(cell.outcome);
            columns.phase.push(cell.phase);
            columns.status.push(cell.status);
            columns.intended_us.push(intended);
            columns.sent_us.push(done - i64::try_from(*service).unwrap_or(0));
            columns.done_us.push(done);
        }
    }
    columns
}

fn place(subjects: &mut Vec<Subject>, cell: &Cell) -> u32 {
    let subject = Subject {
        kind: cell.kind,
        traffic_class: cell.traffic_class.clone(),
        endpoint: cell.endpoint.clone(),
    };
    let place = subjects.iter().position(|s| *s == subject).unwrap_or_else(|| {
        subjects.push(subject);
        subjects.len() - 1
    });
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Each value as often as it was counted, the largest first.
fn expanded(counts: &[(u64, u64)]) -> Vec<u64> {
    let repeat =
        |(value, count): &(u64, u64)| std::iter::repeat_n(*value, usize::try_from(*count).unwrap_or(0));
    counts.iter().rev().flat_map(repeat).collect()
}
