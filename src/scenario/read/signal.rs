//! `[[signals]]`: places that are read, and the signals found there.

use std::time::Duration;

use super::{Settings, base_url};
use crate::scenario::fields::Fields;
use crate::scenario::signal::{PrometheusSignal, Selector, SignalSource};

pub(in crate::scenario) fn read(file: &mut Fields<'_>, settings: &Settings<'_>) -> Vec<SignalSource> {
    file.tables("signals").into_iter().filter_map(|table| source(table, settings)).collect()
}

fn source(mut table: Fields<'_>, settings: &Settings<'_>) -> Option<SignalSource> {
    table.require("prometheus");
    let url = table.text("prometheus").map(|l| base_url(&l, settings, table.problems));
    let every = table.duration("every").unwrap_or(Duration::from_millis(500));
    table.require("signal");
    let signals = table.tables("signal").into_iter().filter_map(signal).collect();
    table.finish();
    Some(SignalSource::Prometheus { url: url?, every, signals })
}

/// `{ name = "backlog", metric = 'name{label="value"}', unit = "messages", total = false }`.
fn signal(mut table: Fields<'_>) -> Option<PrometheusSignal> {
    let name = table.required_text("name");
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
