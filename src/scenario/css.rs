//! Elements of an HTML page by CSS selectors. Pages are parsed as browsers do (the HTML standard's algorithm), so that
//! neither unclosed tags nor the order of attributes matter.

use scraper::{ElementRef, Html, Selector};

/// Elements of a page, and what of them is meant.
#[derive(Clone, Debug)]
pub struct ElementPlace {
    /// The selector as it was written.
    pub text: String,
    selector: Selector,
    /// The attribute that is meant; none for the text of the element.
    pub attribute: Option<String>,
}

impl ElementPlace {
    /// The elements of a selector: `input[name=token]`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, attribute: Option<String>) -> Result<Self, String> {
        let selector = Selector::parse(text).map_err(|error| error.to_string())?;
        // Attributes of HTML have lower-case names, however they are written.
        Ok(Self { text: text.to_owned(), selector, attribute: attribute.map(|a| a.to_ascii_lowercase()) })
    }
}

impl std::fmt::Display for ElementPlace {
    /// `input[name=token]`, `input[name=token] (value)`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)?;
        self.attribute.as_ref().map_or(Ok(()), |attribute| write!(f, " ({attribute})"))
    }
}

/// A parsed page.
pub struct Page(Html);

impl Page {
    /// Parses a page; any text is one.
    pub fn parse(text: &str) -> Self {
        Self(Html::parse_document(text))
    }

    /// The values at a place, in the page's order: the attribute of each element that has it, or the text of each without
    /// the white space around it. At most `most`.
    pub fn values(&self, place: &ElementPlace, most: usize) -> Vec<String> {
        let value = |element: ElementRef<'_>| match &place.attribute {
            Some(attribute) => element.value().attr(attribute).map(str::to_owned),
            None => Some(element.text().collect::<String>().trim().to_owned()),
        };
        self.0.select(&place.selector).filter_map(value).take(most).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: &str = r#"<!doctype html><title>Shop</title><body>
        <form><input value='a&amp;b' TYPE=hidden name=token><input name="q"></form>
        <ul><li data-id=1>One <b>thing</b><li data-id=2> Two <li>Three</ul>"#;

    fn values(selector: &str, attribute: Option<&str>) -> Vec<String> {
        let place = ElementPlace::parse(selector, attribute.map(str::to_owned)).unwrap();
        Page::parse(PAGE).values(&place, usize::MAX)
    }

    #[test]
    fn elements_are_found_as_in_a_browser() {
        assert_eq!(values("input[name=token]", Some("Value")), ["a&b"]);
        assert_eq!(values("form > input:nth-child(2)", Some("name")), ["q"]);
        assert_eq!(values("li", None), ["One thing", "Two", "Three"]);
        assert_eq!(values("li", Some("data-id")), ["1", "2"], "those that have it");
        assert_eq!(values("title, b", None), ["Shop", "thing"]);
        assert_eq!(values("table", None), Vec::<String>::new());
        let first = ElementPlace::parse("li", None).unwrap();
        assert_eq!(Page::parse(PAGE).values(&first, 1), ["One thing"]);
    }

    #[test]
    fn a_selector_that_is_none_is_refused_with_a_reason() {
        for bad in ["", "input[", "a >", "::", "li:nope(1)"] {
            assert!(ElementPlace::parse(bad, None).is_err(), "{bad}");
        }
        assert_eq!(ElementPlace::parse("a", Some("href".to_owned())).unwrap().to_string(), "a (href)");
    }

    proptest! {
        #[test]
        fn any_text_is_a_page(text: String, selector: String) {
            let page = Page::parse(&text);
            if let Ok(place) = ElementPlace::parse(&selector, None) {
                page.values(&place, 10);
            }
            let all = ElementPlace::parse("*", None).unwrap();
            prop_assert!(page.values(&all, usize::MAX).len() >= 3, "html, head and body are there in any case");
        }
    }
}
