//! Values in pages: hidden inputs, meta tags, parts of links, and texts between quotes.

use std::sync::LazyLock;

use regex::{Regex, escape};

use super::values::{bare, decoded, id_of, is_distinct};

/// A value of a page.
pub(super) struct Found<'a> {
    /// What it is called.
    pub(super) name: String,
    pub(super) text: &'a str,
    /// Whether it is only meant if nothing else can be: not by its name.
    pub(super) is_anonymous: bool,
    site: Site<'a>,
}

/// Where it stands.
enum Site<'a> {
    /// In an attribute of a tag that another attribute names.
    Tag {
        kind: &'static str,
        naming: &'static str,
        name: &'a str,
        holding: &'static str,
        is_name_first: bool,
        quote: char,
    },
    /// Behind this text, up to one of these characters.
    Behind(&'a str, &'static str),
}

#[expect(clippy::unwrap_used, reason = "fixed patterns")]
static TAGS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?is)<(input|meta)\b[^>]{0,4000}>").unwrap());
#[expect(clippy::unwrap_used, reason = "fixed patterns")]
static LINKS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)\b(?:href|action)\s*=\s*(?:"([^"]{1,2000})"|'([^']{1,2000})')"#).unwrap()
});
#[expect(clippy::unwrap_used, reason = "fixed patterns")]
static ATTRIBUTES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?is)\b(name|value|content|type|property)\s*=\s*(?:"([^"]*)"|'([^']*)')"#).unwrap()
});

/// Bytes before a text between quotes by which it is found again.
const CONTEXT: usize = 32;

/// Hands every value of a page to `each`.
pub(super) fn values<'a>(page: &'a str, each: &mut dyn FnMut(Found<'a>)) {
    tags(page, each);
    links(page, each);
    tokens(page, each);
}

fn tags<'a>(page: &'a str, each: &mut dyn FnMut(Found<'a>)) {
    for tag in TAGS.captures_iter(page) {
        let (Some(whole), Some(kind)) = (tag.get(0), tag.get(1)) else { continue };
        let is_input = kind.as_str().eq_ignore_ascii_case("input");
        let (kind, holding) = if is_input { ("input", "value") } else { ("meta", "content") };
        let (mut name, mut held, mut is_hidden) = (None, None, !is_input);
        for attribute in ATTRIBUTES.captures_iter(whole.as_str()) {
            let (Some(word), Some(value)) = (attribute.get(1), attribute.get(2).or_else(|| attribute.get(3)))
            else {
                continue;
            };
            match word.as_str().to_ascii_lowercase().as_str() {
                "name" => name = Some(("name", value)),
                "property" if !is_input => name = Some(("property", value)),
                "type" => is_hidden |= value.as_str().eq_ignore_ascii_case("hidden"),
                word if word == holding => {
                    held = Some((value, if attribute.get(2).is_some() { '"' } else { '\'' }));
                }
                _ => {}
            }
        }
        if let (Some((naming, name)), Some((value, quote))) = (name, held) {
            let is_name_first = name.start() < value.start();
            let (name, text) = (name.as_str(), value.as_str());
            let site = Site::Tag { kind, naming, name, holding, is_name_first, quote };
            each(Found { name: name.to_owned(), text, is_anonymous: !is_hidden, site });
        }
    }
}

/// Parts of paths and values of queries.
fn links<'a>(page: &'a str, each: &mut dyn FnMut(Found<'a>)) {
    for link in LINKS.captures_iter(page) {
        let (Some(whole), Some(url)) = (link.get(0), link.get(1).or_else(|| link.get(2))) else { continue };
        let (mut before, mut at, mut is_query) = (String::new(), url.start(), false);
        for part in url.as_str().split_inclusive(['/', '?', '&', '=', ';']) {
            let text = part.trim_end_matches(['/', '?', '&', '=', ';']);
            if !text.is_empty() {
                let name = if is_query { before.clone() } else { id_of(&before) };
                let site = Site::Behind(&page[whole.start()..at], if is_query { "\"'&#;" } else { "\"'/?#" });
                each(Found { name, text, is_anonymous: false, site });
                text.clone_into(&mut before);
            }
            is_query |= part.ends_with('?');
            at += part.len();
        }
    }
}

/// What stands between quotes elsewhere, in scripts for instance.
fn tokens<'a>(page: &'a str, each: &mut dyn FnMut(Found<'a>)) {
    let mut at = 0_usize;
    for part in page.split_inclusive(['"', '\'', '<', '>']) {
        let text = part.trim_end_matches(['"', '\'', '<', '>']);
        if text.len() < part.len() && is_distinct(text) {
            let mut from = at.saturating_sub(CONTEXT);
            while !page.is_char_boundary(from) {
                from += 1;
            }
            let before = &page[from..at];
            let before = before.rsplit(['\n', '\r']).next().unwrap_or(before);
            let until = match part.as_bytes()[text.len()] {
                b'"' => "\"",
                b'\'' => "'",
                _ => "<>",
            };
            let name = called(before);
            each(Found { name, text, is_anonymous: true, site: Site::Behind(before, until) });
        }
        at += part.len();
    }
}

/// The last word before a value: `token` for `"token": `.
fn called(before: &str) -> String {
    let mut words = before.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
    words.rfind(|word| !word.is_empty()).unwrap_or("value").to_owned()
}

impl Found<'_> {
    /// A regular expression that finds this value first on `page`; none if another comes first.
    pub(super) fn pattern(&self, page: &str) -> Option<String> {
        let pattern = match &self.site {
            Site::Tag { kind, naming, name, holding, is_name_first, quote } => {
                let name = format!("{naming}=[\"']{}[\"']", escape(name));
                let value = format!("{holding}={quote}([^{quote}]*){quote}");
                let (first, second) = if *is_name_first { (name, value) } else { (value, name) };
                format!("<{kind}[^>]*\\b{first}[^>]*\\b{second}")
            }
            Site::Behind(before, until) if !before.trim().is_empty() => {
                format!("{}([^{until}]+)", escape(before))
            }
            Site::Behind(..) => return None,
        };
        let found = Regex::new(&pattern).ok()?.captures(page)?.get(1)?.as_str();
        (found == self.text).then_some(pattern)
    }

    /// Its text as a request would send it, and its bare name.
    pub(super) fn meant(&self) -> (String, String) {
        (decoded(self.text), bare(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern_of(page: &str, text: &str) -> Option<(String, String)> {
        let mut found = None;
        values(page, &mut |value| {
            if value.text == text && found.is_none() {
                found = value.pattern(page).map(|pattern| (value.name.clone(), pattern));
            }
        });
        found
    }

    #[test]
    fn hidden_inputs_are_found_whatever_the_order_of_their_attributes() {
        let page = "<form><input type=\"hidden\" name=\"csrf\" value=\"abc\"><INPUT value='x' name='y' type='hidden'></form>";
        let (name, pattern) = pattern_of(page, "abc").unwrap();
        assert_eq!(
            (name.as_str(), pattern.as_str()),
            ("csrf", "<input[^>]*\\bname=[\"']csrf[\"'][^>]*\\bvalue=\"([^\"]*)\"")
        );
        assert!(pattern_of("<input value='x' name='y' type='hidden'>", "x").is_some());
    }

    #[test]
    fn links_and_scripts_are_looked_at_and_the_first_must_be_meant() {
        let page = "<a href=\"/orders/17?from=list\">one</a> <a href=\"/orders/18\">two</a> <script>var s = {\"key\": \"a1b2c3d4e5\"}</script>";
        let (name, pattern) = pattern_of(page, "17").unwrap();
        assert_eq!((name.as_str(), pattern.as_str()), ("order_id", "href=\"/orders/([^\"'/?#]+)"));
        assert_eq!(pattern_of(page, "18"), None);
        assert_eq!(pattern_of(page, "a1b2c3d4e5").unwrap().0, "key");
    }
}
