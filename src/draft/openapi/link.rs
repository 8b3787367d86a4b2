//! What one operation creates is what others are about: `POST /pets` gives the id of `GET /pets/{petId}`.

use super::operation::Operation;
use super::refs::Document;
use crate::draft::body::{essence, is_json};
use crate::draft::model::{Extract, Request};
use crate::draft::names;
use crate::draft::template::Template;
use crate::draft::tree::Tree;

/// Sorts the operations of a journey: by what they are about, creating first and deleting last.
pub(super) fn sort(operations: &mut [Operation<'_>]) {
    let mut bases: Vec<String> = Vec::new();
    for operation in operations.iter() {
        let base = base(operation.path);
        if !bases.iter().any(|known| known == base) {
            bases.push(base.to_owned());
        }
    }
    operations.sort_by_key(|operation| {
        let at = bases.iter().position(|known| known == base(operation.path));
        let is_one = operation.path.trim_end_matches('/').ends_with('}');
        let rank = match (operation.method, is_one) {
            ("post", false) if operation.path.trim_end_matches('/') == base(operation.path) => 0,
            ("get" | "head" | "options", false) => 1,
            ("get" | "head" | "options", true) => 2,
            ("delete", _) => 4,
            _ => 3,
        };
        (at, rank)
    });
}

/// A path up to its first parameter.
fn base(path: &str) -> &str {
    path.split('{').next().unwrap_or_default().trim_end_matches('/')
}

/// Takes ids from the answers of operations that create something to those that are about it.
pub(super) fn connect(operations: &[Operation<'_>], requests: &mut [Request], document: &Document<'_>) {
    for at in 0..operations.len() {
        let creates = &operations[at];
        let prefix = format!("{}/{{", creates.path.trim_end_matches('/'));
        if creates.method != "post" {
            continue;
        }
        let Some(parameter) = operations[at + 1..].iter().find_map(|later| {
            let rest = later.path.strip_prefix(&prefix)?;
            Some(rest.split_once('}')?.0.to_owned())
        }) else {
            continue;
        };
        let Some(pointer) = pointer_to_id(creates, &parameter, document) else { continue };
        let wanted = names::variable(&parameter);
        let wanted =
            if wanted == "id" { format!("{}_id", names::variable(&singular(creates.path))) } else { wanted };
        let place = creates.path.trim_matches('/').split('/').count();
        let mut is_used = false;
        for (later, request) in operations.iter().zip(requests.iter_mut()).skip(at + 1) {
            let segment = request.target.segments.get_mut(place);
            if let (true, Some(segment)) = (later.path.starts_with(&prefix), segment) {
                *segment = Template::expression(wanted.clone());
                is_used = true;
            }
        }
        if is_used {
            requests[at].extract.push((wanted, Extract::Pointer(pointer)));
        }
    }
}

fn singular(path: &str) -> String {
    let last = path.trim_matches('/').rsplit('/').find(|word| !word.contains('{')).unwrap_or("item");
    last.strip_suffix('s').unwrap_or(last).to_owned()
}

/// Where the answer of an operation has the id of what it created.
fn pointer_to_id(operation: &Operation<'_>, parameter: &str, document: &Document<'_>) -> Option<String> {
    let responses = document.resolve(operation.told.get("responses"));
    let (_, success) = responses.entries().iter().find(|(status, _)| status.starts_with('2'))?;
    let content = document.resolve(success).get("content").entries();
    let (_, content) = content.iter().find(|(media, _)| is_json(&essence(media)))?;
    let schema = document.resolve(content.get("schema"));
    let id = |keys: &[String]| -> Option<String> {
        let bare = |name: &str| {
            name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
        };
        [parameter, "id", "uuid"]
            .iter()
            .find_map(|wanted| keys.iter().find(|key| bare(key) == bare(wanted)).cloned())
    };
    if let Some(name) = id(&keys(schema, document, 0)) {
        return Some(format!("/{name}"));
    }
    let within = document.resolve(schema.at(&["properties", "data"]));
    id(&keys(within, document, 0)).map(|name| format!("/data/{name}"))
}

/// The properties of a schema, with those of the schemas that it consists of.
fn keys(schema: &Tree, document: &Document<'_>, depth: usize) -> Vec<String> {
    let own = schema.get("properties").entries().iter().map(|(name, _)| name.clone());
    let mut keys: Vec<String> = own.collect();
    if depth < 4 {
        for part in schema.get("allOf").items() {
            keys.extend(self::keys(document.resolve(part), document, depth + 1));
        }
    }
    keys
}
