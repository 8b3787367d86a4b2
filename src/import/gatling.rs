//! Gatling's simulation.log as text, which its versions before 3.12 write: a line per event, its fields separated by
//! tabs. Which fields a request has depends on the version:
//!
//! ```text
//! REQUEST  scenario  user  groups  name  start  end  OK|KO  message      2.x
//! REQUEST  user  groups  name  start  end  OK|KO  message                3.0 to 3.3
//! REQUEST  groups  name  start  end  OK|KO  message                      3.4 to 3.11
//! ```

use std::borrow::Cow;

use super::names::label;
use super::row::{Each, Ending, Line, Row};
use super::times::{Moment, moment};

/// The words for how a request ended.
const ENDED: [&str; 2] = ["OK", "KO"];
/// Digits of a time in ms since 1970.
const DIGITS: usize = 13;

/// The version of the log in a binary form, which begins with the length of a version and that version.
pub(super) fn binary_version(bytes: &[u8]) -> Option<&str> {
    let (length, rest) = bytes.strip_prefix(&[0])?.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok().filter(|length| *length < 20)?;
    let version = std::str::from_utf8(rest.get(..length)?).ok()?;
    let is_version = version.starts_with(|c: char| c.is_ascii_digit()) && version.contains('.');
    is_version.then_some(version)
}

/// Hands a line to `each`.
pub(super) fn line(text: &str, each: &mut Each<'_>) -> Result<(), String> {
    let fields: Vec<&str> = text.trim_end_matches(['\r', '\n']).split('\t').collect();
    match fields[0] {
        "REQUEST" => each(Line::Request(request(&fields)?)),
        "GROUP" => each(Line::LeftOut("groups", 1)),
        "ERROR" => each(Line::LeftOut("errors outside of requests", 1)),
        "RUN" | "USER" | "ASSERTION" => each(Line::Other),
        _ => Err("it is not a line of Gatling's log".to_owned()),
    }
}

fn request<'a>(fields: &[&'a str]) -> Result<Row<'a>, String> {
    let is_time = |field: &&str| field.len() == DIGITS && field.bytes().all(|byte| byte.is_ascii_digit());
    // A name or a message may be `OK`; the ending stands behind two times.
    let ending = (4..fields.len())
        .find(|at| ENDED.contains(&fields[*at]) && fields[at - 2..*at].iter().all(is_time))
        .ok_or("it does not end in two times, and `OK` or `KO`")?;
    // Of the four times of the first versions 2 the outer ones are those of the request.
    let start =
        if ending >= 6 && fields[ending - 4..ending].iter().all(is_time) { ending - 4 } else { ending - 2 };
    let began = moment(fields[start])?;
    let ended: Moment = moment(fields[ending - 1])?;
    if ended.us < began.us {
        return Err("it ends before it begins".to_owned());
    }
    let name = fields[start - 1];
    let before = &fields[1..start - 1];
    let (groups, who) = before.split_last().map_or(("", before), |(groups, who)| (*groups, who));
    Ok(Row {
        endpoint: match groups {
            "" => label(name),
            groups => Cow::Owned(format!("{} / {}", groups.replace(',', " / "), label(name))),
        },
        user_class: if who.len() > 1 { who[0] } else { "" },
        user: who.last().copied().unwrap_or_default(),
        start: began,
        elapsed_us: ended.us - began.us,
        first_byte_us: None,
        // The log has no status: what Gatling calls KO has failed a check, or was not answered.
        ending: Ending::without_status(
            fields[ending] == "OK",
            fields.get(ending + 1).copied().unwrap_or_default(),
        ),
        bytes_in: 0,
        bytes_out: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Outcome;

    fn read(text: &str) -> (String, String, String, Outcome, i64) {
        let fields: Vec<&str> = text.split('\t').collect();
        let row = request(&fields).unwrap();
        let who = (row.user_class.to_owned(), row.user.to_owned());
        (row.endpoint.into_owned(), who.0, who.1, row.ending.outcome, row.elapsed_us)
    }

    #[test]
    fn requests_of_each_version_are_read() {
        let expected = |name: &str, class: &str, user: &str, outcome| {
            (name.to_owned(), class.to_owned(), user.to_owned(), outcome, 451_000)
        };
        let times = "1795276500394\t1795276500845";
        assert_eq!(read(&format!("REQUEST\t\tping\t{times}\tOK\t")), expected("ping", "", "", Outcome::Ok));
        assert_eq!(
            read(&format!(
                "REQUEST\tLogin,Form\tOK\t{times}\tKO\tstatus.find.is(200), but actually found 500"
            )),
            expected("Login / Form / OK", "", "", Outcome::Failed)
        );
        assert_eq!(
            read(&format!("REQUEST\t9\t\tping\t{times}\tOK\t")),
            expected("ping", "", "9", Outcome::Ok)
        );
        assert_eq!(
            read(&format!("REQUEST\tShop\t3\t\tping\t{times}\tOK\t")),
            expected("ping", "Shop", "3", Outcome::Ok)
        );
        let four = "1795276500394\t1795276500395\t1795276500800\t1795276500845";
        assert_eq!(
            read(&format!("REQUEST\tShop\t3\t\tping\t{four}\tOK")),
            expected("ping", "Shop", "3", Outcome::Ok)
        );
    }

    #[test]
    fn an_answer_that_did_not_come_is_an_error() {
        let text = "REQUEST\t\tping\t1795276500394\t1795276560394\tKO\ti.g.h.c.i.RequestTimeoutException: Request timeout";
        let fields: Vec<&str> = text.split('\t').collect();
        assert_eq!(request(&fields).unwrap().ending.outcome, Outcome::Error);
    }

    #[test]
    fn the_binary_log_is_known_by_its_version() {
        assert_eq!(binary_version(b"\0\0\0\0\x063.14.3\0\0\0\0\x22com"), Some("3.14.3"));
        for other in [&b"RUN\tA\t\tb"[..], b"\0\0\0\0\x06", b"\0\0\0\0\x03abc", b""] {
            assert_eq!(binary_version(other), None);
        }
    }
}
