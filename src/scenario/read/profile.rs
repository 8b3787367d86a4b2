//! `[profile.NAME]`: configurations of the system under test, and `[drain]`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Settings, base_url, is_http};
use crate::claim::Expression;
use crate::scenario::fields::{Fields, Located};
use crate::scenario::profile::{Drain, Profile, Ready, ResetRequest, Service};
use crate::scenario::signal::SignalSource;

/// `conditions`: extended by the texts of `must_hold`, to be checked when all names are known.
pub(in crate::scenario) fn read(
    file: &mut Fields<'_>,
    settings: &Settings,
    conditions: &mut Vec<Located<String>>,
) -> Vec<(String, Profile)> {
    let Some(table) = file.table("profile") else { return Vec::new() };
    table
        .entries()
        .into_iter()
        .filter_map(|(name, value)| {
            let fields = Fields::of(value, table.file(), "a profile", table.problems)?;
            Some((name.value.clone(), profile(name.value, fields, settings, conditions)))
        })
        .collect()
}

fn profile(
    name: String,
    mut table: Fields<'_>,
    settings: &Settings,
    conditions: &mut Vec<Located<String>>,
) -> Profile {
    let why = table.text("why").map_or(String::new(), |l| l.value);
    let base_url = table.text("base_url").map(|l| base_url(&l, settings, table.problems));
    // Its signals are called after a service, and loadproof's own after loadproof.
    let mut taken = BTreeSet::from(["loadproof".to_owned()]);
    let services =
        table.tables("service").into_iter().filter_map(|t| service(t, settings, &mut taken)).collect();
    let reset = table.texts("reset").iter().filter_map(|line| reset(&table, line, settings)).collect();
    let held = table.texts("must_hold");
    let must_hold = held.iter().map(|l| Expression::new(l.value.trim())).collect();
    conditions.extend(held);
    let patches = super::patch::read(&mut table, settings);
    let hooks = super::hook::read(&mut table, settings);
    table.finish();
    Profile { name, why, base_url, services, patches, hooks, reset, must_hold }
}

fn service(mut table: Fields<'_>, settings: &Settings, taken: &mut BTreeSet<String>) -> Option<Service> {
    let problems = table.problems;
    let name = table.required_text("name");
    if let Some(name) = &name
        && !taken.insert(name.value.clone())
    {
        problems.add(
            &name.place,
            format!("a service cannot be called `{}`", name.value),
            "this name is taken",
        );
    }
    let program = super::program::read(&mut table, "command", settings);
    table.require("ready");
    let ready = table.text("ready").and_then(|l| ready(&table, &l, settings));
    let ready_within = table.duration("ready_within").unwrap_or(Duration::from_secs(30));
    let stop_within = table.duration("stop_within").unwrap_or(Duration::from_secs(10));
    table.finish();
    let (name, ready) = (name?.value, ready?);
    Some(Service { name, program: program?, ready, ready_within, stop_within })
}

/// `ready = "http://127.0.0.1:8000/health"` or `ready = "tcp://127.0.0.1:8000"`.
fn ready(table: &Fields<'_>, text: &Located<String>, settings: &Settings) -> Option<Ready> {
    let address = settings.fill(text, table.problems);
    if is_http(&address) {
        return Some(Ready::Http(address));
    }
    match address.strip_prefix("tcp://") {
        Some(tcp) if tcp.contains(':') => Some(Ready::Tcp(tcp.to_owned())),
        _ => {
            let title = format!("`{address}` is not a valid readiness address");
            table.problems.add(&text.place, title, "expected `http://…` or `tcp://host:port`");
            None
        }
    }
}

/// `reset = "POST /admin/reset"`, or a list of such.
fn reset(table: &Fields<'_>, line: &Located<String>, settings: &Settings) -> Option<ResetRequest> {
    let text = settings.fill(line, table.problems);
    match text.split_once(' ') {
        Some((method, url)) if url.starts_with('/') || is_http(url) => {
            Some(ResetRequest { method: method.to_owned(), url: url.to_owned() })
        }
        _ => {
            let title = format!("`{text}` is not a request");
            table.problems.add(&line.place, title, "expected `\"POST /path\"`");
            None
        }
    }
}

pub(in crate::scenario) fn read_drain(file: &mut Fields<'_>, signals: &[SignalSource]) -> Option<Drain> {
    let mut table = file.table("drain")?;
    table.require("until_zero");
    let known: Vec<&str> = signals.iter().flat_map(SignalSource::names).collect();
    let names = table.texts("until_zero");
    for name in names.iter().filter(|name| !known.contains(&name.value.as_str())) {
        table.problems.add_unknown(&name.place, "signal", &name.value, &known);
    }
    let within = table.duration("within").unwrap_or(Duration::from_secs(120));
    table.finish();
    Some(Drain { until_zero: names.into_iter().map(|l| l.value).collect(), within })
}
