//! The pages of the server itself.

use std::sync::LazyLock;

use minijinja::context;
use minijinja::value::{Serde, Value};

use super::problem::Problem;
use super::secret::Secret;
use super::start::Offers;
use crate::assess::history::Entry;
use crate::report::html::{self, Assets};

/// What the live page has beside what all pages do.
static LIVE: LazyLock<Assets> = LazyLock::new(|| {
    Assets::served(
        include_str!("../../templates/live.css"),
        concat!(
            include_str!("../../templates/charts.js"),
            include_str!("../../templates/live.js"),
            include_str!("../../templates/start.js")
        ),
    )
});

/// The same of the history.
static HISTORY: LazyLock<Assets> = LazyLock::new(|| {
    Assets::served(include_str!("../../templates/live.css"), include_str!("../../templates/history.js"))
});

/// The content security policy of all answers: the server's own pages and reports use their own scripts
/// and style sheets, and ask nobody but this server.
pub(super) static POLICY: LazyLock<String> = LazyLock::new(|| {
    let assets = [&*html::REPORT, &*LIVE, &*HISTORY];
    format!("{}; frame-ancestors 'none'", html::policy(&assets, "'self'"))
});

/// The page to watch a run on; with a form to start one, where something is on offer.
pub(super) fn live(key: &Secret, offers: Option<&Offers>) -> Result<String, Problem> {
    let values = context! {
        key => key.reveal(),
        can_start => offers.is_some(),
        offers => Value::from(Serde(offers)),
        // `<` inside a data block could end it.
        data => serde_json::to_string(&offers).unwrap_or_default().replace('<', "\\u003c"),
    };
    rendered("live.html", values, &LIVE)
}

/// What is in the store.
pub(super) fn history(entries: &[Entry]) -> Result<String, Problem> {
    let mut scenarios: Vec<&str> = entries.iter().map(|entry| entry.scenario.as_str()).collect();
    scenarios.sort_unstable();
    scenarios.dedup();
    // Runs that can be compared: also those within experiments.
    let runnable: Vec<&Entry> = entries
        .iter()
        .flat_map(|entry| if entry.runs.is_empty() { vec![entry] } else { entry.runs.iter().collect() })
        .collect();
    let values = context! { runnable => Value::from(Serde(&runnable)), entries => Value::from(Serde(entries)), scenarios => Value::from(Serde(&scenarios)) };
    rendered("history.html", values, &HISTORY)
}

/// A page that says only why there is no other.
pub(super) fn problem(problem: &Problem) -> Result<String, Problem> {
    rendered("problem.html", context! { text => problem.to_string() }, &HISTORY)
}

fn rendered(template: &str, values: Value, assets: &Assets) -> Result<String, Problem> {
    let values = context! { tool_version => env!("CARGO_PKG_VERSION"), ..values };
    html::page(template, values, assets).map_err(|error| Problem::Failed(error.to_string()))
}
