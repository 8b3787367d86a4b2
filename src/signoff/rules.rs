//! The rules of a sign-off, from a TOML file.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize};

use crate::unit;

/// A rules file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the rules `{file}` cannot be used: {problem}")]
pub struct RulesError {
    /// The file.
    pub file: String,
    /// What is wrong, with the line.
    pub problem: String,
}

/// What a release needs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// What is released.
    pub product: String,
    /// Evidence that is older is none.
    #[serde(deserialize_with = "duration")]
    pub max_age: Duration,
    /// How runs tell which release they are of.
    #[serde(default)]
    pub release: ReleaseKey,
    /// Whether runs count whose load the command line has changed: fewer users, a lower rate, a shorter time.
    #[serde(default)]
    pub changed_loads: bool,
    /// The environments that count.
    #[serde(default)]
    pub environment: Accepted,
    /// What must be supported.
    pub require: Vec<Requirement>,
    /// What was waived.
    #[serde(default)]
    pub waive: Vec<Waiver>,
    /// Why experiments were not finished.
    #[serde(default)]
    pub explain: Vec<Explanation>,
}

/// Why an experiment, or a run, was not finished: it is then passed over.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// Its name: `e4`, or the number of a run.
    pub evidence: String,
    /// Who answers for it.
    pub who: String,
    /// Why.
    pub why: String,
}

/// How runs tell which release they are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseKey {
    /// By the commit of the working directory that they were made in.
    #[default]
    Commit,
    /// By their label, for systems that are built from another repository.
    Label,
}

/// The environments that count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accepted {
    /// Names given by `--deployment`; any if empty. `names` is its old name.
    #[serde(alias = "names")]
    pub deployments: Vec<String>,
    /// Facts and the values that they may have; a value may end in `*`.
    pub facts: BTreeMap<String, Vec<String>>,
}

/// Claims that must be supported by one experiment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// What it is called.
    pub name: String,
    /// The scenario's name.
    pub scenario: String,
    /// The load; any if none.
    pub load: Option<String>,
    /// The treatment's profile, or that of a single run; any if none.
    pub profile: Option<String>,
    /// The claims, by their titles or ids; all that gate if empty.
    #[serde(default)]
    pub claims: Vec<String>,
    /// What decides them.
    #[serde(default)]
    pub evidence: EvidenceKind,
}

/// What decides the claims of a requirement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceKind {
    /// All rounds of an experiment.
    #[default]
    Experiment,
    /// A run by itself, for claims that need no second arm.
    Run,
}

/// What is let pass, by whom, why, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The requirement's name.
    pub require: String,
    /// The claim's title or id; all of the requirement's if none.
    pub claim: Option<String>,
    /// Who answers for it.
    pub who: String,
    /// Why.
    pub why: String,
    /// The last day on which it holds (UTC).
    #[serde(deserialize_with = "date")]
    pub until: Date,
}

impl Rules {
    /// Reads rules. `file`: what the file is called in messages.
    ///
    /// # Errors
    /// If the text is not TOML, has unknown keys or values, or speaks of a requirement that there is not.
    pub fn parse(text: &str, file: &str) -> Result<Self, RulesError> {
        let error = |problem: String| RulesError { file: file.to_owned(), problem };
        let rules: Self = toml::from_str(text).map_err(|e| error(e.to_string().trim_end().to_owned()))?;
        if rules.require.is_empty() {
            return Err(error("they require nothing; add a `[[require]]`".to_owned()));
        }
        for (place, requirement) in rules.require.iter().enumerate() {
            if rules.require[..place].iter().any(|other| other.name == requirement.name) {
                return Err(error(format!("two requirements are called `{}`", requirement.name)));
            }
        }
        for waiver in &rules.waive {
            if !rules.require.iter().any(|requirement| requirement.name == waiver.require) {
                let known: Vec<&str> = rules.require.iter().map(|r| r.name.as_str()).collect();
                return Err(error(format!(
                    "a waiver is for requirement `{}`, which is not among: {}",
                    waiver.require,
                    known.join(", ")
                )));
            }
            if [&waiver.who, &waiver.why].iter().any(|text| text.trim().is_empty()) {
                return Err(error(format!("the waiver for `{}` needs `who` and `why`", waiver.require)));
            }
        }
        for explanation in &rules.explain {
            if [&explanation.who, &explanation.why].iter().any(|text| text.trim().is_empty()) {
                return Err(error(format!(
                    "the explanation of `{}` needs `who` and `why`",
                    explanation.evidence
                )));
            }
        }
        Ok(rules)
    }
}

impl Accepted {
    /// Why an environment does not count; none if it does.
    pub(super) fn refuses(&self, name: Option<&str>, facts: &BTreeMap<String, String>) -> Option<String> {
        if !self.deployments.is_empty()
            && !name.is_some_and(|name| self.deployments.iter().any(|known| known == name))
        {
            let wanted = self.deployments.join(" or ");
            return Some(match name {
                Some(name) => format!("deployment `{name}` is not {wanted}"),
                None => format!("its deployment has no name; {wanted} is wanted (`--deployment`)"),
            });
        }
        self.facts.iter().find_map(|(fact, wanted)| {
            let found = facts.get(fact).map_or("", String::as_str);
            (!wanted.iter().any(|pattern| matches(pattern, found)))
                .then(|| format!("{fact} is `{found}`, not `{}`", wanted.join("` or `")))
        })
    }
}

/// Whether a value is the pattern, or begins with what stands before its `*`.
fn matches(pattern: &str, value: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(begin) => value.starts_with(begin),
        None => value == pattern,
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    unit::parse_duration(&text)
        .map_err(|_| serde::de::Error::custom(format!("`{text}` is not a valid age: expected e.g. `14d`")))
}

/// A date of TOML's own, or one in quotes.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Date(toml::value::Datetime),
        Text(String),
    }
    let text = match Form::deserialize(deserializer)? {
        Form::Date(date) => date.to_string(),
        Form::Text(text) => text,
    };
    text.parse().map_err(|_| {
        serde::de::Error::custom(format!("`{text}` is not a valid date: expected e.g. `2027-01-31`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        product = "Shop"
        max_age = "14d"
        [environment]
        deployments = ["ci"]
        facts = { cores = ["8", "16"], kernel = ["6.*"] }
        [[require]]
        name = "Lanes"
        scenario = "priority-lanes"
        [[waive]]
        require = "Lanes"
        claim = "C2"
        who = "Test lead"
        why = "The host was replaced"
        until = 2027-01-31
    "#;

    fn problem(text: &str) -> String {
        Rules::parse(text, "release.toml").unwrap_err().to_string()
    }

    #[test]
    fn rules_are_read_and_mistakes_are_named() {
        let rules = Rules::parse(RULES, "release.toml").unwrap();
        assert_eq!(rules.max_age, Duration::from_hours(14 * 24));
        assert_eq!(rules.waive[0].until.to_string(), "2027-01-31");
        insta::assert_snapshot!(problem(&RULES.replace("max_age", "maxage")));
        insta::assert_snapshot!(problem(&RULES.replace("2027-01-31", "\"soon\"")));
        insta::assert_snapshot!(problem(&RULES.replace("require = \"Lanes\"", "require = \"Lines\"")), @"the rules `release.toml` cannot be used: a waiver is for requirement `Lines`, which is not among: Lanes");
        insta::assert_snapshot!(problem(&RULES.replace("Test lead", " ")), @"the rules `release.toml` cannot be used: the waiver for `Lanes` needs `who` and `why`");
        insta::assert_snapshot!(problem("product = \"Shop\"\nmax_age = \"1d\"\nrequire = []"), @"the rules `release.toml` cannot be used: they require nothing; add a `[[require]]`");
    }

    #[test]
    fn environments_count_by_name_and_facts() {
        let accepted = Rules::parse(RULES, "release.toml").unwrap().environment;
        let facts = |cores: &str, kernel: &str| {
            BTreeMap::from([("cores".to_owned(), cores.to_owned()), ("kernel".to_owned(), kernel.to_owned())])
        };
        assert_eq!(accepted.refuses(Some("ci"), &facts("8", "6.1.0")), None);
        let refused = |name, cores, kernel| accepted.refuses(name, &facts(cores, kernel)).unwrap();
        assert_eq!(refused(Some("ci"), "2", "6.1.0"), "cores is `2`, not `8` or `16`");
        assert_eq!(refused(Some("ci"), "8", "5.10"), "kernel is `5.10`, not `6.*`");
        assert_eq!(refused(Some("desk"), "8", "6.1"), "deployment `desk` is not ci");
        assert_eq!(refused(None, "8", "6.1"), "its deployment has no name; ci is wanted (`--deployment`)");
    }
}
