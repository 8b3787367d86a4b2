//! The page of a search.

use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::words::error_modes;
use super::{ArmReport, CapacityReport};
use crate::capacity::Point;
use crate::report::chart::curve::{self, LoadCurve};
use crate::report::chart::strip;
use crate::report::html::{self, HtmlError};
use crate::report::model::{Line, Scale};

/// A profile's table.
#[derive(Serialize)]
struct Table {
    profile: String,
    rows: Vec<[String; 7]>,
    modes: Vec<String>,
}

/// As a page.
///
/// # Errors
/// If the template is faulty.
pub fn html(report: &CapacityReport) -> Result<String, HtmlError> {
    let sentences = report.sentences();
    let finding = sentences.first().cloned().unwrap_or_default();
    let draw = |id, title, scale, lines: &[Line]| {
        html::drawing(curve::draw(&LoadCurve { id, title, finding: &finding, scale, lines }))
    };
    let x = format!("by load, {}", report.unit());
    let charts = [
        (
            "Response time",
            format!("log scale, {x}"),
            draw("c-time", "Response time", Scale::Time, &times(report)),
        ),
        (
            "Successful requests",
            format!("per second, {x}"),
            draw("c-rate", "Successful requests", Scale::Amount, &achieved(report)),
        ),
    ];
    let claims = report.claim_rows();
    let strips: Vec<String> =
        (1..).zip(&claims).map(|(n, claim)| strip::draw(claim, &format!("claim-{n}"))).collect();
    let table = |arm: &ArmReport| Table {
        profile: arm.profile.clone(),
        rows: report.rows(arm),
        modes: error_modes(arm),
    };
    let tables: Vec<Table> = report.arms.iter().map(table).collect();
    html::page(
        "capacity.html",
        context! {
            scenario => &report.searched.scenario,
            profiles => &report.searched.profiles,
            unit => report.unit(),
            setting => report.setting(),
            goals => report.goals(),
            sentences,
            finding,
            charts => Value::from(Serde(&charts)),
            tables => Value::from(Serde(&tables)),
            judged => context! { heading => "Claims", claims => Value::from(Serde(&claims)) },
            strips,
            id => report.id.to_string(),
            command => &report.command,
            tool_version => env!("CARGO_PKG_VERSION"),
        },
        &html::REPORT,
    )
}

/// Of one profile p50 and p99, of two the p99 of each.
fn times(report: &CapacityReport) -> Vec<Line> {
    match &report.arms[..] {
        [arm] => vec![line("p50", 0, arm, |p| p.p50_ms * 1000.0), line("p99", 1, arm, |p| p.p99_ms * 1000.0)],
        arms => {
            let of = |(place, arm): (usize, &ArmReport)| {
                line(&format!("p99, {}", arm.profile), place, arm, |p| p.p99_ms * 1000.0)
            };
            arms.iter().enumerate().map(of).collect()
        }
    }
}

fn achieved(report: &CapacityReport) -> Vec<Line> {
    match &report.arms[..] {
        [arm] => vec![line("ok", 1, arm, |p| p.achieved_per_s)],
        arms => {
            let of = |(place, arm): (usize, &ArmReport)| line(&arm.profile, place, arm, |p| p.achieved_per_s);
            arms.iter().enumerate().map(of).collect()
        }
    }
}

fn line(name: &str, arm: usize, of: &ArmReport, value: fn(&Point) -> f64) -> Line {
    let points = of.capacity.curve.points.iter().map(|p| (p.load, value(p)));
    Line { name: name.to_owned(), arm, points: points.filter(|p| p.1.is_finite()).collect() }
}
