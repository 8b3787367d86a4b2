//! What is said of requests outside of the load: URLs without secrets, failures without wrappers.

/// A text with a URL in it as it may be shown and stored: without a name and password.
pub fn shown(text: &str) -> String {
    let Some((before, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{before}://{host}{path}")
}

/// The innermost cause of an error: `connection refused` rather than a chain of wrappers.
pub fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn credentials_are_never_shown() {
        assert_eq!(shown("http://me:s3cret@host:9000/a@b"), "http://host:9000/a@b");
        assert_eq!(shown("--host=https://token@host?x=1"), "--host=https://host?x=1");
        assert_eq!(shown("http://host:9000"), "http://host:9000");
        assert_eq!(shown("no url"), "no url");
    }
}
