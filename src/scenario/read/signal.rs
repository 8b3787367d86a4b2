//! `[[signals]]`: places that are read, and the signals found there.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Settings, base_url};
use crate::scenario::fields::{Fields, Located};
use crate::scenario::signal::{PrometheusSignal, Selector, SignalSource};

/// `taken`: the names of the signals that were read before; extended by these.
pub(in crate::scenario) fn read(
    file: &mut Fields<'_>,
    settings: &Settings,
    taken: &mut BTreeSet<String>,
) -> Vec<SignalSource> {
    file.tables("signals").into_iter().filter_map(|table| source(table, settings, taken)).collect()
}

fn source(mut table: Fields<'_>, settings: &Settings, taken: &mut BTreeSet<String>) -> Option<SignalSource> {
    table.require("prometheus");
    let url = table.text("prometheus").map(|l| base_url(&l, settings, table.problems));
    let every = table.duration("every").unwrap_or(Duration::from_millis(500));
    table.require("signal");
    let signals = table.tables("signal").into_iter().filter_map(|t| signal(t, taken)).collect();
    table.finish();
    Some(SignalSource::Prometheus { url: url?, every, signals })
}

/// Notes a name that another signal has, or that a process's signals will have.
fn check_name(table: &Fields<'_>, name: &Located<String>, taken: &mut BTreeSet<String>) {
    if !taken.insert(name.value.clone()) {
        let title = format!("signal `{}` exists already", name.value);
        table.problems.add(&name.place, title, "a second one");
    }
    if [" cpu", " memory", " waiting"].iter().any(|end| name.value.ends_with(end)) {
        let title = format!("signal `{}` would be taken for a process's", name.value);
        table.problems.add(&name.place, title, "names ending so are those of processes");
    }
}

/// `{ name = "backlog", metric = 'name{label="value"}', unit = "messages", total = false }`.
fn signal(mut table: Fields<'_>, taken: &mut BTreeSet<String>) -> Option<PrometheusSignal> {
    let name = table.required_text("name");
    if let Some(name) = &name {
        check_name(&table, name, taken);
    }
    let unit = table.text("unit").map_or(String::new(), |l| l.value);
    let is_total = table.flag("total").unwrap_or(false);
    let selector = table.required_text("metric").and_then(|metric| {
        metric
            .value
            .parse::<Selector>()
            .map_err(|e| table.problems.add(&metric.place, "this is not a selector", e.to_string()))
            .ok()
    });
    table.finish();
    Some(PrometheusSignal { name: name?.value, unit, is_total, selector: selector? })
}
