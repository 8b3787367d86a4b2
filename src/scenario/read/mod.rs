//! The parts of a scenario file, one reader each: tables in, checked values out.

pub(super) mod body;
pub(super) mod book;
pub(super) mod canonical;
pub(super) mod defaults;
pub(super) mod experiment;
pub(super) mod journey;
pub(super) mod load;
pub(super) mod profile;
pub(super) mod signal;
pub(super) mod step;
pub(super) mod user;

use minijinja::{Environment, UndefinedBehavior};

use super::World;
use super::fields::Located;
use super::problem::Problems;
use super::template::plain_message;

/// Evaluates the templates of settings (hosts, commands, URLs): they know nothing but
/// `env("NAME", "default")`.
pub(super) struct Settings<'a> {
    world: &'a dyn World,
}

impl<'a> Settings<'a> {
    pub(super) fn new(world: &'a dyn World) -> Self {
        Self { world }
    }

    /// The text with its templates filled in; a mistake is noted, and gives the text as it is.
    pub(super) fn fill(&self, text: &Located<String>, problems: &Problems) -> String {
        if !super::template::is_template(&text.value) {
            return text.value.clone();
        }
        self.render(&text.value).unwrap_or_else(|error| {
            let help = "settings may use `{{ env(\"NAME\", \"default\") }}`".to_owned();
            problems.add_with_help(
                &text.place,
                "bad template in a setting",
                plain_message(&error),
                Some(help),
            );
            text.value.clone()
        })
    }

    fn render(&self, source: &str) -> Result<String, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // The environment wants a function that owns what it uses: the variables are few.
        let variables: std::collections::BTreeMap<String, String> = variable_names(source)
            .filter_map(|name| self.world.variable(name).map(|value| (name.to_owned(), value)))
            .collect();
        environment.add_function("env", move |name: &str, default: Option<String>| {
            variables.get(name).cloned().or(default).ok_or_else(|| {
                let detail = format!("the environment variable `{name}` is not set");
                minijinja::Error::new(minijinja::ErrorKind::UndefinedError, detail)
            })
        });
        environment.render_str(source, minijinja::context! {})
    }
}

/// The quoted words of a text: candidates for names of environment variables.
fn variable_names(source: &str) -> impl Iterator<Item = &str> {
    source
        .split(['"', '\''])
        .filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

/// A base URL: `http://…` or `https://…`, without a trailing slash.
pub(super) fn base_url(text: &Located<String>, settings: &Settings<'_>, problems: &Problems) -> String {
    let url = settings.fill(text, problems);
    if !is_http(&url) {
        problems.add(&text.place, format!("`{url}` is not a base URL"), "expected `http://…` or `https://…`");
    }
    url.trim_end_matches('/').to_owned()
}

pub(super) fn is_http(url: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme))
}

/// Notes a weight that cannot be one; gives it back if it can.
pub(super) fn weight(weight: &Located<f64>, problems: &Problems) -> f64 {
    if weight.value.is_finite() && weight.value > 0.0 {
        return weight.value;
    }
    problems.add(&weight.place, format!("impossible weight `{}`", weight.value), "expected a number above 0");
    1.0
}
