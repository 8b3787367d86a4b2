//! Forms with files (RFC 7578) as a recording has them: one text with boundaries.

use crate::draft::model::{Findings, Part};
use crate::draft::template::Template;

/// The parts of a body.
pub(super) fn parts(text: &str, media: &str, findings: &mut Findings) -> Vec<(String, Part)> {
    let Some(boundary) = parameter(media, "boundary") else { return Vec::new() };
    let mut parts = Vec::new();
    for part in text.split(&format!("--{boundary}")).skip(1).take_while(|part| !part.starts_with("--")) {
        let part = part.trim_start_matches(['\r', '\n']);
        let Some((head, content)) = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n")) else {
            continue;
        };
        let content = content.strip_suffix("\r\n").or_else(|| content.strip_suffix('\n')).unwrap_or(content);
        let line = |wanted: &str| {
            head.lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
        };
        let Some((_, disposition)) = line("content-disposition") else { continue };
        let name = parameter(disposition, "name").unwrap_or_default();
        let kind = line("content-type").map(|(_, value)| value.trim());
        let part = match parameter(disposition, "filename") {
            Some(file_name) => file(&file_name, kind, content.as_bytes(), findings),
            None => Part::Text(Template::literal(content)),
        };
        parts.push((name, part));
    }
    parts
}

/// A file among the parts.
pub(super) fn file(name: &str, kind: Option<&str>, content: &[u8], findings: &mut Findings) -> Part {
    let file = findings.file(name, content);
    let name = (file != name && !name.is_empty()).then(|| name.to_owned());
    Part::File { file, name, kind: kind.filter(|kind| !kind.is_empty()).map(str::to_owned) }
}

/// A parameter of a header's value, with or without quotes.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_files_are_told_apart() {
        let body = "--xyz\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nA \"b\"\r\n--xyz\r\nContent-Disposition: form-data; \
                    name=\"image\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\nPNG\r\n--xyz--\r\n";
        let mut findings = Findings::default();
        let parts = parts(body, "multipart/form-data; boundary=\"xyz\"", &mut findings);
        assert_eq!(parts[0], ("title".to_owned(), Part::Text(Template::literal("A \"b\""))));
        let kind = Some("image/png".to_owned());
        assert_eq!(parts[1], ("image".to_owned(), Part::File { file: "a.png".to_owned(), name: None, kind }));
        assert_eq!((parts.len(), findings.files[0].content.as_slice()), (2, &b"PNG"[..]));
    }
}
