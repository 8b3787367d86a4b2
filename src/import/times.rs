//! Moments as other tools, and spreadsheets after them, write them.

use crate::utc;

/// Years in which a load test may have been made, µs since 1970: 1995 to 2100. Beyond them a number is something else.
const PLAUSIBLE_US: std::ops::Range<i64> = 788_918_400_000_000..4_102_444_800_000_000;

/// Dates that can be read in one way only.
const FORMS: [&str; 4] =
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y/%m/%d %H:%M:%S%.f", "%d.%m.%Y %H:%M:%S%.f"];

/// A moment, as a file tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// µs since 1970; since the run's start for a tool that keeps no date.
    pub(super) us: i64,
    /// Whether the file tells the time zone; a time without one is taken as UTC.
    pub(super) has_zone: bool,
}

impl Moment {
    /// A moment that is told without doubt about its time zone.
    pub(super) fn known(us: i64) -> Self {
        Self { us, has_zone: true }
    }

    /// So much earlier.
    pub(super) fn before(self, span_us: i64) -> Self {
        Self { us: self.us.saturating_sub(span_us), ..self }
    }
}

/// How a file writes its moments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Times {
    /// In a way that each of them tells.
    #[default]
    Told,
    /// In a form of strftime that the user has named.
    Form(String),
}

impl Times {
    /// The moment of a text.
    pub(super) fn moment(&self, text: &str) -> Result<Moment, String> {
        let Self::Form(form) = self else { return moment(text) };
        let Some((us, has_zone)) = utc::parse_form_us(form, text.trim()) else {
            return Err(format!("`{text}` is not a time of the form `{form}` (--time-format)"));
        };
        plausible(text, Moment { us, has_zone })
    }
}

/// A moment since 1970 in s, ms, µs or ns, which its size tells apart, in s also with a fraction; or a date with time.
pub(super) fn moment(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    if is_rounded(text) {
        return Err(format!(
            "`{text}` is a rounded time, as spreadsheets show long numbers: import the file as the tool wrote it, or \
             format the column as a number without decimals and save it again"
        ));
    }
    let digits = text.split('.').next().unwrap_or_default();
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let whole = digits.parse::<i64>().ok().filter(|_| is_number && text.matches('.').count() < 2);
    let us = match (whole, digits.len()) {
        (Some(n), ..=11) => seconds(n, text),
        (Some(ms), ..=14) => ms.checked_mul(1000).filter(|_| digits.len() == text.len()),
        (Some(us), ..=17) => Some(us).filter(|_| digits.len() == text.len()),
        (Some(ns), _) => Some(ns / 1000).filter(|_| digits.len() == text.len()),
        (None, _) => return plausible(text, date(text)?),
    };
    let us = us.ok_or_else(|| not_a_time(text))?;
    plausible(text, Moment::known(us))
}

fn date(text: &str) -> Result<Moment, String> {
    if let Some(us) = utc::parse_us(text) {
        return Ok(Moment::known(us));
    }
    // Java's logs separate milliseconds with a comma.
    let text = &text.replace(',', ".");
    let parse = |form: &str| utc::parse_form_us(form, text).map(|(us, has_zone)| Moment { us, has_zone });
    if let Some(moment) = FORMS.iter().find_map(|form| parse(form)) {
        return Ok(moment);
    }
    let day = text.split(' ').next().unwrap_or_default();
    let year = match day.rsplit('/').next().map(str::len) {
        Some(2) => "%y",
        Some(4) if day.contains('/') => "%Y",
        _ => return Err(not_a_time(text)),
    };
    let form = |first: &str| format!("{first}/{year} %H:%M:%S%.f");
    match (parse(&form("%m/%d")), parse(&form("%d/%m"))) {
        (Some(month_first), Some(day_first)) if month_first != day_first => Err(format!(
            "`{text}` may begin with the day or with the month: name the form of its times, e.g. \
             `--time-format '%d/%m/{year} %H:%M:%S'`"
        )),
        (Some(moment), _) | (_, Some(moment)) => Ok(moment),
        (None, None) => Err(not_a_time(text)),
    }
}

/// Whether it is a number with an exponent.
pub(super) fn is_rounded(text: &str) -> bool {
    text.contains(['e', 'E']) && text.replace(',', ".").parse::<f64>().is_ok()
}

fn plausible(text: &str, moment: Moment) -> Result<Moment, String> {
    if PLAUSIBLE_US.contains(&moment.us) {
        return Ok(moment);
    }
    Err(format!(
        "`{text}` is not a plausible time: it would be {}, and expected is one between 1995 and 2100",
        utc::to_second(moment.us)
    ))
}

fn not_a_time(text: &str) -> String {
    format!(
        "`{text}` is not a valid time: expected e.g. `1795276379` or `2026-11-21T18:32:59Z`; another form is named with \
         --time-format"
    )
}

#[expect(clippy::cast_possible_truncation, reason = "less than a second, in µs")]
fn seconds(whole: i64, text: &str) -> Option<i64> {
    let fraction = text.find('.').map_or(Ok(0.0), |at| format!("0{}", &text[at..]).parse::<f64>()).ok()?;
    Some(whole * 1_000_000 + (fraction * 1e6).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_apart_by_their_size() {
        let known = |us| Ok(Moment::known(us));
        let us = 1_795_276_379_069_170;
        for text in
            ["1795276379.06917", "1795276379069170", "1795276379069170000", "2026-11-21T15:52:59.06917Z"]
        {
            assert_eq!(moment(text), known(us), "{text}");
        }
        assert_eq!(moment("1795276379069"), known(us - 170));
        for text in ["1795276379", "2026-11-21T15:52:59Z", "2026-11-21T16:52:59+01:00"] {
            assert_eq!(moment(text), known(us - 69_170), "{text}");
        }
        for text in ["", "now", "-5", "1.2.3", "1795276379069.5", "99999999999999999999"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_spreadsheet_made_of_a_time_is_no_time() {
        for text in ["1.79528E+12", "1,79528E+12", "1.8e12", "1E9"] {
            assert!(moment(text).unwrap_err().contains("rounded"), "{text}");
        }
        // A day of spreadsheets, an index, ms where the tool has written none.
        for text in ["46347.66145", "0", "12", "99999999999"] {
            assert!(moment(text).unwrap_err().contains("not a plausible time"), "{text}");
        }
    }

    #[test]
    fn dates_are_read_where_they_can_be_read_in_one_way_only() {
        let local = Ok(Moment { us: 1_795_276_379_125_000, has_zone: false });
        for text in [
            "2026-11-21 15:52:59.125",
            "2026-11-21 15:52:59,125",
            "2026-11-21T15:52:59.125",
            "2026/11/21 15:52:59.125",
            "21.11.2026 15:52:59.125",
            "11/21/2026 15:52:59.125",
            "21/11/2026 15:52:59.125",
            "11/21/26 15:52:59.125",
        ] {
            assert_eq!(moment(text), local, "{text}");
        }
        let doubtful = moment("03/04/2026 15:52:59").unwrap_err();
        assert!(doubtful.contains("--time-format '%d/%m/%Y %H:%M:%S'"), "{doubtful}");
        assert!(moment("11/11/2026 15:52:59").is_ok(), "either way the same day");
        assert!(moment("2011-21-21 14:15:25.321").is_err());
    }

    #[test]
    fn a_named_form_is_the_only_one() {
        let times = Times::Form("%d/%m/%Y %I:%M:%S %p".to_owned());
        assert_eq!(times.moment("03/04/2026 03:52:59 PM").unwrap().us, 1_775_231_579_000_000);
        assert!(times.moment("1795276379").unwrap_err().contains("--time-format"));
        let zoned = Times::Form("%Y%m%d %H%M%S %z".to_owned());
        assert_eq!(zoned.moment("20261121 165259 +0100"), Ok(Moment::known(1_795_276_379_000_000)));
    }
}
