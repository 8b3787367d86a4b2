//! The body of a step: `body`, `json`, `text`, `form`, `multipart` or `file`.

use std::borrow::Cow;

use toml::de::DeValue;

use super::body::{field_text, field_values};
use super::book::{Book, Flow};
use super::media::media_type;
use crate::scenario::fields::Fields;
use crate::scenario::problem::Place;
use crate::scenario::template::Text;

/// What a step's body is.
pub(super) struct Content<'a> {
    pub(super) media_type: Cow<'static, str>,
    /// The value that it was written as, if as one.
    pub(super) json: Option<&'a DeValue<'a>>,
    /// Where it stands.
    pub(super) place: Place,
}

/// The body from `body`, `json`, `text`, `form`, `multipart` or `file`, and what it is; none if there is none.
pub(super) fn content<'a>(
    step: &mut Fields<'a>,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
) -> Option<(Option<Text>, Content<'a>)> {
    let given: Vec<&str> =
        ["body", "json", "text", "form", "multipart", "file"].into_iter().filter(|k| step.has(k)).collect();
    if let [first, second, ..] = given.as_slice() {
        let place = step.key_place(second);
        step.problems.add(
            &place,
            format!("a request has one body, not `{first}` and `{second}`"),
            "a second body",
        );
    }
    let place = step.key_place(given.first()?);
    let shared = step.text("body");
    let json = step.value("json");
    let text = step.text("text");
    let form = step.table("form");
    let multipart = step.table("multipart");
    let file = step.text("file");
    let (body, media_type) = if let Some(name) = shared {
        (book.shared_body(&name, flow), "application/json".into())
    } else if let Some(json) = &json {
        (book.json(json.value, &json.place, flow), "application/json".into())
    } else if let Some(text) = text {
        (book.text(&text, flow), "text/plain; charset=utf-8".into())
    } else if let Some(form) = form {
        let pairs = form_pairs(&form);
        (book.form(&pairs, &form.place, flow), "application/x-www-form-urlencoded".into())
    } else if let Some(form) = multipart {
        let (body, media_type) = super::multipart::read(&form, book, flow);
        (body, media_type.into())
    } else if let Some(file) = file {
        (book.file(&file), media_type(&file.value).into())
    } else {
        return None;
    };
    let json = json.map(|located| located.value.get_ref());
    Some((body, Content { media_type, json, place }))
}

/// Names and values; a list is several of one name.
fn form_pairs(form: &Fields<'_>) -> Vec<(String, String)> {
    form.entries()
        .into_iter()
        .flat_map(|(name, value)| {
            let values = field_values(value).into_iter();
            values.map(move |value| (name.value.clone(), field_text(value.get_ref())))
        })
        .collect()
}
