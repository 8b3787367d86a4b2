//! What is called, each once, with its tags.

use std::collections::{BTreeSet, HashMap};

use super::context::Tags;
use crate::run::Tagged;
use crate::sample::{EndpointId, Subject};
use crate::scenario::problem::Problems;

/// Different tags, by name and value, that a scenario has at most: each has a row and a chart in reports.
const MOST_TAGS: usize = 50;

/// The endpoints, effects and groups of a scenario.
#[derive(Default)]
pub(super) struct Endpoints {
    subjects: Vec<Subject>,
    /// The tags of each, in the same order.
    tags: Vec<Tags>,
    /// Their places in these lists.
    places: HashMap<Subject, usize>,
    /// Different tags so far.
    known: BTreeSet<(String, String)>,
}

impl Endpoints {
    /// The id of an endpoint, new or known. Its tags belong to it: all its steps have the same.
    pub(super) fn id(&mut self, subject: Subject, tags: &Tags, problems: &Problems) -> EndpointId {
        let place = match self.places.get(&subject) {
            Some(place) => {
                if self.tags[*place].pairs != tags.pairs {
                    let title = format!("`{}` has other tags elsewhere", subject.endpoint);
                    let label = "tags belong to an endpoint: say the same, or give one of the two a `name`";
                    problems.add(&tags.place, title, label);
                }
                *place
            }
            None => {
                self.add(subject, tags, problems);
                self.subjects.len() - 1
            }
        };
        EndpointId(u16::try_from(place).unwrap_or(u16::MAX))
    }

    fn add(&mut self, subject: Subject, tags: &Tags, problems: &Problems) {
        let before = self.known.len();
        self.known.extend(tags.pairs.clone());
        if before <= MOST_TAGS && self.known.len() > MOST_TAGS {
            let label = format!("at most {MOST_TAGS} different names and values in a scenario");
            problems.add(&tags.place, "too many tags", label);
        }
        self.places.insert(subject.clone(), self.subjects.len());
        self.subjects.push(subject);
        self.tags.push(tags.clone());
    }

    /// The endpoint of an id.
    pub(super) fn of(&self, place: u16) -> &Subject {
        &self.subjects[usize::from(place)]
    }

    /// The endpoints in the order of their ids, and the tags of those that have some.
    pub(super) fn finish(self) -> (Vec<Subject>, Vec<Tagged>) {
        let pairs = self.tags.into_iter().map(|tags| tags.pairs);
        let both = self.subjects.iter().cloned().zip(pairs).filter(|(_, tags)| !tags.is_empty());
        let tagged = both.map(|(subject, tags)| Tagged { subject, tags }).collect();
        (self.subjects, tagged)
    }
}
