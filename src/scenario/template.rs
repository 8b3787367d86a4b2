//! Values in scenario files: minijinja templates, parsed once, rendered per request.
//!
//! A text without `{{` or `{%` is fixed: it costs nothing at run time. A JSON string that is one
//! single `{{ expression }}` keeps the expression's type, so that numbers stay numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::World;
use super::generators;
use super::scope::{Scope, scope_value};
use crate::redact::{self, Redactor};

/// Prefix of the template names of shared bodies.
const BODY: &str = "body/";

/// A text that is fixed, or rendered for each request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// Always the same.
    Fixed(Bytes),
    /// A template by its name in [`Templates`].
    Template(Arc<str>),
    /// Several texts behind one another, such as the parts of a body.
    Joined(Arc<[Text]>),
}

/// Every template of a scenario, parsed.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    count: usize,
}

/// A template could not be rendered; the text says why.
#[derive(Debug, thiserror::Error)]
#[error("template: {0}")]
pub struct RenderError(String);

/// The environment variables that a scenario names, for `env("NAME", "default")`.
///
/// Only those: secrets that no scenario asks for are never held.
#[derive(Clone, Default)]
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// The variables whose names stand between quotes anywhere in the texts.
    pub(super) fn named_in<'a>(texts: impl Iterator<Item = &'a str>, world: &dyn World) -> Self {
        let is_name =
            |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let words = texts.flat_map(|text| text.split(['"', '\''])).filter(is_name);
        Self(words.filter_map(|name| Some((name.to_owned(), world.variable(name)?))).collect())
    }

    /// Hides the values of those whose names tell of a secret.
    pub(super) fn redactor(&self) -> Redactor {
        let secrets = self.0.iter().filter(|(name, _)| redact::is_secret_name(name));
        Redactor::knowing(secrets.map(|(_, value)| value.clone()))
    }

    /// Makes `env` known to an environment.
    pub(super) fn register(&self, environment: &mut Environment<'static>) {
        let variables = self.0.clone();
        environment.add_function("env", move |name: &str, default: Option<String>| {
            variables.get(name).cloned().or(default).ok_or_else(|| {
                let detail = format!("the environment variable `{name}` is not set");
                minijinja::Error::new(minijinja::ErrorKind::UndefinedError, detail)
            })
        });
    }
}

impl Templates {
    pub(super) fn new(variables: &Variables) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        generators::register(&mut environment);
        variables.register(&mut environment);
        environment.add_function("body", render_body);
        Self { environment, count: 0 }
    }
}

/// `body("name")`: a shared body as a value, with fresh draws.
fn render_body(state: &minijinja::State<'_, '_>, name: &str) -> Result<Value, minijinja::Error> {
    let scope = scope_value(state)?;
    let template = state.env().get_template(&format!("{BODY}{name}"))?;
    let text = template.render(scope)?;
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|e| {
        let detail = format!("body `{name}` is not JSON: {e}");
        minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, detail)
    })?;
    Ok(Value::from(minijinja::value::Serde(json)))
}

impl Templates {
    /// Takes a text in: parses it if it is a template.
    ///
    /// # Errors
    /// With minijinja's words, if it is not a template.
    pub(super) fn add_text(&mut self, source: &str) -> Result<Text, minijinja::Error> {
        if !is_template(source) {
            return Ok(Text::Fixed(Bytes::copy_from_slice(source.as_bytes())));
        }
        self.count += 1;
        self.add_named(format!("t{}", self.count), source.to_owned())
    }

    /// Takes a shared body in, under its name.
    pub(super) fn add_body(&mut self, name: &str, source: &str) -> Result<Text, minijinja::Error> {
        self.add_named(format!("{BODY}{name}"), source.to_owned())
    }

    fn add_named(&mut self, name: String, source: String) -> Result<Text, minijinja::Error> {
        self.environment.add_template_owned(name.clone(), source)?;
        Ok(Text::Template(name.into()))
    }

    /// The variables that `text` needs from its user, in order: those it looks up without a
    /// default, less the functions that exist.
    pub(super) fn needs(&self, text: &Text) -> BTreeSet<String> {
        let Text::Template(name) = text else { return BTreeSet::new() };
        let Ok(template) = self.environment.get_template(name) else { return BTreeSet::new() };
        let functions = self.functions();
        let source = template.source();
        template
            .undeclared_variables(false)
            .into_iter()
            .filter(|v| !functions.contains(v) && !has_default(source, v))
            .collect()
    }

    /// The functions that templates may call.
    pub(super) fn functions(&self) -> BTreeSet<String> {
        self.environment.globals().map(|(name, _)| name.to_owned()).collect()
    }

    /// The text for this user, now.
    ///
    /// # Errors
    /// When a function refuses its arguments, or a variable is missing after all.
    pub fn render(&self, text: &Text, scope: &Arc<Scope>) -> Result<Bytes, RenderError> {
        match text {
            Text::Fixed(bytes) => Ok(bytes.clone()),
            Text::Template(name) => self
                .environment
                .get_template(name)
                .and_then(|t| t.render(Value::from_dyn_object(Arc::clone(scope))))
                .map(Bytes::from)
                .map_err(|e| RenderError(plain_message(&e))),
            Text::Joined(texts) => {
                let mut joined = Vec::new();
                for text in &**texts {
                    joined.extend_from_slice(&self.render(text, scope)?);
                }
                Ok(joined.into())
            }
        }
    }
}

/// An error of minijinja in one line, without its template's internal name.
pub(super) fn plain_message(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

pub(super) fn is_template(source: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| source.contains(mark))
}

/// Whether every use of `variable` that a glance can judge comes with a default.
fn has_default(source: &str, variable: &str) -> bool {
    let pattern = format!(r"\b{}\s*(\|\s*default\b|is\s+(not\s+)?defined\b)", regex::escape(variable));
    regex::Regex::new(&pattern).is_ok_and(|r| r.is_match(source))
}

/// The expression of a text that is one `{{ expression }}` and nothing else.
pub(super) fn single_expression(source: &str) -> Option<&str> {
    let inner = source.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let is_single = !inner.contains("{{") && !inner.contains("}}") && !inner.starts_with('-');
    is_single.then(|| inner.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str, seed: u64) -> String {
        let mut templates = Templates::new(&Variables::default());
        let text = templates.add_text(source).unwrap();
        let scope = Scope::new(seed);
        scope.set("order_id", Value::from("o-1"));
        String::from_utf8(templates.render(&text, &scope).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn fixed_texts_are_not_templates() {
        let mut templates = Templates::new(&Variables::default());
        assert_eq!(templates.add_text("/orders").unwrap(), Text::Fixed(Bytes::from_static(b"/orders")));
    }

    #[test]
    fn variables_and_seeded_functions_are_rendered() {
        assert_eq!(render("/orders/{{ order_id }}", 1), "/orders/o-1");
        let source = "{{ hex(8) }}-{{ int(1, 1000000) }}-{{ first_name() }}";
        assert_eq!(render(source, 7), render(source, 7));
        assert_ne!(render(source, 7), render(source, 8));
    }

    #[test]
    fn needs_are_the_variables_without_functions_and_defaults() {
        let mut templates = Templates::new(&Variables::default());
        let text = templates.add_text("{{ a }}{{ b | default(hex(2)) }}{{ int(1, 2) }}{{ typo() }}").unwrap();
        assert_eq!(templates.needs(&text).into_iter().collect::<Vec<_>>(), ["a", "typo"]);
    }

    #[test]
    fn a_single_expression_is_told_from_a_text_with_expressions() {
        assert_eq!(single_expression(" {{ price() }} "), Some("price()"));
        assert_eq!(single_expression("{{ a }}-{{ b }}"), None);
        assert_eq!(single_expression("x{{ a }}"), None);
    }
}
