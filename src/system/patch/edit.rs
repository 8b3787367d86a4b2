//! Sets keys in the text of a file. TOML and env files keep their comments and their order; YAML and
//! JSON are written anew, which is no matter for a file that is put back byte for byte.

use crate::scenario::patch::{Format, Patch, PatchValue};

/// The text with all keys of a patch set.
///
/// # Errors
/// Which key cannot be set, and why.
pub(super) fn edited(text: &str, patch: &Patch) -> Result<String, String> {
    match patch.format {
        Format::Toml => toml(text, patch),
        Format::Yaml => {
            tree(serde_yaml_ng::from_str(text).map_err(|e| format!("not valid YAML: {e}"))?, patch)
                .and_then(|tree| serde_yaml_ng::to_string(&tree).map_err(|e| e.to_string()))
        }
        Format::Json => tree(serde_json::from_str(text).map_err(|e| format!("not valid JSON: {e}"))?, patch)
            .and_then(|tree| serde_json::to_string_pretty(&tree).map_err(|e| e.to_string())),
        Format::Env => env(text, patch),
    }
}

fn toml(text: &str, patch: &Patch) -> Result<String, String> {
    let mut document: toml_edit::DocumentMut = text.parse().map_err(|e| format!("not valid TOML: {e}"))?;
    for (path, value) in &patch.set {
        let (parents, last) = split(path);
        let mut item = document.as_item_mut();
        for name in parents {
            let known: Vec<String> =
                item.as_table_like().map_or_else(Vec::new, |t| t.iter().map(|(k, _)| k.to_owned()).collect());
            let found = match name.parse::<usize>() {
                Ok(place) if item.is_array() || item.is_array_of_tables() => item.get_mut(place),
                _ => item.get_mut(name),
            };
            item = match found {
                Some(found) => found,
                None => return Err(no_key(path, name, &known)),
            };
        }
        let table = item
            .as_table_like_mut()
            .ok_or_else(|| format!("`{path}`: the parent of `{last}` is not a table"))?;
        let known: Vec<String> = table.iter().map(|(k, _)| k.to_owned()).collect();
        let new = toml_edit::Item::Value(toml_value(value));
        match table.get_mut(last) {
            // The comment behind the value stays.
            Some(old) => {
                let decor = old.as_value().map(|v| v.decor().clone());
                *old = new;
                if let (Some(decor), Some(value)) = (decor, old.as_value_mut()) {
                    *value.decor_mut() = decor;
                }
            }
            None if patch.create => {
                table.insert(last, new);
            }
            None => return Err(no_key(path, last, &known)),
        }
    }
    Ok(document.to_string())
}

fn toml_value(value: &PatchValue) -> toml_edit::Value {
    match value {
        PatchValue::Text(text) => text.into(),
        PatchValue::Integer(n) => (*n).into(),
        PatchValue::Float(n) => (*n).into(),
        PatchValue::Flag(flag) => (*flag).into(),
        PatchValue::List(items) => toml_edit::Value::Array(items.iter().map(toml_value).collect()),
    }
}

/// YAML and JSON are the same tree here.
fn tree(mut root: serde_json::Value, patch: &Patch) -> Result<serde_json::Value, String> {
    for (path, value) in &patch.set {
        let (parents, last) = split(path);
        let mut node = &mut root;
        for name in parents {
            let known = keys(node);
            let found = match name.parse::<usize>() {
                Ok(place) if node.is_array() => node.get_mut(place),
                _ => node.get_mut(name),
            };
            node = found.ok_or_else(|| no_key(path, name, &known))?;
        }
        let known = keys(node);
        let new = json_value(value);
        match node {
            serde_json::Value::Array(items) => {
                let place = last.parse::<usize>().ok().and_then(|place| items.get_mut(place));
                *place.ok_or_else(|| format!("`{path}`: the list has no index `{last}`"))? = new;
            }
            serde_json::Value::Object(map) => {
                if !map.contains_key(last) && !patch.create {
                    return Err(no_key(path, last, &known));
                }
                map.insert(last.to_owned(), new);
            }
            _ => return Err(format!("`{path}`: the parent of `{last}` is not a table")),
        }
    }
    Ok(root)
}

fn keys(node: &serde_json::Value) -> Vec<String> {
    node.as_object().map_or_else(Vec::new, |map| map.keys().cloned().collect())
}

fn json_value(value: &PatchValue) -> serde_json::Value {
    match value {
        PatchValue::Text(text) => text.as_str().into(),
        PatchValue::Integer(n) => (*n).into(),
        PatchValue::Float(n) => (*n).into(),
        PatchValue::Flag(flag) => (*flag).into(),
        PatchValue::List(items) => items.iter().map(json_value).collect(),
    }
}

fn env(text: &str, patch: &Patch) -> Result<String, String> {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for (key, value) in &patch.set {
        let value = env_value(value)?;
        let known: Vec<String> = lines.iter().filter_map(|l| env_key(l).map(str::to_owned)).collect();
        let mut found = false;
        // The last one counts for a shell, the first for other readers: all are set.
        for line in lines.iter_mut().filter(|line| env_key(line) == Some(key)) {
            let head = line.split_once('=').map_or("", |(head, _)| head);
            *line = format!("{head}={value}{}", if line.ends_with('\n') { end } else { "" });
            found = true;
        }
        match (found, patch.create) {
            (true, _) => {}
            (false, true) => {
                if lines.last().is_some_and(|line| !line.ends_with('\n')) {
                    lines.push(end.to_owned());
                }
                lines.push(format!("{key}={value}{end}"));
            }
            (false, false) => return Err(no_key(key, key, &known)),
        }
    }
    Ok(lines.concat())
}

/// The key of a line `KEY=value` or `export KEY=value`; none for comments and other lines.
fn env_key(line: &str) -> Option<&str> {
    let (head, _) = line.split_once('=')?;
    let head = head.trim();
    let key = head.strip_prefix("export ").unwrap_or(head).trim();
    (!key.is_empty() && !key.starts_with('#') && !key.contains(char::is_whitespace)).then_some(key)
}

fn env_value(value: &PatchValue) -> Result<String, String> {
    Ok(match value {
        PatchValue::Text(text) if text.contains(['\n', '\r']) => {
            return Err("a value of an env file cannot hold a line break".to_owned());
        }
        PatchValue::Text(text)
            if text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c)) =>
        {
            text.clone()
        }
        PatchValue::Text(text) if !text.contains('\'') => format!("'{text}'"),
        PatchValue::Text(text) => {
            let escaped =
                text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`");
            format!("\"{escaped}\"")
        }
        PatchValue::Integer(n) => n.to_string(),
        PatchValue::Float(n) => n.to_string(),
        PatchValue::Flag(flag) => flag.to_string(),
        PatchValue::List(_) => return Err("a value of an env file cannot be a list".to_owned()),
    })
}

fn split(path: &str) -> (Vec<&str>, &str) {
    let mut parts: Vec<&str> = path.split('.').collect();
    let last = parts.pop().unwrap_or_default();
    (parts, last)
}

fn no_key(path: &str, name: &str, known: &[String]) -> String {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let help = crate::scenario::suggestion(name, &known).map_or(String::new(), |help| format!("; {help}"));
    format!("`{path}`: `{name}` is missing{help} (`create = true` makes it)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(format: Format, key: &str, value: PatchValue) -> Patch {
        Patch { file: "f".to_owned(), format, set: vec![(key.to_owned(), value)], create: false }
    }

    #[test]
    fn toml_keeps_its_comments_and_everything_else() {
        let text = "# why\n[server.lanes]\nenabled = false  # opt-in\nthreshold = 0\n";
        let edited =
            edited(text, &patch(Format::Toml, "server.lanes.enabled", PatchValue::Flag(true))).unwrap();
        assert_eq!(edited, text.replace("false", "true"));
    }

    #[test]
    fn yaml_and_json_are_set_by_path_and_place() {
        let yaml = "lanes:\n  - name: a\n    on: false\n";
        let edited_yaml = edited(yaml, &patch(Format::Yaml, "lanes.0.on", PatchValue::Flag(true))).unwrap();
        assert!(edited_yaml.contains("on: true") && edited_yaml.contains("name: a"), "{edited_yaml}");
        let json = r#"{"pool": {"size": 4, "hosts": ["a"]}}"#;
        let list = PatchValue::List(vec![PatchValue::Text("b".to_owned())]);
        let edited_json = edited(json, &patch(Format::Json, "pool.hosts", list)).unwrap();
        let parsed: serde_json::Value = serde_json::from_str(&edited_json).unwrap();
        assert_eq!(parsed, serde_json::json!({"pool": {"size": 4, "hosts": ["b"]}}));
    }

    #[test]
    fn env_files_keep_comments_exports_and_line_ends() {
        let text = "# a\r\nexport LANES=off\r\nOTHER=1";
        let edited_env =
            edited(text, &patch(Format::Env, "LANES", PatchValue::Text("on a day".to_owned()))).unwrap();
        assert_eq!(edited_env, "# a\r\nexport LANES='on a day'\r\nOTHER=1");
        let last = edited(text, &patch(Format::Env, "OTHER", PatchValue::Integer(2))).unwrap();
        assert!(last.ends_with("OTHER=2"));
    }

    #[test]
    fn a_key_that_is_not_there_is_a_mistake_unless_it_is_to_be_made() {
        for (format, text) in [
            (Format::Toml, "enabled = false\n"),
            (Format::Yaml, "enabled: false\n"),
            (Format::Json, "{\"enabled\": false}"),
            (Format::Env, "enabled=false\n"),
        ] {
            let mut patch = patch(format, "enabeld", PatchValue::Flag(true));
            let error = edited(text, &patch).unwrap_err();
            assert!(error.contains("`enabeld` is missing; did you mean `enabled`?"), "{error}");
            patch.create = true;
            assert!(edited(text, &patch).unwrap().contains("enabeld"), "{format:?}");
        }
    }
}
