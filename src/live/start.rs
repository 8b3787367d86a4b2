//! What can be started from the page, and what is made of the page's form: arguments of a command, or nothing. Values
//! are checked here one by one; no shell is involved, and none of them can become a flag.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::unit;

/// Longest text that a form may hold.
const LONGEST: usize = 200;

/// Ends the run in progress.
pub trait Control: Send + Sync {
    /// Ends the run as Ctrl-C does: requests under way get their grace, samples stay, and there is a summary.
    fn stop(&self);

    /// Ends it at once, as a second Ctrl-C does.
    fn abort(&self);

    /// Who starts runs, where that can be done from the page.
    fn starter(&self) -> Option<&dyn Starter> {
        None
    }
}

/// Starts runs.
pub trait Starter: Send + Sync {
    /// What can be run.
    fn offers(&self) -> Offers;

    /// The command line that has these arguments, ready to be typed.
    fn line(&self, arguments: &[String]) -> String;

    /// Starts a command.
    ///
    /// # Errors
    /// If one is under way, or the program cannot be started.
    fn start(&self, arguments: Vec<String>) -> Result<(), String>;
}

/// What can be run, and what cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Offers {
    /// The scenarios.
    pub scenarios: Vec<Offer>,
    /// Further files, and why they cannot be run.
    pub others: Vec<NoOffer>,
}

/// A file that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoOffer {
    /// The file.
    pub file: String,
    /// Why not.
    pub reason: String,
}

/// A scenario that can be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// Its file.
    pub file: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub why: String,
    /// Names of its profiles.
    pub profiles: Vec<String>,
    /// Its loads.
    pub loads: Vec<LoadOffer>,
    /// Its experiment, if it describes one.
    pub experiment: Option<ExperimentOffer>,
    /// Base URLs that it names itself.
    #[serde(skip)]
    pub base_urls: Vec<String>,
}

/// A load of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadOffer {
    /// Its name.
    pub name: String,
    /// In words.
    pub text: String,
}

/// The experiment of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExperimentOffer {
    /// What it compares, in words.
    pub text: String,
    /// The name of its load.
    pub load: String,
}

/// A form, filled in. An empty text is a value that is not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Form {
    command: Command,
    scenario: String,
    profile: String,
    load: String,
    users: String,
    run_time: String,
    rate: String,
    rounds: String,
    base_url: String,
    label: String,
    seed: String,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Command {
    #[default]
    Run,
    Experiment,
}

/// A value of a form that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Wrong {
    /// The field.
    pub(super) field: &'static str,
    /// What is wrong with it.
    pub(super) text: String,
}

impl Form {
    /// The arguments of the command that it describes.
    pub(super) fn arguments(&self, offers: &[Offer]) -> Result<Vec<String>, Wrong> {
        let wrong = |field, text: &str| Wrong { field, text: text.to_owned() };
        let offer = offers.iter().find(|offer| offer.file == self.scenario);
        let offer = offer.ok_or_else(|| wrong("scenario", "choose one of the scenarios"))?;
        let loads: Vec<&str> = offer.loads.iter().map(|load| load.name.as_str()).collect();
        let profiles: Vec<&str> = offer.profiles.iter().map(String::as_str).collect();
        let mut given: Vec<(&str, &str)> = Vec::new();
        match self.command {
            Command::Run => {
                given.push(("--profile", one_of("profile", &self.profile, &profiles)?));
                given.push(("--load", one_of("load", &self.load, &loads)?));
            }
            Command::Experiment if offer.experiment.is_none() => {
                return Err(wrong("command", "this scenario has no [experiment]"));
            }
            Command::Experiment => {
                if !self.load.is_empty() {
                    given.push(("--load", one_of("load", &self.load, &loads)?));
                }
                let is_right =
                    |text: &str| text.parse().is_ok_and(|rounds: u32| (1..=1000).contains(&rounds));
                given.extend(checked(
                    "rounds",
                    "--rounds",
                    &self.rounds,
                    "a number from 1 to 1000",
                    is_right,
                )?);
            }
        }
        let is_rate = |text: &str| unit::parse_rate(text).is_ok_and(|rate| rate > 0.0);
        let is_seed = |text: &str| text.parse().is_ok_and(|seed: u64| i64::try_from(seed).is_ok());
        let is_users = |text: &str| text.parse().is_ok_and(|users: u32| users > 0);
        let is_time = |text: &str| unit::parse_duration(text).is_ok();
        let is_base_url = |text: &str| is_local(text) || offer.base_urls.iter().any(|url| url == text);
        let here = "a URL of this machine or of the scenario";
        given.extend(checked("users", "--users", &self.users, "a number from 1 up", is_users)?);
        given.extend(checked("run_time", "--run-time", &self.run_time, "a time such as 90s or 3m", is_time)?);
        given.extend(checked("rate", "--rate", &self.rate, "a rate such as 500 or 30/m", is_rate)?);
        given.extend(checked("base_url", "--base-url", &self.base_url, here, is_base_url)?);
        given.extend(checked("label", "--label", &self.label, "a name", |_| true)?);
        given.extend(checked("seed", "--seed", &self.seed, "a number from 0 up", is_seed)?);
        let command = match self.command {
            Command::Run => "run",
            Command::Experiment => "experiment",
        };
        let flags = given.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]);
        Ok([command.to_owned(), offer.file.clone()].into_iter().chain(flags).collect())
    }
}

fn one_of<'a>(field: &'static str, value: &'a str, known: &[&str]) -> Result<&'a str, Wrong> {
    if known.contains(&value) { Ok(value) } else { Err(Wrong { field, text: format!("choose a {field}") }) }
}

/// A flag with its value, if one is given and right.
fn checked<'a>(
    field: &'static str,
    flag: &'static str,
    value: &'a str,
    what: &str,
    is_right: impl Fn(&str) -> bool,
) -> Result<Option<(&'static str, &'a str)>, Wrong> {
    if value.is_empty() {
        return Ok(None);
    }
    let is_plain = !value.starts_with('-') && value.len() <= LONGEST && !value.contains(char::is_control);
    if is_plain && is_right(value) {
        return Ok(Some((flag, value)));
    }
    Err(Wrong { field, text: format!("`{value}` is not {what}") })
}

/// Whether a URL leads to this machine.
fn is_local(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://").filter(|(scheme, _)| ["http", "https"].contains(scheme))
    else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A name before `@` would hide the host.
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) => host,
        _ => authority,
    };
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Offer {
        let load = |name: &str| LoadOffer { name: name.to_owned(), text: String::new() };
        Offer {
            file: "scenarios/shop.toml".to_owned(),
            name: "shop".to_owned(),
            why: String::new(),
            profiles: vec!["a".to_owned(), "b".to_owned()],
            loads: vec![load("short"), load("long")],
            experiment: Some(ExperimentOffer { text: String::new(), load: "short".to_owned() }),
            base_urls: vec!["http://shop.test".to_owned()],
        }
    }

    fn form(fields: &[(&str, &str)]) -> Form {
        let run = [("scenario", "scenarios/shop.toml"), ("profile", "a"), ("load", "short")];
        let all = run.iter().chain(fields).map(|(name, value)| ((*name).to_owned(), (*value).into()));
        serde_json::from_value(serde_json::Value::Object(all.collect())).unwrap()
    }

    fn line(fields: &[(&str, &str)]) -> Result<String, &'static str> {
        form(fields).arguments(&[offer()]).map(|words| words.join(" ")).map_err(|wrong| wrong.field)
    }

    #[test]
    fn a_form_becomes_the_arguments_of_a_command() {
        assert_eq!(line(&[]).unwrap(), "run scenarios/shop.toml --profile a --load short");
        let all = [
            ("users", "30"),
            ("run_time", "90s"),
            ("rate", "30/m"),
            ("label", "v1.2 rc"),
            ("seed", "0"),
            ("base_url", "http://localhost:9"),
        ];
        assert_eq!(
            line(&all).unwrap(),
            "run scenarios/shop.toml --profile a --load short --users 30 --run-time 90s --rate 30/m \
             --base-url http://localhost:9 --label v1.2 rc --seed 0"
        );
        let experiment = [("command", "experiment"), ("load", ""), ("rounds", "5")];
        assert_eq!(line(&experiment).unwrap(), "experiment scenarios/shop.toml --rounds 5");
    }

    #[test]
    fn nothing_but_what_is_offered_can_be_started() {
        for (field, value) in [
            ("scenario", "/etc/passwd"),
            ("scenario", "scenarios/../shop.toml"),
            ("profile", "c"),
            ("profile", ""),
            ("load", "--dry-run"),
            ("users", "-1"),
            ("users", "0"),
            ("users", "1 --html /etc/passwd"),
            ("run_time", "soon"),
            ("rate", "0"),
            ("label", "--html"),
            ("label", "a\nb"),
            ("seed", "18446744073709551615"),
            ("base_url", "http://evil.test"),
            ("base_url", "http://127.0.0.1@evil.test"),
            ("base_url", "file://127.0.0.1/"),
        ] {
            assert_eq!(line(&[(field, value)]), Err(field), "{value}");
        }
        assert_eq!(line(&[("command", "experiment"), ("rounds", "1001")]), Err("rounds"));
        assert!(serde_json::from_str::<Form>(r#"{"html": "x"}"#).is_err());
        assert!(serde_json::from_str::<Form>(r#"{"command": "selftest"}"#).is_err());
    }

    #[test]
    fn base_urls_are_of_this_machine_or_the_scenarios_own() {
        for url in
            ["http://127.0.0.1:8000", "https://localhost/", "http://[::1]:8000/path", "http://shop.test"]
        {
            assert!(line(&[("base_url", url)]).is_ok(), "{url}");
        }
    }
}
