//! `{{name}}` of Postman: variables of the collection, values that scripts set, and drawn values (`{{$guid}}`).

use std::collections::{BTreeMap, BTreeSet};

use crate::draft::model::{Findings, Journey, Step};
use crate::draft::names;
use crate::draft::template::Template;
use crate::draft::tree::Tree;
use crate::redact::is_secret_name;

/// Drawn values of Postman, and the functions that draw here.
const DRAWN: [(&str, &str); 38] = [
    ("$guid", "uuid()"),
    ("$randomUUID", "uuid()"),
    ("$randomInt", "int(0, 1000)"),
    ("$timestamp", "int(1700000000, 1800000000)"),
    ("$isoTimestamp", "date(\"2026-01-01\", \"2026-12-31\") ~ \"T12:00:00.000Z\""),
    ("$randomFirstName", "first_name()"),
    ("$randomLastName", "last_name()"),
    ("$randomFullName", "first_name() ~ \" \" ~ last_name()"),
    ("$randomEmail", "email()"),
    ("$randomExampleEmail", "email()"),
    ("$randomUserName", "user_name()"),
    ("$randomPhoneNumber", "phone()"),
    ("$randomPhoneNumberExt", "phone()"),
    ("$randomCity", "city()"),
    ("$randomStreetName", "street()"),
    ("$randomStreetAddress", "street()"),
    ("$randomCompanyName", "company()"),
    ("$randomWord", "word()"),
    ("$randomWords", "sentence()"),
    ("$randomLoremWord", "word()"),
    ("$randomLoremWords", "sentence()"),
    ("$randomLoremSentence", "sentence()"),
    ("$randomLoremSentences", "sentence()"),
    ("$randomLoremParagraph", "sentence()"),
    ("$randomLoremText", "sentence()"),
    ("$randomBoolean", "chance(0.5)"),
    ("$randomPrice", "decimal(0.0, 1000.0, 2)"),
    ("$randomProduct", "word()"),
    ("$randomProductName", "word()"),
    ("$randomPassword", "hex(15)"),
    ("$randomAlphaNumeric", "hex(1)"),
    ("$randomHexaDecimal", "hex(8)"),
    ("$randomNoun", "word()"),
    ("$randomAdjective", "word()"),
    ("$randomVerb", "word()"),
    ("$randomJobTitle", "word()"),
    ("$randomColor", "pick([\"red\", \"green\", \"blue\"])"),
    ("$randomDateRecent", "date(\"2026-01-01\", \"2026-12-31\")"),
];

/// The variables of a collection.
pub(super) struct Variables<'a> {
    collection: BTreeMap<&'a str, String>,
    /// Names in expressions, with the names that Postman has for them.
    known: BTreeMap<String, String>,
}

impl<'a> Variables<'a> {
    pub(super) fn new(items: &'a [Tree]) -> Self {
        let mut variables = Self { collection: BTreeMap::new(), known: BTreeMap::new() };
        for item in items {
            let key = item.get("key").text().or_else(|| item.get("id").text());
            if let Some(key) = key.filter(|_| !item.get("disabled").is_true()) {
                variables.collection.insert(key, item.get("value").scalar().unwrap_or_default());
            }
        }
        variables.known =
            variables.collection.keys().map(|key| (names::variable(key), (*key).to_owned())).collect();
        variables
    }

    /// A text with its variables as expressions.
    pub(super) fn text(text: &str) -> Template {
        let mut template = Template::default();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}").filter(|(name, _)| is_name(name)) else {
                template = template.then(Template::literal(format!("{before}{{{{")));
                rest = after;
                continue;
            };
            template = template.then(Template::literal(before)).then(Self::named(name.trim()));
            rest = after;
        }
        template.then(Template::literal(rest))
    }

    /// The expression for a variable.
    pub(super) fn named(name: &str) -> Template {
        if let Some((_, drawn)) = DRAWN.iter().find(|(known, _)| *known == name) {
            return Template::expression(*drawn);
        }
        Template::expression(names::variable(name))
    }

    /// A URL in which variables before the path have their values.
    pub(super) fn filled_host(&self, url: &str) -> String {
        let mut filled = url.to_owned();
        // Values may hold variables themselves; a few rounds, since they may hold each other.
        for _ in 0..5 {
            let authority = filled.find("://").map_or(0, |at| at + 3);
            let end = filled[authority..].find('/').map_or(filled.len(), |at| authority + at);
            let Some((start, name)) = filled[..end]
                .split_once("{{")
                .and_then(|(before, after)| Some((before.len(), after.split_once("}}")?.0.to_owned())))
            else {
                break;
            };
            let Some(value) = self.collection.get(name.trim()).filter(|value| !value.is_empty()) else {
                break;
            };
            filled.replace_range(start..start + name.len() + 4, value.trim_end_matches('/'));
        }
        filled
    }

    /// A value in which other variables of the collection have theirs.
    fn resolved(&self, value: &str) -> String {
        let mut resolved = value.to_owned();
        // A few rounds: values may hold each other.
        for _ in 0..5 {
            let named =
                resolved.split_once("{{").and_then(|(_, after)| Some(after.split_once("}}")?.0.to_owned()));
            let Some(value) = named.as_ref().and_then(|name| self.collection.get(name.trim())) else { break };
            resolved =
                resolved.replacen(&format!("{{{{{}}}}}", named.as_deref().unwrap_or_default()), value, 1);
            resolved.truncate(resolved.floor_char_boundary(10_000));
        }
        resolved
    }

    /// Gives every variable that is used a value: what an earlier step extracts, the collection's value, or a variable of
    /// the environment. Journeys that hand values to each other become one.
    pub(super) fn settle(self, journeys: &mut Vec<Journey>, title: &str, findings: &mut Findings) {
        let is_handed_on = {
            let mut given = BTreeSet::new();
            let mut is_handed_on = false;
            for journey in journeys.iter() {
                let mut own = BTreeSet::new();
                for request in journey.steps.iter().filter_map(Step::request) {
                    let used = used(request);
                    is_handed_on |= used.iter().any(|name| given.contains(name) && !own.contains(name));
                    own.extend(request.extract.iter().map(|(name, _)| name.clone()));
                }
                given.extend(own);
            }
            is_handed_on
        };
        if is_handed_on && journeys.iter().filter(|journey| !journey.steps.is_empty()).count() > 1 {
            findings.note(
                "changed: the folders are one journey, since later ones use what earlier ones were given",
            );
            let steps = std::mem::take(journeys).into_iter().flat_map(|journey| journey.steps).collect();
            let name = title.to_owned();
            journeys.push(Journey { name, comment: String::new(), weight: 1, variables: Vec::new(), steps });
        }
        for journey in journeys.iter_mut() {
            self.settle_one(journey, findings);
        }
    }

    fn settle_one(&self, journey: &mut Journey, findings: &mut Findings) {
        let mut given = BTreeSet::new();
        let mut wanted = BTreeSet::new();
        for request in journey.steps.iter().filter_map(Step::request) {
            wanted.extend(used(request).into_iter().filter(|name| !given.contains(name)));
            given.extend(request.extract.iter().map(|(name, _)| name.clone()));
        }
        for name in wanted {
            let original = self.known.get(&name).map_or(name.trim_end_matches("_value"), String::as_str);
            let value = self.collection.get(original).filter(|value| !value.is_empty());
            let value = match value {
                Some(value) if is_secret_name(original) => findings.secret(
                    &names::environment(original),
                    value,
                    &format!("the variable `{original}`"),
                ),
                Some(value) => Template::literal(self.resolved(value)),
                None => findings.secret(
                    &names::environment(original),
                    "",
                    &format!("the variable `{original}`, which has no value in the collection"),
                ),
            };
            journey.variables.push((name, value));
        }
    }
}

fn is_name(name: &str) -> bool {
    let name = name.trim();
    !name.is_empty() && name.len() <= 100 && name.chars().all(|c| c.is_alphanumeric() || "_-.$ ".contains(c))
}

/// The variables that a request uses; its extractions come later.
fn used(request: &crate::draft::model::Request) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    request.each_expression(&mut |expression| {
        if !expression.contains(['(', '"']) {
            found.insert(expression.to_owned());
        }
    });
    found
}
