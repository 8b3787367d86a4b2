//! Named values of a query or a form.

use axum::http::{HeaderMap, Uri, header::CONTENT_TYPE};

/// Named values, decoded, in their order.
#[derive(Debug)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Those of a URL's query.
    pub(crate) fn of_query(uri: &Uri) -> Fields {
        Fields::decode(uri.query().unwrap_or_default().as_bytes())
    }

    /// Those of a form; none if the body is said to be something else.
    pub(crate) fn of_form(headers: &HeaderMap, body: &[u8]) -> Fields {
        if media_type(headers) == "application/x-www-form-urlencoded" {
            Fields::decode(body)
        } else {
            Fields(Vec::new())
        }
    }

    fn decode(text: &[u8]) -> Fields {
        Fields(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first value of this name as a number; `default` if there is none, an error if it is not one.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T, T::Err> {
        self.get(name).map_or(Ok(default), str::parse)
    }
}

/// The media type of a body, in lower case and without parameters; empty if it is not said.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
