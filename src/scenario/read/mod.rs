//! The parts of a scenario file, one reader each: tables in, checked values out.

pub(super) mod address;
pub(super) mod answer;
pub(super) mod around;
pub(super) mod auth;
pub(super) mod binding;
pub(super) mod body;
pub(super) mod book;
pub(super) mod broker;
pub(super) mod canonical;
pub(super) mod capacity;
pub(super) mod check;
pub(super) mod claim;
pub(super) mod content;
pub(super) mod context;
pub(super) mod defaults;
pub(super) mod endpoints;
pub(super) mod event;
pub(super) mod events;
pub(super) mod experiment;
pub(super) mod extract;
pub(super) mod fault;
pub(super) mod feeder;
pub(super) mod hook;
pub(super) mod hosts;
pub(super) mod journey;
pub(super) mod keys;
pub(super) mod load;
pub(super) mod media;
pub(super) mod multipart;
pub(super) mod network;
pub(super) mod patch;
pub(super) mod plain;
pub(super) mod profile;
pub(super) mod program;
pub(super) mod replay;
pub(super) mod rpc;
pub(super) mod signal;
pub(super) mod socket;
pub(super) mod stages;
pub(super) mod step;
pub(super) mod symptom;
pub(super) mod tags;
pub(super) mod tls;
pub(super) mod trace;
pub(super) mod user;
pub(super) mod vars;

use std::collections::BTreeMap;

use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior};

use self::vars::{VARS, Vars};
use super::effort;
use super::fields::{Fields, Located};
use super::problem::{Place, Problems};
use super::template::{Variables, is_template, plain_message};

/// Evaluates the templates of settings (hosts, commands, URLs): they know nothing but
/// `env("NAME", "default")` and `vars.NAME`.
pub(super) struct Settings {
    environment: Environment<'static>,
    vars: Vars,
    /// The values of `vars`; none if there are none.
    values: Option<BTreeMap<String, Value>>,
}

impl Settings {
    pub(super) fn new(variables: &Variables, vars: Vars, problems: &Problems) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        effort::bound(&mut environment);
        variables.register(&mut environment);
        Self::of(environment, vars, problems)
    }

    fn of(mut environment: Environment<'static>, vars: Vars, problems: &Problems) -> Self {
        let values = vars.values(&environment, problems);
        if let Some(values) = &values {
            environment.add_global(VARS, Value::from(values.clone()));
        }
        Self { environment, vars, values }
    }

    /// Those of a profile, which may set variables anew.
    pub(super) fn of_profile(&self, vars: Option<&Fields<'_>>, problems: &Problems) -> Self {
        Self::of(self.environment.clone(), self.vars.over(vars), problems)
    }

    /// The values of `vars`, for templates of journeys; none if there are none.
    pub(super) fn values(&self) -> Option<Value> {
        self.values.as_ref().map(|values| Value::from(values.clone()))
    }

    /// Whether a template names no variable that there is none of; notes those that it does.
    pub(super) fn knows(&self, source: &str, leaves: &[Place], problems: &Problems) -> bool {
        self.vars.check(source, leaves, problems)
    }

    /// Values that are to be hidden.
    pub(super) fn secrets(&self) -> impl Iterator<Item = String> {
        self.values.iter().flat_map(Vars::secrets)
    }

    /// The text with its templates filled in; a mistake is noted, and gives the text as it is.
    pub(super) fn fill(&self, text: &Located<String>, problems: &Problems) -> String {
        if !is_template(&text.value)
            || !self.vars.check(&text.value, std::slice::from_ref(&text.place), problems)
        {
            return text.value.clone();
        }
        self.environment.render_str(&text.value, minijinja::context! {}).unwrap_or_else(|error| {
            let help = "settings may use `{{ env(\"NAME\", \"default\") }}` and `{{ vars.NAME }}`".to_owned();
            problems.add_with_help(
                &text.place,
                "bad template in a setting",
                plain_message(&error),
                Some(help),
            );
            problems.note_unclear(&text.place);
            text.value.clone()
        })
    }
}

/// A base URL: `http://…` or `https://…`, without a trailing slash, and without what only a request has.
pub(super) fn base_url(text: &Located<String>, settings: &Settings, problems: &Problems) -> String {
    let url = settings.fill(text, problems);
    if let Some(label) = address::server_mistake(&url).or_else(|| address::tail_mistake(&url)) {
        problems.add(&text.place, format!("`{}` is not a base URL", crate::web::shown(&url)), label);
    }
    url.trim_end_matches('/').to_owned()
}

/// A URL with whatever follows its host, without a trailing slash.
pub(super) fn whole_url(text: &Located<String>, settings: &Settings, problems: &Problems) -> String {
    let url = settings.fill(text, problems);
    if let Some(label) = address::server_mistake(&url) {
        problems.add(&text.place, format!("`{}` is not a URL", crate::web::shown(&url)), label);
    }
    url.trim_end_matches('/').to_owned()
}

/// Whether a text begins as a URL of the web does.
pub(super) fn is_http(url: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        url.len() > scheme.len()
            && url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// Notes a `remove` of what is not there: where it was, it is gone by now, and its item with it.
pub(super) fn refuse_removal(table: &mut Fields<'_>, what: &str) {
    let place = table.key_place("remove");
    if table.flag("remove") == Some(true) {
        let title = format!("there is no {what} of this name to remove");
        table.problems.add(&place, title, "what this profile extends has none");
    }
}

/// Notes a weight that cannot be one; gives it back if it can.
pub(super) fn weight(weight: &Located<f64>, problems: &Problems) -> f64 {
    if weight.value.is_finite() && weight.value > 0.0 {
        return weight.value;
    }
    problems.add(&weight.place, format!("impossible weight `{}`", weight.value), "expected a number above 0");
    1.0
}
