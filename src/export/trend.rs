//! Trends as comma-separated values.

use std::fmt::Write as _;

use super::csv::field;
use crate::trend::Series;

/// As CSV: a row per series and release.
pub fn csv(series: &[Series]) -> String {
    let mut text =
        "load,profile,kind,traffic_class,endpoint,metric,release,started_at,runs,value,change,break\n"
            .to_owned();
    for one in series {
        for (place, point) in one.points.iter().enumerate() {
            let change = one.changes.iter().find(|c| c.place == place);
            let fields = [
                field(&one.load).into_owned(),
                field(&one.profile).into_owned(),
                one.subject.kind.word().to_owned(),
                field(&one.subject.traffic_class).into_owned(),
                field(&one.subject.endpoint).into_owned(),
                field(&one.metric).into_owned(),
                field(&point.release).into_owned(),
                point.started_at.clone(),
                point.runs.len().to_string(),
                point.value.to_string(),
                change.map_or(String::new(), |c| c.ratio.to_string()),
                one.breaks
                    .iter()
                    .find(|b| b.place == place)
                    .map_or(String::new(), |b| field(&b.what.join("; ")).into_owned()),
            ];
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", fields.join(","));
        }
    }
    text
}
