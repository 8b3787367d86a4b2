//! Reports as one HTML file: no request to anywhere, readable without script, printable.
//!
//! A strict content policy names the style sheet and the script by their hashes; nothing else may
//! run or load.

use std::sync::LazyLock;

use base64::Engine;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;

use super::About;
use super::chart::{self, Readout};
use super::model::{self, Report};
use crate::checksum;

const STYLE: &str = include_str!("../../templates/report.css");
const SCRIPT: &str = include_str!("../../templates/report.js");

/// The style sheet and the script of a page, which its content policy names by their hashes.
pub(crate) struct Assets {
    style: String,
    script: String,
    /// Whether they belong to pages that are served, and may ask their own server.
    is_served: bool,
}

/// Those of reports.
pub(crate) static REPORT: LazyLock<Assets> =
    LazyLock::new(|| Assets { style: STYLE.to_owned(), script: SCRIPT.to_owned(), is_served: false });

impl Assets {
    /// Those of a page that is served: what reports have, and more. It may ask its own server.
    pub(crate) fn served(style: &str, script: &str) -> Self {
        Self { style: format!("{STYLE}{style}"), script: format!("{SCRIPT}{script}"), is_served: true }
    }
}

/// The templates, by the names under which they include each other.
const TEMPLATES: [(&str, &str); 16] = [
    ("grid.html", include_str!("../../templates/grid.html")),
    ("explained.html", include_str!("../../templates/explained.html")),
    ("signoff.html", include_str!("../../templates/signoff.html")),
    ("live.html", include_str!("../../templates/live.html")),
    ("history.html", include_str!("../../templates/history.html")),
    ("served.html", include_str!("../../templates/served.html")),
    ("problem.html", include_str!("../../templates/problem.html")),
    ("trend.html", include_str!("../../templates/trend.html")),
    ("capacity.html", include_str!("../../templates/capacity.html")),
    ("claim_table.html", include_str!("../../templates/claim_table.html")),
    ("report.html", include_str!("../../templates/report.html")),
    ("headline.html", include_str!("../../templates/headline.html")),
    ("claims.html", include_str!("../../templates/claims.html")),
    ("parts.html", include_str!("../../templates/parts.html")),
    ("subjects.html", include_str!("../../templates/subjects.html")),
    ("evidence.html", include_str!("../../templates/evidence.html")),
];

/// A page could not be rendered: a fault of its template.
#[derive(Debug, thiserror::Error)]
#[error("cannot render the report: {0}")]
pub struct HtmlError(#[from] minijinja::Error);

/// A drawn chart: its SVG and the data by which the script reads it out.
#[derive(Serialize)]
pub(super) struct Drawing {
    svg: String,
    data: String,
}

/// A report as a page.
///
/// # Errors
/// If a template is faulty.
pub fn render(report: &Report) -> Result<String, HtmlError> {
    let percentiles: Vec<Drawing> =
        report.percentile_charts.iter().map(|c| drawing(chart::percentile::draw(c))).collect();
    let shift = |chart: &model::PercentileChart| chart.shift.as_ref().map(|s| drawing(chart::shift::draw(s)));
    let shifts: Vec<Option<Drawing>> = report.percentile_charts.iter().map(shift).collect();
    let rows: Vec<Drawing> = report
        .timeline
        .iter()
        .flat_map(|timeline| {
            (0..timeline.rows.len()).map(|row| drawing(chart::timeline::draw(timeline, row)))
        })
        .collect();
    let strips: Vec<String> = (1..)
        .zip(&report.judged.claims)
        .map(|(n, claim)| chart::strip::draw(claim, &format!("claim-{n}")))
        .collect();
    page(
        "report.html",
        context! {
            report => Value::from(Serde(report)),
            percentiles => Value::from(Serde(percentiles)),
            shifts => Value::from(Serde(shifts)),
            rows => Value::from(Serde(rows)),
            trade_off => report.grid.iter().flat_map(|grid| &grid.chart).next().map(|chart| Value::from(Serde(drawing(chart::trade_off::draw(chart))))),
            modes => report.modes.iter().map(chart::histogram::draw).collect::<Vec<String>>(),
            strips => strips,
            about => data_block(&report.about),
        },
        &REPORT,
    )
}

/// A page from a template, with its assets and the policy that names it.
///
/// # Errors
/// If a template is faulty.
pub(crate) fn page(template: &str, values: Value, assets: &Assets) -> Result<String, HtmlError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    // What is served may show a report under its own policy.
    let policy =
        if assets.is_served { policy(&[assets, &REPORT], "'self'") } else { policy(&[assets], "'none'") };
    let common = context! { style => &assets.style, script => &assets.script, policy => policy, ..values };
    Ok(environment.get_template(template)?.render(common)?)
}

pub(super) fn drawing((svg, readout): (String, Readout)) -> Drawing {
    Drawing { svg, data: data_block(&readout) }
}

/// What a page says of itself in its data block; none if it is no report's page.
pub fn about(page: &str) -> Option<About> {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"about\">")?;
    let (block, _) = rest.split_once("</script>")?;
    serde_json::from_str(block).ok()
}

/// Data for a page's script; its types rule a failure out.
fn data_block(data: &impl Serialize) -> String {
    // `<` inside a data block could end it.
    serde_json::to_string(data).unwrap_or_default().replace('<', "\\u003c")
}

/// The content security policy of pages with one of these assets: their style sheets and scripts, and nothing else.
/// `connect`: where they may ask for more.
pub(crate) fn policy(all: &[&Assets], connect: &str) -> String {
    let hashes = |of: fn(&Assets) -> &str| {
        let hashes: Vec<String> = all.iter().map(|assets| format!("'{}'", hash(of(assets)))).collect();
        hashes.join(" ")
    };
    format!(
        "default-src 'none'; connect-src {connect}; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hashes(|assets| &assets.style),
        hashes(|assets| &assets.script)
    )
}

fn hash(source: &str) -> String {
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(checksum::digest(source)))
}
