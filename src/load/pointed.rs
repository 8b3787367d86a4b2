//! Where a URL leads that only its user knows: a `Location`, a link to a next page, the action of a form. Pure.

use bytes::Bytes;
use hyper::http::uri::Uri;
use url::Url;

use super::target;
use crate::scenario::hosts::AllowedHosts;
use crate::web;

/// The URL that a text is, at a server whose requests go below `base`.
///
/// # Errors
/// In words, if it is no URL of the web, or requests may not go to its host.
pub(super) fn resolved(base: &Url, text: &[u8], allowed: &AllowedHosts) -> Result<Url, String> {
    let text = String::from_utf8_lossy(text);
    let text = text.trim();
    if text.is_empty() {
        return Err("the request's URL is empty".to_owned());
    }
    let url = base.join(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| format!("`{}` is not a URL that a request can go to", web::shown(text)))?;
    if allowed.allow(&url) { Ok(url) } else { Err(AllowedHosts::refusal(&url)) }
}

/// What a request to a URL asks for; none if that cannot be sent.
pub(super) fn target(url: &Url) -> Option<Uri> {
    let query = url.query().map_or(String::new(), |query| format!("?{query}"));
    let whole = Bytes::from(format!("{}{query}", url.path()));
    Uri::from_maybe_shared(target::encoded(whole)?).ok()
}

/// Whether a path is a slash with a whole URL behind it.
pub(super) fn holds_url(path: &[u8]) -> bool {
    [&b"/http://"[..], b"/https://"].iter().any(|start| path.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(text: &str) -> Result<String, String> {
        let allowed = AllowedHosts::default().with(["http://shop.test/v1", "http://cdn.test"]);
        let url = resolved(&Url::parse("http://shop.test/v1/").unwrap(), text.as_bytes(), &allowed)?;
        assert!(target(&url).is_some());
        Ok(url.to_string())
    }

    #[test]
    fn links_lead_where_they_would_in_a_browser() {
        for (text, to) in [
            ("http://shop.test/orders/7?a=b c", "http://shop.test/orders/7?a=b%20c"),
            ("/orders/7", "http://shop.test/orders/7"),
            ("orders?page=2", "http://shop.test/v1/orders?page=2"),
            ("//cdn.test/x#top", "http://cdn.test/x#top"),
            (" /x\n", "http://shop.test/x"),
        ] {
            assert_eq!(leads(text).as_deref(), Ok(to), "`{text}`");
        }
    }

    #[test]
    fn other_hosts_and_other_schemes_are_refused() {
        assert!(leads("http://evil.test/x").unwrap_err().contains("`allow_hosts = [\"evil.test\"]`"));
        assert!(leads("mailto:me@shop.test").unwrap_err().contains("not a URL"));
        assert_eq!(leads("").unwrap_err(), "the request's URL is empty");
        assert!(!leads("ftp://me:s3cret@h/").unwrap_err().contains("s3cret"));
    }

    #[test]
    fn a_url_behind_a_slash_is_noticed() {
        assert!(holds_url(b"/http://h/x") && holds_url(b"/https://h"));
        assert!(!holds_url(b"/x?to=http://h") && !holds_url(b"/httpd"));
    }
}
