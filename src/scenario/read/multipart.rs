//! `multipart = { title = "…", image = { file = "a.png" } }`: bodies of several parts, as forms with
//! files have them (RFC 7578).

use bytes::Bytes;
use toml::de::DeValue;

use super::body::{field_text, field_values};
use super::book::{Book, Flow};
use super::media::media_type;
use crate::checksum::sha256;
use crate::scenario::fields::{Fields, Located};
use crate::scenario::problem::Place;
use crate::scenario::template::Text;

/// A part of a body.
struct Part {
    /// Its header lines but the first boundary.
    head: String,
    content: Text,
}

/// The body, and its media type with the boundary in it.
pub(super) fn read(form: &Fields<'_>, book: &mut Book<'_>, flow: &mut Vec<Flow>) -> (Option<Text>, String) {
    let mut parts = Vec::new();
    let mut is_whole = true;
    for (name, value) in form.entries() {
        for value in field_values(value) {
            match part(&name.value, value, form, book, flow) {
                Some(part) => parts.push(part),
                None => is_whole = false,
            }
        }
    }
    let boundary = boundary(&parts);
    let media_type = format!("multipart/form-data; boundary={boundary}");
    (is_whole.then(|| joined(parts, &boundary)), media_type)
}

/// A text, a number, or `{ file = "a.png", name = "b.png", type = "image/png" }`.
fn part(
    name: &str,
    value: &toml::Spanned<DeValue<'_>>,
    form: &Fields<'_>,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
) -> Option<Part> {
    let disposition = format!("Content-Disposition: form-data; name=\"{}\"", quoted(name));
    if let DeValue::Table(_) = value.get_ref() {
        let mut table = Fields::of(value, form.file(), "a part", form.problems)?;
        let file = table.required_text("file");
        let (shown, kind) = (table.text("name"), table.text("type"));
        table.finish();
        let file = file?;
        let last = file.value.rsplit('/').next().unwrap_or(&file.value);
        let shown = shown.map_or(last.to_owned(), |l| l.value);
        let kind = kind.map_or(media_type(&file.value).to_owned(), |l| l.value);
        let head = format!(
            "{disposition}; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
            quoted(&shown),
            line(&kind)
        );
        return Some(Part { head, content: book.file(&file)? });
    }
    let text = field_text(value.get_ref());
    let place = Place { file: form.file(), span: value.span() };
    let content = book.text(&Located { value: text, place }, flow)?;
    Some(Part { head: format!("{disposition}\r\n\r\n"), content })
}

/// What stands between the parts: it depends on what is fixed in them, and on nothing else.
fn boundary(parts: &[Part]) -> String {
    let mut all = Vec::new();
    for Part { head, content } in parts {
        all.extend(head.as_bytes());
        if let Text::Fixed(bytes) = content {
            all.extend_from_slice(bytes);
        }
    }
    format!("loadproof-{}", &sha256(all)[..24])
}

/// The parts as one text: fixed where all of them are.
fn joined(parts: Vec<Part>, boundary: &str) -> Text {
    let (mut texts, mut fixed) = (Vec::new(), Vec::new());
    for Part { head, content } in parts {
        fixed.extend(format!("--{boundary}\r\n{head}").into_bytes());
        match content {
            Text::Fixed(bytes) => fixed.extend_from_slice(&bytes),
            other => {
                texts.push(Text::Fixed(Bytes::from(std::mem::take(&mut fixed))));
                texts.push(other);
            }
        }
        fixed.extend(b"\r\n");
    }
    fixed.extend(format!("--{boundary}--\r\n").into_bytes());
    let last = Text::Fixed(Bytes::from(fixed));
    if texts.is_empty() {
        return last;
    }
    texts.push(last);
    Text::Joined(texts.into())
}

/// A name between quotes, escaped as browsers do.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text that stays on its line.
fn line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}
