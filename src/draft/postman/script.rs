//! What test scripts say in the usual ways: the status that is expected, and values of answers that are kept.

use std::sync::LazyLock;

use regex::Regex;

use crate::draft::model::Extract;
use crate::draft::tree::Tree;

/// What a request's scripts come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) expect: Vec<u16>,
    pub(super) extract: Vec<(String, Extract)>,
    pub(super) left_out: Vec<String>,
}

#[expect(clippy::unwrap_used, reason = "fixed patterns")]
static STATUS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:have\.status\(|responseCode\.code\s*===?\s*|response\.code\)\.to\.(?:eql|equal|be\.equal)\(|oneOf\(\[)\s*([0-9, ]{3,60})")
        .unwrap()
});
#[expect(clippy::unwrap_used, reason = "fixed patterns")]
static SET: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?:pm\.(?:environment|collectionVariables|globals|variables)\.set|postman\.set(?:Environment|Global)Variable)\(\s*["']([^"']{1,100})["']\s*,\s*([^;\n]{1,300})"#,
    )
    .unwrap()
});
#[expect(clippy::unwrap_used, reason = "fixed patterns")]
static JSON: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:var|let|const)\s+(\w+)\s*=\s*(?:pm\.response\.json\(\)|JSON\.parse\((?:responseBody|pm\.response\.text\(\))\))\s*((?:\.\w+|\[[^\]]{1,60}\])*)").unwrap()
});
/// A part of a value, with what it is instead if it is not there.
#[expect(clippy::unwrap_used, reason = "fixed patterns")]
static PART: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:var|let|const)\s+(\w+)\s*=\s*(\w+)((?:\.\w+|\[[^\]]{1,60}\])+)\s*(?:(?:\|\||\?\?)[^;\n]*)?(?:;|\n|$)").unwrap()
});
#[expect(clippy::unwrap_used, reason = "fixed patterns")]
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^(?:pm\.response\.headers\.get|postman\.getResponseHeader)\(\s*["']([\w-]{1,60})["']\s*\)"#)
        .unwrap()
});
#[expect(clippy::unwrap_used, reason = "fixed patterns")]
static PATH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"\.(\w+)|\[\s*(?:(\d+)|["']([^"']{1,60})["'])\s*\]"#).unwrap());

pub(super) fn read(item: &Tree) -> Outcome {
    let mut outcome = Outcome::default();
    for event in item.get("event").items() {
        let script = match event.at(&["script", "exec"]) {
            Tree::Text(text) => text.clone(),
            list => list.items().iter().filter_map(Tree::text).collect::<Vec<_>>().join("\n"),
        };
        let script: String = script
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .take(5000)
            .collect::<Vec<_>>()
            .join("\n");
        match event.get("listen").text() {
            Some("test") => outcome.test(&script),
            Some("prerequest") if !script.trim().is_empty() => {
                let name = item.get("name").text().unwrap_or_default();
                outcome.left_out.push(format!("left out: the script before the request `{name}`"));
            }
            _ => {}
        }
    }
    let examples = item.get("response").items().iter().filter_map(|example| example.get("code").number());
    if outcome.expect.is_empty() {
        // The first example that is no failure.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 200 and 300")]
        let success = examples.filter(|code| (200.0..300.0).contains(code)).map(|code| code as u16).next();
        outcome.expect.extend(success);
    }
    outcome
}

impl Outcome {
    fn test(&mut self, script: &str) {
        if let Some(statuses) = STATUS.captures(script).and_then(|found| found.get(1)) {
            let statuses =
                statuses.as_str().split(',').filter_map(|status| status.trim().parse::<u16>().ok());
            self.expect.extend(statuses.filter(|status| (100..600).contains(status)));
        }
        let mut variables: Vec<(&str, String)> = JSON
            .captures_iter(script)
            .filter_map(|found| Some((found.get(1)?.as_str(), pointer(found.get(2)?.as_str())?)))
            .collect();
        for part in PART.captures_iter(script) {
            let (Some(name), Some(of), Some(path)) = (part.get(1), part.get(2), part.get(3)) else {
                continue;
            };
            let base =
                variables.iter().find(|(known, _)| *known == of.as_str()).map(|(_, base)| base.clone());
            if let (Some(base), Some(path)) = (base, pointer(path.as_str())) {
                variables.push((name.as_str(), format!("{base}{path}")));
            }
        }
        for set in SET.captures_iter(script) {
            let (Some(name), Some(value)) = (set.get(1), set.get(2)) else { continue };
            let (name, value) = (name.as_str(), value.as_str().trim());
            match extract(value, &variables) {
                Some(extract) if !self.extract.iter().any(|(known, _)| known == name) => {
                    self.extract.push((name.to_owned(), extract));
                }
                Some(_) => {}
                None => self
                    .left_out
                    .push(format!("left out: a script sets `{name}` in a way that is not understood")),
            }
        }
    }
}

/// Where a value comes from that a script keeps.
fn extract(value: &str, variables: &[(&str, String)]) -> Option<Extract> {
    if let Some(header) = HEADER.captures(value).and_then(|found| found.get(1)) {
        return Some(Extract::Header(header.as_str().to_ascii_lowercase()));
    }
    let (base, path) = match value.strip_prefix("pm.response.json()") {
        Some(path) => (String::new(), path),
        None => {
            let end = value.find(['.', '[', ')', ' ']).unwrap_or(value.len());
            let (name, path) = value.split_at(end);
            (variables.iter().find(|(known, _)| *known == name)?.1.clone(), path)
        }
    };
    let path = path.trim_end().strip_suffix(')').unwrap_or(path);
    let pointer = format!("{base}{}", pointer(path)?);
    (!pointer.is_empty()).then_some(Extract::Pointer(pointer))
}

/// `.a["b"][0]` as a JSON pointer; none for other expressions.
fn pointer(path: &str) -> Option<String> {
    let (mut pointer, mut end) = (String::new(), 0);
    for part in PATH.captures_iter(path.trim()) {
        let (whole, key) = (part.get(0)?, part.get(1).or(part.get(2)).or(part.get(3))?);
        if whole.start() != end {
            return None;
        }
        end = whole.end();
        pointer.push_str(&format!("/{}", key.as_str().replace('~', "~0").replace('/', "~1")));
    }
    (end == path.trim().len()).then_some(pointer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(script: &str) -> Outcome {
        let lines: Vec<serde_json::Value> = script.lines().map(serde_json::Value::from).collect();
        let item =
            serde_json::json!({ "name": "a", "event": [{ "listen": "test", "script": { "exec": lines } }] });
        read(&serde_json::from_value(item).unwrap())
    }

    #[test]
    fn usual_scripts_are_understood() {
        let found = outcome(
            "// pm.environment.set('no', 1)\npm.test('ok', () => pm.response.to.have.status(201));\nconst body = pm.response.json();\n\
             pm.environment.set('token', body.data['access token']);\npm.globals.set(\"id\", pm.response.json().items[0].id)\n\
             pm.collectionVariables.set('next', pm.response.headers.get('X-Next'));",
        );
        assert_eq!(found.expect, [201]);
        assert_eq!(
            found.extract,
            [
                ("token".to_owned(), Extract::Pointer("/data/access token".to_owned())),
                ("id".to_owned(), Extract::Pointer("/items/0/id".to_owned())),
                ("next".to_owned(), Extract::Header("x-next".to_owned())),
            ]
        );
        let old = "var all = JSON.parse(responseBody);\nvar user = all.user || {};\npostman.setEnvironmentVariable('token', user.token);";
        assert_eq!(outcome(old).extract, [("token".to_owned(), Extract::Pointer("/user/token".to_owned()))]);
        assert_eq!(outcome("pm.expect(pm.response.code).to.be.oneOf([200, 202])").expect, [200, 202]);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let found = outcome("pm.environment.set('sum', a + b); pm.globals.set('now', Date.now());");
        assert_eq!((found.extract.len(), found.left_out.len()), (0, 2));
    }
}
