//! `replay = "starts.csv"`: the starts of an open load as they were recorded, one a line. A first line names the columns:
//! `at` for their times, and `journey` for what each performs, if the file tells; others are for a feeder over the same
//! file. A file with times alone needs no such line.

use std::path::Path;
use std::time::Duration;

use csv::StringRecord;

use crate::scenario::World;
use crate::scenario::journey::UserClass;
use crate::scenario::replay::{Performed, Recorded};

/// Columns that hold times.
const TIMES: [&str; 4] = ["at", "time", "timestamp", "offset"];
/// The column of journeys.
const JOURNEY: &str = "journey";
/// Most starts: each is kept in memory for the whole load.
const MOST: usize = 10_000_000;
/// From this number on a time is one since 1970, s: it is a day in 2001, or 31 years after a start.
const SINCE_1970: f64 = 1e9;

/// What a replay may perform.
pub(super) struct Work<'a> {
    /// The names of all journeys, by their places.
    pub(super) journeys: &'a [&'a str],
    pub(super) user_classes: &'a [UserClass],
    /// The user classes of the load, by their places.
    pub(super) of_load: &'a [usize],
}

impl Work<'_> {
    fn performed(&self, name: &str) -> Result<Performed, String> {
        let performs = |class: &&usize| {
            let journeys = self.user_classes[**class].journeys.iter();
            journeys.map(|(journey, _)| *journey).find(|journey| self.journeys[*journey] == name)
        };
        let found = self.of_load.iter().find_map(|class| Some((*class, performs(&class)?)));
        let (user_class, journey) =
            found.ok_or_else(|| format!("no user class of the load performs a journey `{name}`"))?;
        Ok(Performed { user_class, journey })
    }
}

/// The starts in a file; or what is wrong with it, with the line.
pub(super) fn starts(path: &Path, world: &dyn World, work: &Work<'_>) -> Result<Vec<Recorded>, String> {
    let text = world.read(path).map_err(|error| error.to_string())?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut columns = None;
    let mut starts: Vec<Recorded> = Vec::new();
    let mut first_s = 0.0;
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| error.to_string())? {
        let line = record.position().map_or(0, csv::Position::line);
        let at_line = |what: String| format!("line {line}: {what}");
        let is_first = columns.is_none();
        let (time, journey) = match columns {
            Some(columns) => columns,
            None => *columns.insert(places(&record).map_err(at_line)?),
        };
        let text = record.get(time).unwrap_or_default();
        let seconds = match seconds(text) {
            Some(seconds) => seconds,
            None if is_first => continue,
            None => {
                return Err(at_line(format!(
                    "`{text}` is not a valid time: expected e.g. `0.125` or `2026-11-21T18:32:59Z`"
                )));
            }
        };
        if starts.is_empty() {
            first_s = if seconds >= SINCE_1970 { seconds } else { 0.0 };
        }
        let after = Duration::try_from_secs_f64(seconds - first_s);
        let after = after.map_err(|_| at_line(format!("`{text}` lies before the first start")))?;
        if starts.last().is_some_and(|last| last.after > after) {
            return Err(at_line(format!(
                "`{text}` is earlier than the line before it: sort the file by its times"
            )));
        }
        let performs = journey.map(|place| work.performed(record.get(place).unwrap_or_default()));
        starts.push(Recorded { after, performs: performs.transpose().map_err(at_line)? });
        if starts.len() > MOST {
            return Err(format!("it holds more than {MOST} starts"));
        }
    }
    if starts.is_empty() { Err("it holds no starts".to_owned()) } else { Ok(starts) }
}

/// The places of times and journeys, by the first line.
fn places(first: &StringRecord) -> Result<(usize, Option<usize>), String> {
    let place = |name: &str| first.iter().position(|column| column == name);
    if let Some(time) = TIMES.iter().find_map(|name| place(name)) {
        return Ok((time, place(JOURNEY)));
    }
    if first.len() == 1 && seconds(&first[0]).is_some() {
        return Ok((0, None));
    }
    Err(format!(
        "expected a time, or the names of columns with one of {} among them",
        TIMES.map(|name| format!("`{name}`")).join(", ")
    ))
}

/// Seconds: of an offset, or since 1970; those with 13 digits and more are ms, µs or ns.
fn seconds(text: &str) -> Option<f64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_microsecond() as f64 / 1e6);
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)?;
    Some(match number {
        ns if ns >= 1e18 => ns / 1e9,
        us if us >= 1e15 => us / 1e6,
        ms if ms >= 1e12 => ms / 1e3,
        seconds => seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct File(&'static str);

    impl World for File {
        fn read(&self, _: &Path) -> std::io::Result<String> {
            Ok(self.0.to_owned())
        }

        fn variable(&self, _: &str) -> Option<String> {
            None
        }
    }

    fn read(text: &'static str) -> Result<Vec<u128>, String> {
        let work = Work { journeys: &[], user_classes: &[], of_load: &[] };
        let starts = starts(Path::new("log.csv"), &File(text), &work)?;
        Ok(starts.iter().map(|start| start.after.as_millis()).collect())
    }

    #[test]
    fn offsets_and_moments_are_told_apart() {
        for text in
            ["0.5\n0.75\n2\n", "at\n0.5\n0.75\n2\n", "# of Tuesday\npath,offset\n/a,0.5\n/b,0.75\n/c,2.0\n"]
        {
            assert_eq!(read(text), Ok(vec![500, 750, 2_000]), "{text}");
        }
        for text in [
            "1795276379\n1795276379.25\n1795276380.5\n",
            "time\n1795276379000\n1795276379250\n1795276380500\n",
            "time\n2026-11-21T15:52:59Z\n2026-11-21T15:52:59.25Z\n2026-11-21T16:53:00.5+01:00\n",
        ] {
            assert_eq!(read(text), Ok(vec![0, 250, 1_500]), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_replayed_is_named_with_its_line() {
        assert!(read("").unwrap_err().contains("no starts"));
        assert!(read("at\n").unwrap_err().contains("no starts"));
        assert!(read("path,method\n/a,GET\n").unwrap_err().starts_with("line 1: expected a time"));
        assert!(read("at\n1\nsoon\n").unwrap_err().starts_with("line 3: `soon` is not a valid time"));
        assert!(
            read("at\n2\n1\n").unwrap_err().starts_with("line 3: `1` is earlier than the line before it")
        );
        assert!(read("at,journey\n0,buy\n").unwrap_err().contains("performs a journey `buy`"));
    }
}
