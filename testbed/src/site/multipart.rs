//! Multipart forms (RFC 7578), read strictly: what a careless client sends is refused.

/// A field or a file of a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    pub(crate) name: String,
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) content: &'a [u8],
}

/// The parts of a form; an error says what is wrong with it.
pub(crate) fn parse<'a>(content_type: &str, body: &'a [u8]) -> Result<Vec<Part<'a>>, String> {
    let boundary = parameters(content_type)?.into_iter().find(|(name, _)| name == "boundary");
    let boundary = boundary.map(|(_, value)| value).filter(|boundary| (1..=70).contains(&boundary.len()));
    let dashes = format!("--{}", boundary.ok_or("Invalid boundary in the Content-Type")?);
    let delimiter = format!("\r\n{dashes}");
    let mut rest = body.strip_prefix(dashes.as_bytes()).ok_or("It does not begin with the boundary")?;
    let mut parts = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(b"--") {
            return if matches!(after, b"" | b"\r\n") {
                Ok(parts)
            } else {
                Err("Something follows the end".into())
            };
        }
        let part = rest.strip_prefix(b"\r\n").ok_or("A boundary's line does not end with CRLF")?;
        let end = find_delimiter(part, delimiter.as_bytes()).ok_or("The last boundary is missing")?;
        parts.push(read_part(&part[..end])?);
        rest = &part[end + delimiter.len()..];
    }
}

/// Where the next delimiter begins. One that something else follows belongs to the content.
fn find_delimiter(text: &[u8], delimiter: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| *byte == b'\r').map(|at| from + at) {
        let rest = text[at..].strip_prefix(delimiter);
        if rest.is_some_and(|rest| rest.starts_with(b"\r\n") || rest.starts_with(b"--")) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn read_part(part: &[u8]) -> Result<Part<'_>, String> {
    let end = part.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or("A part has no headers")?;
    let head = std::str::from_utf8(&part[..end]).map_err(|_| "The headers of a part are not UTF-8")?;
    let header = |name: &str| {
        let mut headers = head.split("\r\n").filter_map(|line| line.split_once(':'));
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition").ok_or("A part has no Content-Disposition")?;
    if disposition.split(';').next().map(str::trim) != Some("form-data") {
        return Err(format!("Content-Disposition of a part is {disposition}"));
    }
    let parameters = parameters(disposition)?;
    let parameter = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, v)| v.clone());
    Ok(Part {
        name: parameter("name").ok_or("A part has no name")?,
        filename: parameter("filename"),
        content_type: header("content-type").map(str::to_owned),
        content: &part[end + 4..],
    })
}

/// The parameters behind a header's first value: `; name=value`, `; name="value"`.
fn parameters(header: &str) -> Result<Vec<(String, String)>, String> {
    let mut rest = header.split_once(';').map_or("", |(_, rest)| rest);
    let mut parameters = Vec::new();
    while let Some((name, value)) = rest.split_once('=') {
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted).ok_or_else(|| format!("A quote is not closed: {header}"))?,
            None => {
                let (value, after) =
                    value.split_once(';').map_or((value, ""), |(value, after)| (value, after));
                (value.trim().to_owned(), after)
            }
        };
        parameters.push((name.trim().to_ascii_lowercase(), value));
        rest = after.trim_start().strip_prefix(';').unwrap_or(after);
    }
    Ok(parameters)
}

/// A quoted text, and what follows its closing quote. A backslash stands before a quote or itself.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, next)) => value.push(next),
                None => value.push('\\'),
            },
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"x-y\"";

    #[test]
    fn fields_and_files_come_out_as_they_went_in() {
        let body = b"--x-y\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nA \xff\r\n--x-yz\r\n\
            \r\n--x-y\r\ncontent-disposition: form-data; name=file; filename=\"a;\\\"b\\\".png\"\r\n\
            Content-Type: image/png\r\n\r\n\r\n--x-y--\r\n";
        let parts = parse(TYPE, body).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!((parts[0].name.as_str(), parts[0].content), ("title", &b"A \xff\r\n--x-yz\r\n"[..]));
        assert_eq!((&parts[0].filename, &parts[0].content_type), (&None, &None));
        assert_eq!((parts[1].name.as_str(), parts[1].content), ("file", &b""[..]));
        assert_eq!(parts[1].filename.as_deref(), Some("a;\"b\".png"));
        assert_eq!(parts[1].content_type.as_deref(), Some("image/png"));
        assert_eq!(parse(TYPE, b"--x-y--"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_not_a_form_is_refused() {
        let part = "--x-y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1";
        for (content_type, body) in [
            ("multipart/form-data", format!("{part}\r\n--x-y--\r\n")),
            (TYPE, part.to_owned()),
            (TYPE, format!("{part}\n--x-y--\r\n")),
            (TYPE, format!("{part}\r\n--x-y\r\n")),
            (TYPE, format!("{part}\r\n--x-y--more")),
            (TYPE, String::new()),
            (TYPE, "--x-y\r\nContent-Type: text/plain\r\n\r\n1\r\n--x-y--".to_owned()),
            (TYPE, "--x-y\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x-y--".to_owned()),
            (TYPE, "--x-y\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--x-y--".to_owned()),
        ] {
            assert!(parse(content_type, body.as_bytes()).is_err(), "{body}");
        }
    }
}
