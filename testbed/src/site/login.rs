//! Logging in and out by forms, as Django does it.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{CACHE_CONTROL, LOCATION},
    },
    response::{Html, IntoResponse, Response},
};

use super::{
    accounts,
    connections::Visit,
    cookies,
    csrf::{self, Forged, Secret},
    fields::Fields,
    pages::{escape, page},
    state::{Site, secret},
    whole::Whole,
};

/// `GET /`: for those who have logged in.
pub(crate) async fn home(
    State(site): State<Arc<Site>>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
) -> Response {
    let Some(user) = site.user(&headers) else { return redirect("/login?next=/") };
    let csrf = Secret::of_cookie_or_new(&headers);
    let body = format!(
        "<p>Hello, <strong id=\"user\">{}</strong>.</p>\n<p><a href=\"/items\">Items</a></p>\n\
         <form method=\"post\" action=\"/logout\">{}<button>Log out</button></form>",
        escape(&user),
        hidden(&csrf),
    );
    with_csrf(page("Shop", &body), &csrf, visit)
}

/// `GET /login`: sets two cookies, each in a header of its own.
pub(crate) async fn form(Extension(visit): Extension<Visit>, uri: Uri, headers: HeaderMap) -> Response {
    let csrf = Secret::of_cookie_or_new(&headers);
    let next = Fields::of_query(&uri).get("next").unwrap_or_default().to_owned();
    let mut answer = with_csrf(login_page(&csrf, &next, ""), &csrf, visit);
    let session = cookies::read(&headers, cookies::SESSION).map_or_else(secret, str::to_owned);
    cookies::set_session(answer.headers_mut(), &session, visit);
    answer
}

/// `POST /login`: a new session and a new secret if the password is right, the form again if not.
pub(crate) async fn log_in(
    State(site): State<Arc<Site>>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Response {
    let form = Fields::of_form(&headers, &body);
    if let Err(forged) = csrf::check(&headers, form.get("csrfmiddlewaretoken")) {
        return forbidden(forged);
    }
    let field = |name| form.get(name).unwrap_or_default();
    let (user, next) = (field("username"), field("next"));
    if !accounts::is_user(user, field("password")) {
        site.counters.refused_logins.add();
        let csrf = Secret::of_cookie_or_new(&headers);
        let error = "<ul class=\"errorlist\"><li>Please enter a correct username and password.</li></ul>\n";
        return with_csrf(login_page(&csrf, next, error), &csrf, visit);
    }
    site.counters.logins.add();
    // Anywhere on this site, but nowhere else.
    let local = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    let mut answer = redirect(if local { next } else { "/" });
    cookies::set_csrf(answer.headers_mut(), Secret::new().as_str(), visit);
    cookies::set_session(answer.headers_mut(), &site.log_in(&headers, user), visit);
    answer
}

/// `POST /logout`
pub(crate) async fn log_out(
    State(site): State<Arc<Site>>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Response {
    let form = Fields::of_form(&headers, &body);
    if let Err(forged) = csrf::check(&headers, form.get("csrfmiddlewaretoken")) {
        return forbidden(forged);
    }
    site.log_out(&headers);
    let mut answer = redirect("/login");
    cookies::delete_session(answer.headers_mut(), visit);
    answer
}

fn login_page(csrf: &Secret, next: &str, error: &str) -> Html<String> {
    let (hidden, next) = (hidden(csrf), escape(next));
    page(
        "Log in",
        &format!(
            "{error}<form id=\"login\" method=\"post\" action=\"/login\">\n{hidden}\n\
             <input type=\"hidden\" name=\"next\" value=\"{next}\">\n\
             <label>User <input name=\"username\" autocomplete=\"username\"></label>\n\
             <label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\"></label>\n\
             <button>Log in</button>\n</form>"
        ),
    )
}

/// The field of a form that says that the form is of this site.
fn hidden(csrf: &Secret) -> String {
    format!("<input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"{}\">", csrf.token())
}

/// A page with a token, and the cookie that the token belongs to.
fn with_csrf(page: Html<String>, csrf: &Secret, visit: Visit) -> Response {
    let mut answer = page.into_response();
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store, private"));
    cookies::set_csrf(answer.headers_mut(), csrf.as_str(), visit);
    answer
}

fn forbidden(forged: Forged) -> Response {
    let body = "<p>403 Forbidden. CSRF verification failed, request aborted.</p>";
    (StatusCode::FORBIDDEN, page(&forged.to_string(), body)).into_response()
}

/// 302 to a path of this site. One that cannot stand in a header leads home.
fn redirect(path: &str) -> Response {
    let location = HeaderValue::try_from(path).unwrap_or_else(|_| HeaderValue::from_static("/"));
    (StatusCode::FOUND, [(LOCATION, location)]).into_response()
}
