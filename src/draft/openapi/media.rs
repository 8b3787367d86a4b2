//! Bodies of requests by their media types.

use super::schema::Values;
use crate::draft::body::{essence, is_json};
use crate::draft::model::{Body, Part, Request};
use crate::draft::template::Template;
use crate::draft::tree::Tree;

/// Sets the body of a request, and its media type where the body does not imply it.
pub(super) fn body<'a>(told: &'a Tree, request: &mut Request, values: &mut Values<'_, 'a>) {
    let told = values.document.resolve(told);
    let content = told.get("content").entries();
    let rank = |media: &str| match essence(media).as_str() {
        "application/json" => 0,
        media if is_json(media) => 1,
        "application/x-www-form-urlencoded" => 2,
        "multipart/form-data" => 3,
        "*/*" => 4,
        media if media.starts_with("text/") => 5,
        _ => 6,
    };
    let Some((media, content)) = content.iter().min_by_key(|(media, _)| rank(media)) else { return };
    let kind = essence(media);
    let example = values.example(content);
    let schema = content.get("schema");
    let tree = match example {
        Some(example) => example.with_templates(&|text| Template::literal(text)),
        None => values.value(schema, "", &mut Vec::new()),
    };
    let body = match kind.as_str() {
        "application/x-www-form-urlencoded" => Body::form(fields(&tree)),
        "multipart/form-data" => Some(Body::Multipart(parts(&tree, schema, values))),
        kind if is_json(kind) || kind == "*/*" => match (&tree, example.and_then(Tree::text)) {
            // An example may be JSON within a text.
            (Tree::Text(_), Some(text)) => Some(Body::parse(text, "application/json")),
            _ => Some(Body::Json(tree)),
        },
        _ => match tree {
            Tree::Text(text) if example.is_some() || is_text(&kind) => Some(Body::Text(text)),
            _ if is_text(&kind) => {
                values
                    .findings
                    .note(format!("left out: bodies of the media type `{kind}`, which have no example"));
                None
            }
            _ => Some(Body::File(values.findings.file("upload.bin", b""))),
        },
    };
    if matches!(body, Some(Body::Multipart(ref parts)) if parts.is_empty()) {
        return;
    }
    let is_told = !is_json(&kind) || kind != "application/json";
    let is_implied =
        matches!(body, Some(Body::Form(_) | Body::Multipart(_))) || kind == "*/*" || kind == "text/plain";
    if body.is_some() && is_told && !is_implied && !kind.contains('*') {
        request.add_header("content-type", Template::literal(kind));
    }
    request.body = body;
}

fn is_text(kind: &str) -> bool {
    kind.starts_with("text/") || kind.ends_with("xml") || kind.ends_with("yaml")
}

fn fields(tree: &Tree<Template>) -> Vec<(String, Template)> {
    let Tree::Table(entries) = tree else { return Vec::new() };
    entries.iter().filter_map(|(name, value)| Some((name.clone(), super::text::of(value)?))).collect()
}

fn parts<'a>(tree: &Tree<Template>, schema: &'a Tree, values: &mut Values<'_, 'a>) -> Vec<(String, Part)> {
    let Tree::Table(entries) = tree else { return Vec::new() };
    let schema = values.document.resolve(schema);
    let mut parts = Vec::new();
    for (name, value) in entries {
        let mut property = values.document.resolve(schema.at(&["properties", name]));
        if property.get("type").text() == Some("array") {
            property = values.document.resolve(property.get("items"));
        }
        let is_file = property.get("format").text() == Some("binary") || property.has("contentMediaType");
        let part = if is_file {
            Part::File { file: values.findings.file(&format!("{name}.bin"), b""), name: None, kind: None }
        } else {
            let Some(text) = super::text::of(value) else { continue };
            Part::Text(text)
        };
        parts.push((name.clone(), part));
    }
    parts
}
