//! What a file is, seen from its text.

use super::tree::Tree;
use super::{DraftError, Format, access_log};

/// A text that is known for what it is.
pub(super) enum Read {
    Har(Tree),
    OpenApi(Tree),
    Postman(Tree),
    Curl,
    AccessLog,
}

const KNOWN: &str = "supported are HAR, OpenAPI 3 (JSON or YAML), Postman collections 2.1, curl commands and access logs; `--format` \
                     names the format";

pub(super) fn read(text: &str, format: Option<Format>) -> Result<Read, DraftError> {
    if text.trim().is_empty() {
        return Err(DraftError::new("the file is empty", KNOWN));
    }
    if text.contains('\0') {
        return Err(DraftError::new("the file is not text", KNOWN));
    }
    match format {
        Some(Format::Curl) => Ok(Read::Curl),
        Some(Format::AccessLog) => Ok(Read::AccessLog),
        Some(Format::OpenApi) => of_tree(any_tree(text, Format::OpenApi)?, format),
        Some(other) => of_tree(json(text, other)?, format),
        None => guess(text),
    }
}

fn guess(text: &str) -> Result<Read, DraftError> {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if first.starts_with('{') {
        return match serde_json::from_str::<Tree>(text) {
            Ok(tree) => of_tree(tree, None),
            // A log has an object a line, and is no JSON as a whole.
            Err(_) if serde_json::from_str::<Tree>(first).is_ok() => Ok(Read::AccessLog),
            Err(error) => Err(DraftError::new(format!("the file is not valid JSON: {error}"), KNOWN)),
        };
    }
    let mut lines = text.lines().map(str::trim_start).take(1000);
    if lines.clone().any(|line| line.starts_with("openapi:") || line.starts_with("swagger:")) {
        return of_tree(any_tree(text, Format::OpenApi)?, None);
    }
    if lines.clone().any(is_curl) {
        return Ok(Read::Curl);
    }
    if lines.any(access_log::is_line) {
        return Ok(Read::AccessLog);
    }
    Err(DraftError::new("unknown file format", KNOWN))
}

fn is_curl(line: &str) -> bool {
    let line = line.trim_start_matches(['$', '>', ' ']);
    line == "curl" || line.starts_with("curl ") || line.starts_with("curl.exe ")
}

fn of_tree(tree: Tree, asked: Option<Format>) -> Result<Read, DraftError> {
    let version = tree.get("openapi").scalar();
    let schema = tree.at(&["info", "schema"]).text().unwrap_or_default();
    let is_wanted = |format| asked.is_none_or(|asked| asked == format);
    if tree.has("swagger") && is_wanted(Format::OpenApi) {
        let hint = "convert it to OpenAPI 3, for example with `npx swagger2openapi FILE`";
        return Err(DraftError::new("the file is Swagger 2.0, not OpenAPI 3", hint));
    }
    if version.is_some_and(|version| version.starts_with('3')) && is_wanted(Format::OpenApi) {
        return Ok(Read::OpenApi(tree));
    }
    if tree.get("log").has("entries") && is_wanted(Format::Har) {
        return Ok(Read::Har(tree));
    }
    // Exports by Postman's own API have the collection below a key.
    let collection =
        if tree.get("collection").has("item") { tree.get("collection").clone() } else { tree.clone() };
    if is_wanted(Format::Postman) && (collection.has("item") || schema.contains("postman")) {
        return Ok(Read::Postman(collection));
    }
    if is_wanted(Format::Postman) && tree.has("requests") && tree.has("order") {
        let hint = "export it as collection v2.1 in Postman";
        return Err(DraftError::new("the file is a Postman collection of version 1", hint));
    }
    match asked {
        None if access_log::is_entry(&tree) => Ok(Read::AccessLog),
        None => Err(DraftError::new("unknown file format", KNOWN)),
        Some(format) => Err(DraftError::new(format!("the file is not a {}", format.text()), KNOWN)),
    }
}

fn json(text: &str, format: Format) -> Result<Tree, DraftError> {
    serde_json::from_str(text)
        .map_err(|error| DraftError::new(format!("the {} is not valid JSON: {error}", format.text()), KNOWN))
}

fn any_tree(text: &str, format: Format) -> Result<Tree, DraftError> {
    if text.trim_start().starts_with('{')
        && let Ok(tree) = serde_json::from_str(text)
    {
        return Ok(tree);
    }
    serde_yaml_ng::from_str(text)
        .map_err(|error| DraftError::new(format!("the {} is not valid YAML: {error}", format.text()), KNOWN))
}
