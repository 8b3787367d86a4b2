//! Values in scenario files: minijinja templates, parsed once, rendered per request.
//!
//! A text without `{{` or `{%` is fixed: it costs nothing at run time. A JSON string, or a variable,
//! that is one single `{{ expression }}` keeps the expression's type, so that numbers stay numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::json::Json;
use super::names::{Used, used};
use super::scope::{Scope, scope_value, with_scope};
use super::{World, effort, functions, generators, written};
use crate::redact::{self, Redactor};

/// Prefix of the template names of shared bodies.
pub(super) const BODY: &str = "body/";

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

/// A value that is fixed, or worked out for each user.
#[derive(Clone, Debug)]
pub enum Computed {
    /// Always the same.
    Fixed(Value),
    /// A text.
    Text(Text),
    /// What one expression gives, with its type, by its name in [`Templates`].
    Expression(Arc<str>),
    /// What a text is as JSON: lists and objects with templates in them.
    Json(Text),
}

/// The variable that an expression is worked out into.
const RESULT: &str = "__result";

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

    /// Hides the values of those whose names tell of a secret, and of those that requests ask for: nothing of the
    /// environment is written anywhere. `others`: further secrets.
    pub(super) fn redactor(
        &self,
        asked_for: &BTreeMap<String, String>,
        others: impl Iterator<Item = String>,
    ) -> Redactor {
        let is_secret = |name: &str| redact::is_secret_name(name) || asked_for.contains_key(name);
        let secrets = self.0.iter().filter(|(name, _)| is_secret(name));
        Redactor::knowing(secrets.map(|(_, value)| value.clone()).chain(others))
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
        effort::bound(&mut environment);
        written::register(&mut environment);
        generators::register(&mut environment);
        functions::register(&mut environment);
        variables.register(&mut environment);
        environment.add_function("body", render_body);
        Self { environment, count: 0 }
    }

    /// Makes a value known to all templates by a name.
    pub(super) fn know(&mut self, name: &'static str, value: Value) {
        self.environment.add_global(name, value);
    }
}

/// `body("name")`: a shared body as a value, with fresh draws.
fn render_body(state: &minijinja::State<'_, '_>, name: &str) -> Result<Value, minijinja::Error> {
    let scope = scope_value(state)?;
    let template = state.env().get_template(&format!("{BODY}{name}"))?;
    let rendered = template.render_captured(scope)?;
    effort::spend_steps(state, rendered.state())?;
    let json = Json::parse(rendered.output()).ok_or_else(|| {
        let detail = format!("body `{name}` is not JSON");
        minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, detail)
    })?;
    with_scope(state, |scope| scope.seen(&json.value()))
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

    /// Takes an expression in.
    ///
    /// # Errors
    /// With minijinja's words, if it is not one.
    pub(super) fn add_expression(&mut self, expression: &str) -> Result<Arc<str>, minijinja::Error> {
        self.count += 1;
        let name: Arc<str> = format!("e{}", self.count).into();
        self.environment.compile_expression(expression)?;
        let source = format!("{{% set {RESULT} = ({expression}) %}}");
        self.environment.add_template_owned(name.to_string(), source)?;
        Ok(name)
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
    pub(super) fn needs(&self, name: &str) -> BTreeSet<String> {
        let Ok(template) = self.environment.get_template(name) else { return BTreeSet::new() };
        let functions = self.functions();
        let source = template.source();
        template
            .undeclared_variables(false)
            .into_iter()
            .filter(|v| !functions.contains(v) && !has_default(source, v))
            .collect()
    }

    /// What a template uses by a name that nothing has: what it is taken for, the name, and those that
    /// there are.
    pub(super) fn unknown<'a>(
        &self,
        source: &'a str,
    ) -> Vec<(&'static str, &'a str, &'static [&'static str])> {
        let is_known = |kind: &str, name: &str| {
            let expression = format!("name is {kind}");
            self.environment
                .compile_expression_owned(expression)
                .and_then(|known| known.eval(minijinja::context! { name }))
                .is_ok_and(|known| known.is_true())
        };
        let is_unset = |name: &str| {
            let value = self.environment.compile_expression("env(name)");
            value.and_then(|value| value.eval(minijinja::context! { name })).is_err()
        };
        let names = used(source).into_iter();
        names
            .filter_map(|name| match name {
                Used::Filter(name) => (!is_known("filter", name)).then_some(("filter", name, FILTERS)),
                Used::Test(name) => (!is_known("test", name)).then_some(("test", name, TESTS)),
                Used::Method(name) => Some(("method", name, FILTERS)),
                Used::Variable(name) => is_unset(name).then_some(("environment variable", name, &[][..])),
                Used::File(name) => Some(("statement", name, &["if", "for", "set", "filter", "raw"][..])),
            })
            .collect()
    }

    /// Renders a template that needs nothing of its user, to see whether it can be; a variable that is
    /// missing, such as one of the environment, is none of its mistakes.
    ///
    /// # Errors
    /// With minijinja's words, if it cannot.
    pub(super) fn rehearse(&self, name: &str) -> Result<(), minijinja::Error> {
        match self.rendered(name, &Scope::new(1, || 0)) {
            Err(error) if error.kind() != minijinja::ErrorKind::UndefinedError => Err(error),
            _ => Ok(()),
        }
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
            Text::Template(name) => self.rendered(name, scope).map_err(|e| RenderError(plain_message(&e))),
            Text::Joined(texts) => {
                let mut joined = Vec::new();
                for text in &**texts {
                    joined.extend_from_slice(&self.render(text, scope)?);
                }
                Ok(joined.into())
            }
        }
    }

    /// Without statements a template writes each of its values once, and needs no writer that counts.
    fn rendered(&self, name: &str, scope: &Arc<Scope>) -> Result<Bytes, minijinja::Error> {
        scope.begin();
        let template = self.environment.get_template(name)?;
        let user = Value::from_dyn_object(Arc::clone(scope));
        if !template.source().contains("{%") {
            return template.render(user).map(Bytes::from);
        }
        let mut text = effort::Bounded(Vec::with_capacity(template.source().len()));
        template.render_captured_to(user, &mut text).map_err(effort::told)?;
        Ok(text.0.into())
    }

    /// The value for this user, now.
    ///
    /// # Errors
    /// As [`Templates::render`]; also when what should be JSON is not.
    pub fn evaluate(&self, computed: &Computed, scope: &Arc<Scope>) -> Result<Value, RenderError> {
        match computed {
            Computed::Fixed(value) => Ok(value.clone()),
            Computed::Text(text) => {
                Ok(Value::from(String::from_utf8_lossy(&self.render(text, scope)?).as_ref()))
            }
            Computed::Expression(name) => {
                scope.begin();
                self.environment
                    .get_template(name)
                    .and_then(|t| t.render_captured(Value::from_dyn_object(Arc::clone(scope))))
                    .map(|captured| scope.kept(captured.state().lookup(RESULT).unwrap_or_default()))
                    .map_err(|e| RenderError(plain_message(&e)))
            }
            Computed::Json(text) => {
                let text = self.render(text, scope)?;
                let json = std::str::from_utf8(&text).ok().and_then(Json::parse);
                json.map(|json| json.value()).ok_or_else(|| RenderError("the value is not JSON".to_owned()))
            }
        }
    }
}

/// The filters of templates, for suggestions.
const FILTERS: &[&str] = &[
    "abs",
    "attr",
    "b64decode",
    "b64encode",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "format",
    "fromjson",
    "groupby",
    "hmac_sha256",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "sha256",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unescape",
    "unique",
    "upper",
    "urldecode",
    "urlencode",
    "zip",
];
/// The tests of templates, for suggestions.
const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

/// An error of minijinja in one line, without its template's internal name.
pub(super) fn plain_message(error: &minijinja::Error) -> String {
    match error.detail() {
        _ if error.kind() == minijinja::ErrorKind::OutOfFuel => effort::too_many_steps(),
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

pub(super) fn is_template(source: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| source.contains(mark))
}

/// Whether every use of `variable` that a glance can judge comes with a default.
fn has_default(source: &str, variable: &str) -> bool {
    // Most sources have none, and a pattern takes longer to make than they do to read.
    if !source.contains("default") && !source.contains("defined") {
        return false;
    }
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
        let scope = Scope::new(seed, || 0);
        scope.set("order_id", &Value::from("o-1"));
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
        let source = "{{ a }}{{ b | default(hex(2)) }}{{ int(1, 2) }}{{ typo() }}";
        let Text::Template(name) = templates.add_text(source).unwrap() else { panic!("a template") };
        assert_eq!(templates.needs(&name).into_iter().collect::<Vec<_>>(), ["a", "typo"]);
    }

    #[test]
    fn an_expression_keeps_the_type_of_its_value() {
        let mut templates = Templates::new(&Variables::default());
        let scope = Scope::new(1, || 0);
        let mut value = |source: &str| {
            let name = templates.add_expression(source).unwrap();
            templates.evaluate(&Computed::Expression(name), &scope).unwrap()
        };
        assert_eq!(value("false"), Value::from(false));
        assert_eq!(value("6 * 7"), Value::from(42));
        assert_eq!(value("[1, 2] | length > 1"), Value::from(true));
        scope.set("price", &Json::parse("0.50").unwrap().value());
        assert_eq!(value("price").to_string(), "0.50", "as it is handed to other users");
        assert_eq!(value("price * 2"), Value::from(1.0));
        scope.set("price", &Json::parse("0.00").unwrap().value());
        assert!(!value("price").is_true());
        assert!(templates.add_expression("6 *").is_err());
        assert!(templates.add_expression("1) %}{% set x = (2").is_err());
    }

    #[test]
    fn names_that_nothing_has_are_unknown_and_those_that_are_suggested_exist() {
        let templates = Templates::new(&Variables::default());
        let unknown = |source| {
            templates.unknown(source).into_iter().map(|(what, name, _)| (what, name)).collect::<Vec<_>>()
        };
        assert_eq!(
            unknown("{{ x | b64 }}{{ x is empty }}{{ x.upper() }}{% include 'y' %}"),
            [("filter", "b64"), ("test", "empty"), ("method", "upper"), ("statement", "include")]
        );
        let filters = FILTERS.iter().map(|name| format!("{{{{ x | {name} }}}}"));
        let tests = TESTS.iter().map(|name| format!("{{{{ x is {name} }}}}"));
        for source in filters.chain(tests) {
            assert!(templates.unknown(&source).is_empty(), "{source}");
        }
    }

    #[test]
    fn a_single_expression_is_told_from_a_text_with_expressions() {
        assert_eq!(single_expression(" {{ price() }} "), Some("price()"));
        assert_eq!(single_expression("{{ a }}-{{ b }}"), None);
        assert_eq!(single_expression("x{{ a }}"), None);
    }
}
