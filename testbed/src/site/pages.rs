//! Pages of HTML that are the same for everybody, and the frame of all pages.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::{Html, IntoResponse, Response},
};

use super::{catalogue::euros, fields::Fields, refusal::refusal, state::Site};

/// A page; `title` is text, `body` is HTML.
pub(crate) fn page(title: &str, body: &str) -> Html<String> {
    let title = escape(title);
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    ))
}

/// Text as it stands in HTML, within attributes, too.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// `GET /items?page=N`
pub(crate) async fn items(State(site): State<Arc<Site>>, uri: Uri) -> Response {
    let Some(shown) = site.catalogue.page(&Fields::of_query(&uri)) else { return not_found() };
    let items: Vec<String> = shown.items.iter().map(entry).collect();
    let link = |page: Option<u32>, relation| {
        let to = |page| format!("<a rel=\"{relation}\" href=\"/items?page={page}\">{relation}</a>\n");
        page.map_or_else(String::new, to)
    };
    let (previous, next) = (link(shown.previous(), "prev"), link(shown.next(), "next"));
    let body = format!("<ul id=\"items\">\n{}\n</ul>\n{previous}{next}", items.join("\n"));
    page(&format!("Items, page {} of {}", shown.number, shown.of), &body).into_response()
}

fn entry(item: &super::catalogue::Item) -> String {
    let (id, name, price) = (item.id, escape(&item.name), euros(item.price_cents.into()));
    format!(
        "<li class=\"item\" data-id=\"{id}\"><a href=\"/items/{id}\">{name}</a> <span class=\"price\">€{price}</span></li>"
    )
}

/// `GET /items/{id}`
pub(crate) async fn item(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Response {
    let Some(item) = id.parse().ok().and_then(|id| site.catalogue.item(id)) else { return not_found() };
    let price = euros(item.price_cents.into());
    let body = format!(
        "<img src=\"/image.png\" alt=\"\">\n<p class=\"price\" data-price=\"{price}\">€{price}</p>\n\
         <p><a href=\"/items\">All items</a></p>"
    );
    page(&item.name, &body).into_response()
}

/// What is not there: JSON below `/api/`, a page elsewhere.
pub(crate) async fn fallback(uri: Uri) -> Response {
    if uri.path().starts_with("/api/") { refusal(StatusCode::NOT_FOUND, "Not found.") } else { not_found() }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, page("404 Not Found", "<p>There is no such page.</p>")).into_response()
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn text_stays_text() {
        assert_eq!(escape("<b> & \"it's\""), "&lt;b&gt; &amp; &quot;it&#x27;s&quot;");
    }
}
