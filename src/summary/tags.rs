//! Requests by their tags.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::frame::{FrameError, together};
use super::subject::Summary;
use crate::run::MeasuredRun;
use crate::sample::{Kind, Subject};

/// A tag of requests, as runs know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tag {
    name: String,
    value: String,
}

impl Tag {
    /// What its rows and curves are called: `page = checkout`.
    pub(super) fn title(&self) -> String {
        format!("{} = {}", self.name, self.value)
    }

    /// The users' requests in a run that have it.
    pub(super) fn subjects(&self, run: &MeasuredRun) -> BTreeSet<Subject> {
        let has_it = |tags: &BTreeMap<String, String>| tags.get(&self.name) == Some(&self.value);
        let of_requests = run.facts.start.tags.iter().filter(|tagged| is_of_users(&tagged.subject));
        of_requests.filter(|tagged| has_it(&tagged.tags)).map(|tagged| tagged.subject.clone()).collect()
    }
}

fn is_of_users(subject: &Subject) -> bool {
    subject.kind == Kind::Request && !subject.is_probe()
}

/// The tags of the requests of runs, each once, in order of name and value.
pub(super) fn of_runs(runs: &[Arc<MeasuredRun>]) -> BTreeSet<Tag> {
    let tagged =
        runs.iter().flat_map(|run| &run.facts.start.tags).filter(|tagged| is_of_users(&tagged.subject));
    let tag = |(name, value): (&String, &String)| Tag { name: name.clone(), value: value.clone() };
    tagged.flat_map(|tagged| tagged.tags.iter().map(tag)).collect()
}

/// A summary for each of some tags that requests of a run have.
///
/// # Errors
/// If the samples cannot be summarised.
pub(super) fn summaries(run: &MeasuredRun, tags: &BTreeSet<Tag>) -> Result<Vec<Summary>, FrameError> {
    let mut summaries = Vec::new();
    for tag in tags {
        let subjects = tag.subjects(run);
        let belongs = |subject: &Subject| subjects.contains(subject);
        summaries.extend(together(&run.samples, run.facts.load_s(), &tag.title(), belongs)?);
    }
    Ok(summaries)
}
