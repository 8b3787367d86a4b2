//! `[vars]`: named values that templates know as `vars.NAME`. A profile may set them anew for its own settings
//! (`[profile.NAME.vars]`), and the command line for everything (`--var NAME=VALUE`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use minijinja::Environment;
use minijinja::value::Value;
use regex::{Captures, Regex};
use serde_json::Value as Json;

use super::plain::json;
use crate::redact;
use crate::scenario::fields::Fields;
use crate::scenario::names::parts_of;
use crate::scenario::problem::{Place, Problems};
use crate::scenario::template::{is_template, plain_message, single_expression};

/// The variable that holds them in templates.
pub(in crate::scenario) const VARS: &str = "vars";

/// Where mistakes of the command line stand.
const COMMAND_LINE: &str = "--var";

/// Variables may be made of variables, so deep and no deeper.
const DEPTH: usize = 16;

/// `{{ vars.NAME }}` and nothing else between the braces.
static REFERENCE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{\{\s*vars\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}").ok());

/// Named values, before the templates in them are filled in.
#[derive(Clone, Default)]
pub(in crate::scenario) struct Vars {
    defined: BTreeMap<String, Defined>,
    /// What is used outside of profiles, where all profiles have to see the same.
    shared: BTreeSet<String>,
}

#[derive(Clone)]
struct Defined {
    said: Json,
    place: Place,
    /// Whether it comes from the command line: as it is, no template.
    is_given: bool,
}

/// The values of all files, the first to name one counting, with those that are `given` in their places. `used`: those
/// that have taken the place of references already.
pub(in crate::scenario) fn read(
    files: &mut [Fields<'_>],
    used: BTreeSet<String>,
    given: &[(String, String)],
    problems: &Problems,
) -> Vars {
    let mut vars = Vars { shared: used, ..Vars::default() };
    for file in files.iter_mut() {
        let Some(table) = file.table(VARS) else { continue };
        for (name, value) in table.entries() {
            let is_name = name.value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !is_name {
                let title = format!("`{}` is not a valid name of a variable", name.value);
                problems.add(&name.place, title, "expected letters, digits and `_`");
                continue;
            }
            let place = Place { file: table.file(), span: value.span() };
            let defined = Defined { said: json(value.get_ref()), place, is_given: false };
            vars.defined.entry(name.value).or_insert(defined);
        }
    }
    for (name, text) in given {
        vars.give(name, text, problems);
    }
    for file in files.iter() {
        let entries = file.entries().into_iter();
        for (_, value) in entries.filter(|(key, _)| !["profile", VARS].contains(&key.value.as_str())) {
            vars.note_shared(&json(value.get_ref()));
        }
    }
    vars
}

impl Vars {
    /// Puts a text of the command line in the place of a value.
    fn give(&mut self, name: &str, text: &str, problems: &Problems) {
        let file = problems.add_file(COMMAND_LINE, &format!("{name}={text}"));
        let place = Place { file, span: 0..name.len() };
        let known: Vec<&str> = self.defined.keys().map(String::as_str).collect();
        if !known.contains(&name) {
            problems.add_unknown(&place, "variable of `[vars]`:", name, &known);
            return;
        }
        let Some(defined) = self.defined.get_mut(name) else { return };
        let said = match &defined.said {
            Json::String(_) => Some(Json::from(text)),
            other => serde_json::from_str(text).ok().filter(|given| is_alike(other, given)),
        };
        match said {
            Some(said) => *defined = Defined { said, place, is_given: true },
            None => {
                let place = Place { file, span: name.len() + 1..name.len() + 1 + text.len() };
                let expected = format!("expected {}, like the value that it overrides", kind(&defined.said));
                problems.add(&place, format!("`{text}` is not a valid value of `vars.{name}`"), expected);
            }
        }
    }

    fn note_shared(&mut self, value: &Json) {
        let mut mentioned = BTreeSet::new();
        self.mention(value, &mut mentioned);
        self.shared.extend(mentioned);
    }

    /// These, with those of a profile in their places, as far as the command line gives none.
    pub(super) fn over(&self, table: Option<&Fields<'_>>) -> Self {
        let mut vars = self.clone();
        for (name, value) in table.iter().flat_map(|table| table.entries()) {
            let problems = table.map(|table| table.problems);
            let Some(problems) = problems else { continue };
            let Some(defined) = vars.defined.get_mut(&name.value) else {
                let known: Vec<&str> = self.defined.keys().map(String::as_str).collect();
                problems.add_unknown(&name.place, "variable of `[vars]`:", &name.value, &known);
                continue;
            };
            if self.shared.contains(&name.value) {
                let title = format!("a profile cannot set `vars.{}`", name.value);
                problems.add(&name.place, title, "used outside of profiles, where all of them must agree");
            }
            if !defined.is_given {
                let place = Place { file: name.place.file, span: value.span() };
                *defined = Defined { said: json(value.get_ref()), place, is_given: false };
            }
        }
        vars
    }

    /// Notes the names after `vars.` in a template that stand for nothing; whether there are none.
    pub(super) fn check(&self, source: &str, leaves: &[Place], problems: &Problems) -> bool {
        if self.defined.is_empty() || !is_template(source) {
            return true;
        }
        let unknown = parts_of(source, VARS).into_iter().flatten();
        let unknown: Vec<&str> = unknown.filter(|name| !self.defined.contains_key(*name)).collect();
        let known: Vec<&str> = self.defined.keys().map(String::as_str).collect();
        for name in &unknown {
            if let Some(place) = problems.find(leaves, name) {
                problems.add_unknown(&place, "variable of `[vars]`:", name, &known);
            }
        }
        unknown.is_empty()
    }

    /// Their values, worked out in an environment that knows what templates may call; none if there are none.
    pub(super) fn values(
        &self,
        environment: &Environment<'static>,
        problems: &Problems,
    ) -> Option<BTreeMap<String, Value>> {
        let mut values: BTreeMap<String, Value> = BTreeMap::new();
        let mut left: Vec<(&String, &Defined)> = self.defined.iter().collect();
        while !left.is_empty() {
            let (ready, waiting): (Vec<_>, Vec<_>) = left
                .into_iter()
                .partition(|(_, defined)| self.direct(defined).iter().all(|name| values.contains_key(*name)));
            if ready.is_empty() {
                for (name, defined) in waiting {
                    let title = format!("`vars.{name}` refers to itself");
                    problems.add(&defined.place, title, "would never end");
                }
                break;
            }
            for (name, defined) in ready {
                values.insert(name.clone(), self.value(defined, environment, &values, problems));
            }
            left = waiting;
        }
        (!self.defined.is_empty()).then_some(values)
    }

    /// The variables that one is made of.
    fn direct(&self, defined: &Defined) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        if !defined.is_given {
            each_text(&defined.said, &mut |text| found.extend(self.named(text)));
        }
        found
    }

    /// The variables that a template names; all for `vars` as a whole.
    fn named(&self, text: &str) -> Vec<&str> {
        let parts = parts_of(text, VARS);
        let is_whole = parts.contains(&None);
        let names = self.defined.keys().map(String::as_str);
        names.filter(|name| is_whole || parts.contains(&Some(*name))).collect()
    }

    fn value(
        &self,
        defined: &Defined,
        environment: &Environment<'static>,
        known: &BTreeMap<String, Value>,
        problems: &Problems,
    ) -> Value {
        if defined.is_given {
            return plain(&defined.said);
        }
        let mut is_sound = true;
        let place = std::slice::from_ref(&defined.place);
        each_text(&defined.said, &mut |text| is_sound &= self.check(text, place, problems));
        let known = Value::from(BTreeMap::from([(VARS, Value::from(known.clone()))]));
        filled(&defined.said, environment, &known).unwrap_or_else(|error| {
            if is_sound {
                problems.add(&defined.place, "bad template in a variable", plain_message(&error));
            }
            Value::from("")
        })
    }

    /// Texts among the values whose names tell of a secret.
    pub(super) fn secrets(values: &BTreeMap<String, Value>) -> impl Iterator<Item = String> {
        let secret = values.iter().filter(|(name, _)| redact::is_secret_name(name));
        secret.filter_map(|(_, value)| value.as_str().map(str::to_owned))
    }

    /// A value of the workload with what its variables are said to be in their places: the same work has the same
    /// text, with variables and without. `mentioned`: extended by those that it uses otherwise.
    pub(super) fn written_out(&self, value: Json, mentioned: &mut BTreeSet<String>) -> Json {
        match value {
            _ if self.defined.is_empty() => value,
            Json::String(text) => self.text_written_out(text, mentioned),
            Json::Array(items) => items.into_iter().map(|item| self.written_out(item, mentioned)).collect(),
            Json::Object(entries) => {
                let entries = entries.into_iter();
                Json::Object(entries.map(|(key, item)| (key, self.written_out(item, mentioned))).collect())
            }
            other => other,
        }
    }

    fn text_written_out(&self, mut text: String, mentioned: &mut BTreeSet<String>) -> Json {
        for _ in 0..DEPTH {
            let Some(reference) = REFERENCE.as_ref().filter(|reference| reference.is_match(&text)) else {
                break;
            };
            let whole = reference.captures(&text).filter(|found| found[0].len() == text.trim().len());
            if let Some(defined) = whole.and_then(|found| self.defined.get(&found[1])) {
                match &defined.said {
                    Json::String(said) if !defined.is_given => text.clone_from(said),
                    said => return self.written_out_once(said.clone(), mentioned),
                }
                continue;
            }
            let filled = reference.replace_all(&text, |found: &Captures<'_>| {
                match self.defined.get(&found[1]).map(|defined| &defined.said) {
                    Some(Json::String(said)) => said.clone(),
                    Some(said @ (Json::Number(_) | Json::Bool(_))) => said.to_string(),
                    _ => found[0].to_owned(),
                }
            });
            if filled == text {
                break;
            }
            text = filled.into_owned();
        }
        for name in self.named(&text) {
            if let Some(defined) = self.defined.get(name)
                && mentioned.insert(name.to_owned())
            {
                self.mention(&defined.said, mentioned);
            }
        }
        Json::String(text)
    }

    /// A value that a variable stands for: what it is made of is mentioned, not written out again.
    fn written_out_once(&self, said: Json, mentioned: &mut BTreeSet<String>) -> Json {
        self.mention(&said, mentioned);
        said
    }

    /// Adds the variables that a value uses, and what these are made of.
    fn mention(&self, value: &Json, mentioned: &mut BTreeSet<String>) {
        let mut names = Vec::new();
        each_text(value, &mut |text| names.extend(self.named(text)));
        for name in names {
            if mentioned.insert(name.to_owned())
                && let Some(defined) = self.defined.get(name)
            {
                self.mention(&defined.said, mentioned);
            }
        }
    }

    /// What variables are said to be, as a part of the workload's text.
    pub(super) fn said(&self, mentioned: &BTreeSet<String>) -> Json {
        let said =
            mentioned.iter().filter_map(|name| Some((name.clone(), self.defined.get(name)?.said.clone())));
        Json::Object(said.collect())
    }
}

/// A value with its templates filled in; a text that is one `{{ expression }}` becomes what that gives.
fn filled(said: &Json, environment: &Environment<'static>, known: &Value) -> Result<Value, minijinja::Error> {
    match said {
        Json::String(text) => match single_expression(text) {
            Some(expression) => {
                let value = environment.compile_expression(expression)?.eval(known)?;
                if value.is_undefined() {
                    return Err(minijinja::ErrorKind::UndefinedError.into());
                }
                Ok(value)
            }
            None if is_template(text) => environment.render_str(text, known).map(Value::from),
            None => Ok(Value::from(text.as_str())),
        },
        Json::Array(items) => items.iter().map(|item| filled(item, environment, known)).collect(),
        Json::Object(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(key, item)| Ok((key.clone(), filled(item, environment, known)?)));
            Ok(Value::from(entries.collect::<Result<BTreeMap<String, Value>, minijinja::Error>>()?))
        }
        other => Ok(plain(other)),
    }
}

/// A value without templates; numbers keep their digits.
fn plain(said: &Json) -> Value {
    crate::scenario::json::Json::parse(&said.to_string()).map(|json| json.value()).unwrap_or_default()
}

fn each_text<'a>(value: &'a Json, then: &mut impl FnMut(&'a str)) {
    match value {
        Json::String(text) => then(text),
        Json::Array(items) => items.iter().for_each(|item| each_text(item, then)),
        Json::Object(entries) => entries.values().for_each(|item| each_text(item, then)),
        _ => {}
    }
}

fn is_alike(a: &Json, b: &Json) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Number(_) => "a number",
        Json::Bool(_) => "`true` or `false`",
        Json::Array(_) => "a list as JSON",
        Json::Object(_) => "an object as JSON",
        Json::String(_) | Json::Null => "a text",
    }
}

#[cfg(test)]
mod tests;
