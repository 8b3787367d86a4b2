//! Cookies of requests and answers.

use axum::http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};

use super::connections::Visit;

/// The cookie of the session.
pub(crate) const SESSION: &str = "sessionid";
/// The cookie that a form's token is held against.
pub(crate) const CSRF: &str = "csrftoken";

const TWO_WEEKS: u32 = 14 * 24 * 3600;
const ONE_YEAR: u32 = 364 * 24 * 3600;

/// The value of a cookie. Of several with one name the last counts.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    // HTTP/2 may send a line for each cookie.
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut cookies =
        lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.rfind(|(known, _)| *known == name).map(|(_, value)| value)
}

/// Sets the session's cookie, in a header of its own.
pub(crate) fn set_session(headers: &mut HeaderMap, id: &str, visit: Visit) {
    set(headers, &format!("{SESSION}={id}; HttpOnly; Max-Age={TWO_WEEKS}; Path=/; SameSite=Lax"), visit);
}

/// Sets the cookie of forms, in a header of its own.
pub(crate) fn set_csrf(headers: &mut HeaderMap, secret: &str, visit: Visit) {
    set(headers, &format!("{CSRF}={secret}; Max-Age={ONE_YEAR}; Path=/; SameSite=Lax"), visit);
}

/// Deletes the session's cookie.
pub(crate) fn delete_session(headers: &mut HeaderMap, visit: Visit) {
    let expired = "expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax";
    set(headers, &format!("{SESSION}=\"\"; {expired}"), visit);
}

fn set(headers: &mut HeaderMap, cookie: &str, visit: Visit) {
    let secure = if visit.secure { "; Secure" } else { "" };
    if let Ok(value) = HeaderValue::try_from(format!("{cookie}{secure}")) {
        headers.append(SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_may_stand_in_several_lines() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; sessionid=old"));
        headers.append(COOKIE, HeaderValue::from_static("sessionid=new=er"));
        assert_eq!(read(&headers, "a"), Some("1"));
        assert_eq!(read(&headers, SESSION), Some("new=er"));
        assert_eq!(read(&headers, CSRF), None);
    }
}
