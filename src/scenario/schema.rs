//! The form of scenario files for editors: a JSON Schema.

/// The schema (draft 2020-12). Its tables carry the readers' names as titles, and a test holds their keys against
/// those that the readers ask for. It tells keys, types and words; what else can be wrong is for `compile` to find.
pub const SCHEMA: &str = include_str!("../../docs/scenario.schema.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use boon::{Compiler, Schemas};
    use serde_json::{Value, json};

    use super::SCHEMA;
    use crate::scenario::fields::known;
    use crate::scenario::{World, compile};

    /// Tables that have the keys of another one.
    const SAME: [(&str, &str); 3] =
        [("until_check", "check"), ("reject_check", "check"), ("a check", "check")];

    struct Disk;

    impl World for Disk {
        fn read(&self, path: &Path) -> std::io::Result<String> {
            std::fs::read_to_string(path)
        }

        fn variable(&self, _name: &str) -> Option<String> {
            None
        }
    }

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    /// Every scenario file of the project.
    fn files() -> Vec<PathBuf> {
        let mut files = vec![root().join("templates/starter.toml")];
        for folder in [
            "scenarios",
            "scenarios/shopstream",
            "scenarios/storefront",
            "scenarios/ingestor",
            "scenarios/gateway",
            "tests/it/schema",
        ] {
            let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
            files.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "toml")));
        }
        assert!(files.len() > 15, "{files:?}");
        files
    }

    fn mistakes(document: &Value) -> Option<String> {
        let mut compiler = Compiler::new();
        compiler.add_resource("scenario", serde_json::from_str(SCHEMA).unwrap()).unwrap();
        let mut schemas = Schemas::new();
        let schema = compiler.compile("scenario", &mut schemas).unwrap();
        schemas.validate(document, schema).err().map(|error| format!("{error:#}"))
    }

    /// `(title of a table, key)` for every key of the schema.
    fn keys(schema: &Value, found: &mut BTreeSet<(String, String)>) {
        if let (Some(title), Some(keys)) = (schema["title"].as_str(), schema["properties"].as_object()) {
            found.extend(keys.keys().map(|key| (title.to_owned(), key.clone())));
        }
        match schema {
            Value::Object(object) => object.values().for_each(|value| keys(value, found)),
            Value::Array(items) => items.iter().for_each(|value| keys(value, found)),
            _ => {}
        }
    }

    #[test]
    fn the_schema_has_the_keys_that_the_readers_know() {
        compile(&root().join("tests/it/schema/every_key.toml"), &Disk)
            .unwrap_or_else(|error| panic!("{error}"));
        let table =
            |name: &str| SAME.iter().find(|(same, _)| *same == name).map_or(name, |(_, of)| of).to_owned();
        let asked: BTreeSet<_> =
            known::asked().into_iter().map(|(name, key)| (table(name), key.to_owned())).collect();
        let mut in_schema = BTreeSet::new();
        keys(&serde_json::from_str(SCHEMA).unwrap(), &mut in_schema);
        let only =
            |a: &BTreeSet<_>, b: &BTreeSet<_>| a.difference(b).cloned().collect::<Vec<(String, String)>>();
        assert_eq!(only(&asked, &in_schema), [], "the readers know these, and the schema does not");
        assert_eq!(only(&in_schema, &asked), [], "the schema has these, and no reader has asked for them");
    }

    #[test]
    fn every_scenario_of_the_project_keeps_to_the_schema() {
        for path in files() {
            let text = std::fs::read_to_string(&path).unwrap();
            let document: Value = toml::from_str(&text).unwrap();
            assert_eq!(mistakes(&document), None, "{}", path.display());
        }
    }

    #[test]
    fn mistakes_are_seen() {
        for (document, place) in [
            (json!({ "nmae": "a" }), "nmae"),
            (json!({ "base_url": 5 }), "/base_url"),
            (json!({ "load": { "a": { "users": "ten" } } }), "/load/a/users"),
            (json!({ "load": { "a": { "users": 1, "rate": 1 } } }), "/load/a"),
            (json!({ "journey": [{ "name": "a", "steps": [{ "requets": "GET /" }] }] }), "requets"),
            (
                json!({ "journey": [{ "name": "a", "steps": [{ "request": "GET /", "reject": 1000 }] }] }),
                "/reject",
            ),
            (json!({ "claim": [{ "title": "a", "value": "1", "select": { "phase": 5 } }] }), "/phase"),
            (json!({ "profile": { "a": { "service": [{ "command": "s" }] } } }), "name"),
        ] {
            let found = mistakes(&document).unwrap_or_else(|| panic!("{document} passes"));
            assert!(found.contains(place), "{document}: {found}");
        }
    }
}
