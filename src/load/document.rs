//! A body as checks and extractions look at it: text, JSON, a page. What nobody asks for is not parsed.

use super::charset::BodyText;
use crate::scenario::check::JsonPlace;
use crate::scenario::css::{ElementPlace, Page};
use crate::scenario::json::Json;

/// A body that is parsed as JSON, or as a page, when somebody first asks for it.
pub(super) struct Document<'a> {
    pub(super) body: &'a BodyText<'a>,
    /// `null` for a body that is no JSON: it has nothing to point at, either.
    json: Option<Json<'a>>,
    is_json: bool,
    page: Option<Page>,
}

impl<'a> Document<'a> {
    pub(super) fn new(body: &'a BodyText<'a>) -> Self {
        Self { body, json: None, is_json: false, page: None }
    }

    /// The text that JSON is read from. Bytes without a meaning are U+FFFD in it: one of them is no reason not to read the
    /// rest. A byte order mark may be ignored (RFC 8259 §8.1).
    fn json_text(&self) -> &'a str {
        self.body.text.trim_start_matches('\u{feff}')
    }

    /// Whether the body is JSON.
    pub(super) fn is_json(&mut self) -> bool {
        self.parsed();
        self.is_json
    }

    fn parsed(&mut self) -> &Json<'a> {
        let (text, is_json) = (self.json_text(), &mut self.is_json);
        self.json.get_or_insert_with(|| {
            let json = Json::parse(text);
            *is_json = json.is_some();
            json.unwrap_or(Json::Null)
        })
    }

    /// The values at a place, in order.
    pub(super) fn at(&mut self, place: &JsonPlace) -> Vec<&Json<'a>> {
        let text = self.json_text();
        let json = self.parsed();
        match place {
            JsonPlace::Pointer(pointer) => json.at(pointer).into_iter().collect(),
            JsonPlace::Path(path) => {
                path.pointers(text).iter().filter_map(|pointer| json.at(pointer)).collect()
            }
        }
    }

    /// The values at a place of the page, in order; at most `most`.
    pub(super) fn elements(&mut self, place: &ElementPlace, most: usize) -> Vec<String> {
        let text = &self.body.text;
        self.page.get_or_insert_with(|| Page::parse(text)).values(place, most)
    }
}
