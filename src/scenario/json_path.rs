//! Places in a JSON document by a path (RFC 9535).

use serde_json_path::ParseError;

use super::json::Json;

/// A path through JSON documents: `$.items[?@.stock > 0].id`.
#[derive(Clone, Debug)]
pub struct JsonPath {
    /// As it was written.
    pub text: String,
    path: serde_json_path::JsonPath,
}

impl JsonPath {
    /// The path of a text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Ok(Self { text: text.to_owned(), path: serde_json_path::JsonPath::parse(text)? })
    }

    /// The pointers (RFC 6901) of all places that it leads to in a document, in the document's order;
    /// none if the text is not JSON.
    pub fn pointers(&self, document: &str) -> Vec<String> {
        // What it refuses may be JSON all the same: halves of characters, and deep nesting.
        let read = serde_json::from_str(document).ok();
        let Some(document) = read.or_else(|| Some(Json::parse(document)?.to_serde())) else {
            return Vec::new();
        };
        let found = self.path.query_located(&document);
        found.locations().map(serde_json_path::NormalizedPath::to_json_pointer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_all_places_that_it_describes() {
        let path = JsonPath::parse("$.items[?@.stock > 0].id").unwrap();
        let document = r#"{"items": [{"id": 1, "stock": 0}, {"id": 2, "stock": 3}, {"id": 3, "stock": 1}]}"#;
        assert_eq!(path.pointers(document), ["/items/1/id", "/items/2/id"]);
        assert_eq!(path.pointers("<html>"), Vec::<String>::new());
        let odd = r#"{"items": [{"id": "\ud83d", "stock": 1}]}"#;
        assert_eq!(path.pointers(odd), ["/items/0/id"]);
        assert!(JsonPath::parse("$.items[").is_err());
    }
}
