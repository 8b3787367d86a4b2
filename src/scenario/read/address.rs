//! URLs as they are written: what cannot lead to a server is said before anything is asked for it.

use url::Url;

/// Why a text is not the URL of a server, in words; none if it is one.
pub(super) fn server_mistake(text: &str) -> Option<String> {
    if !super::is_http(text) {
        return Some("expected `http://…` or `https://…`".to_owned());
    }
    // The standard would look for the host further on, as browsers do.
    let has_host = text.split_once("://").is_some_and(|(_, rest)| !rest.starts_with(['/', '\\', '?', '#']));
    match Url::parse(text) {
        Ok(url) if has_host && url.has_host() => None,
        Ok(_) => Some("has no host".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// Why a URL cannot stand before the paths of requests, in words; none if it can.
pub(super) fn tail_mistake(url: &str) -> Option<String> {
    let mark = url.find(['?', '#'])?;
    Some(format!("`{}` would be left out: requests have their own paths", &url[mark..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_no_server_is_told_from_what_does() {
        for url in
            ["http://h", "HTTPS://Shop.Example:8443/a?b#c", "http://[::1]:80/", "http://me:x@127.0.0.1"]
        {
            assert_eq!(server_mistake(url), None, "{url}");
        }
        let wrong = [
            "",
            "h:80",
            "ftp://h",
            "http://",
            "http:///x",
            "http://[::1",
            "http://127.0.0.1:99999",
            "http://x y/",
            "http://h:port",
            "http://256.1.1.1",
        ];
        for url in wrong {
            assert!(server_mistake(url).is_some(), "{url}");
        }
    }

    #[test]
    fn a_base_has_neither_a_query_nor_a_fragment() {
        assert_eq!(tail_mistake("http://h/shop/v1"), None);
        assert!(tail_mistake("http://h?x=1").is_some_and(|label| label.contains("`?x=1`")));
        assert!(tail_mistake("http://h/a#f").is_some_and(|label| label.contains("`#f`")));
    }
}
