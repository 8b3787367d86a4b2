//! The parts of a scenario file, one reader each: tables in, checked values out.

pub(super) mod address;
pub(super) mod answer;
pub(super) mod around;
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
pub(super) mod event;
pub(super) mod experiment;
pub(super) mod extract;
pub(super) mod feeder;
pub(super) mod hook;
pub(super) mod journey;
pub(super) mod keys;
pub(super) mod load;
pub(super) mod media;
pub(super) mod multipart;
pub(super) mod network;
pub(super) mod patch;
pub(super) mod profile;
pub(super) mod program;
pub(super) mod rpc;
pub(super) mod signal;
pub(super) mod step;
pub(super) mod symptom;
pub(super) mod tls;
pub(super) mod trace;
pub(super) mod user;

use minijinja::{Environment, UndefinedBehavior};

use super::fields::Located;
use super::problem::Problems;
use super::template::{Variables, is_template, plain_message};

/// Evaluates the templates of settings (hosts, commands, URLs): they know nothing but
/// `env("NAME", "default")`.
pub(super) struct Settings {
    environment: Environment<'static>,
}

impl Settings {
    pub(super) fn new(variables: &Variables) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        variables.register(&mut environment);
        Self { environment }
    }

    /// The text with its templates filled in; a mistake is noted, and gives the text as it is.
    pub(super) fn fill(&self, text: &Located<String>, problems: &Problems) -> String {
        if !is_template(&text.value) {
            return text.value.clone();
        }
        self.environment.render_str(&text.value, minijinja::context! {}).unwrap_or_else(|error| {
            let help = "settings may use `{{ env(\"NAME\", \"default\") }}`".to_owned();
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
        problems.add(&text.place, format!("`{}` is not a base URL", address::without_user(&url)), label);
    }
    url.trim_end_matches('/').to_owned()
}

/// A URL with whatever follows its host, without a trailing slash.
pub(super) fn whole_url(text: &Located<String>, settings: &Settings, problems: &Problems) -> String {
    let url = settings.fill(text, problems);
    if let Some(label) = address::server_mistake(&url) {
        problems.add(&text.place, format!("`{}` is not a URL", address::without_user(&url)), label);
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

/// Notes a weight that cannot be one; gives it back if it can.
pub(super) fn weight(weight: &Located<f64>, problems: &Problems) -> f64 {
    if weight.value.is_finite() && weight.value > 0.0 {
        return weight.value;
    }
    problems.add(&weight.place, format!("impossible weight `{}`", weight.value), "expected a number above 0");
    1.0
}
