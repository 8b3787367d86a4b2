//! `[profile.NAME]`: configurations of the system under test, and `[drain]`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::claim::{Known, condition};
use super::{Settings, base_url, is_http};
use crate::claim::Expression;
use crate::scenario::fields::{Fields, Item, Located};
use crate::scenario::hook::{Hook, Moment};
use crate::scenario::load::Load;
use crate::scenario::problem::Problems;
use crate::scenario::profile::{Condition, Drain, Profile, Ready, Reset, Service};
use crate::scenario::signal::SignalSource;

/// The keys of which a service's `ready` has exactly one, if it is no address.
const READY: [&str; 3] = ["command", "log", "up_for"];
/// How long a command may take that resets the system, if it does not say: it may have to empty large tables.
const RESET_WITHIN: Duration = Duration::from_secs(120);

/// What profiles say of loads and of what is measured: checked when all names are known.
#[derive(Default)]
pub(in crate::scenario) struct Held {
    conditions: Vec<Located<String>>,
    loads: Vec<Located<String>>,
}

impl Held {
    /// Notes what is wrong with it.
    pub(in crate::scenario) fn check(
        &self,
        known: &Known<'_>,
        loads: &BTreeMap<String, Load>,
        problems: &Problems,
    ) {
        for text in &self.conditions {
            condition(text, known, problems);
        }
        let names: Vec<&str> = loads.keys().map(String::as_str).collect();
        for name in self.loads.iter().filter(|name| !loads.contains_key(&name.value)) {
            problems.add_unknown(&name.place, "load", &name.value, &names);
        }
    }
}

/// `held`: extended by what `must_hold` says.
pub(in crate::scenario) fn read(
    file: &mut Fields<'_>,
    settings: &Settings,
    held: &mut Held,
) -> Vec<(String, Profile)> {
    let Some(table) = file.table("profile") else { return Vec::new() };
    table
        .entries()
        .into_iter()
        .filter_map(|(name, value)| {
            let fields = Fields::of(value, table.file(), "a profile", table.problems)?;
            Some((name.value.clone(), profile(name.value, fields, settings, held)))
        })
        .collect()
}

fn profile(name: String, mut table: Fields<'_>, settings: &Settings, held: &mut Held) -> Profile {
    // What it extends is part of it by now.
    table.text("extend");
    let vars = table.table("vars");
    let settings = &settings.of_profile(vars.as_ref(), table.problems);
    let why = table.text("why").map_or(String::new(), |l| l.value);
    let base_url = table.text("base_url").map(|l| base_url(&l, settings, table.problems));
    let environment = super::program::environment(&mut table, "environment", settings);
    // Its signals are called after a service, and loadproof's own after loadproof.
    let mut taken = BTreeSet::from(["loadproof".to_owned()]);
    let services = table.tables("service").into_iter();
    let mut services: Vec<Service> = services.filter_map(|t| service(t, settings, &mut taken)).collect();
    for service in &mut services {
        let own = std::mem::replace(&mut service.program.env, environment.clone());
        service.program.env.extend(own);
    }
    let resets = table.choices("reset").into_iter();
    let reset = resets.filter_map(|step| reset(&table, &step, settings)).collect();
    let conditions = table.choices("must_hold").into_iter();
    let must_hold = conditions.filter_map(|item| must_hold(&table, &item, held)).collect();
    let patches = super::patch::read(&mut table, settings);
    let hooks = super::hook::read(&mut table, settings);
    table.finish();
    Profile { name, why, base_url, services, patches, hooks, reset, must_hold, levels: Vec::new() }
}

/// `"run.ok > 0"`, or `{ when = "run.ok > 0", loads = ["smoke"] }`.
fn must_hold(profile: &Fields<'_>, item: &Item<'_>, held: &mut Held) -> Option<Condition> {
    let (when, loads) = match item.text() {
        Some(when) => (when, Vec::new()),
        None => {
            let mut table =
                Fields::of(item.value, item.place.file, "a condition of `must_hold`", profile.problems)?;
            let when = table.required_text("when");
            let loads = table.texts("loads");
            table.finish();
            (when?, loads)
        }
    };
    let condition = Condition {
        when: Expression::new(when.value.trim()),
        loads: loads.iter().map(|name| name.value.clone()).collect(),
    };
    held.conditions.push(when);
    held.loads.extend(loads);
    Some(condition)
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
    let arguments = table.texts("arguments");
    let arguments = arguments.iter().map(|argument| settings.fill(argument, problems));
    let program = program.map(|mut program| {
        program.command.extend(arguments);
        program
    });
    table.require("ready");
    let ready = table.value("ready").and_then(|item| ready(&table, &item, settings));
    let ready_within = table.duration("ready_within").unwrap_or(Duration::from_secs(30));
    if let Some(Ready::UpFor(time)) = &ready
        && *time > ready_within
    {
        let label = "longer than `ready_within`: would never be ready";
        problems.add(&table.key_place("ready"), "`up_for` is too long", label);
    }
    let stop_within = table.duration("stop_within").unwrap_or(Duration::from_secs(10));
    super::refuse_removal(&mut table, "service");
    table.finish();
    let (name, ready) = (name?.value, ready?);
    Some(Service { name, program: program?, ready, ready_within, stop_within })
}

/// `ready = "http://127.0.0.1:8000/health"`, `ready = "tcp://127.0.0.1:8000"`, or a table with one of `command`, `log` and
/// `up_for`.
fn ready(service: &Fields<'_>, item: &Item<'_>, settings: &Settings) -> Option<Ready> {
    if let Some(text) = item.text() {
        return answering(service, &text, settings);
    }
    let mut table = Fields::of(item.value, item.place.file, "ready", service.problems)?;
    let given: Vec<&str> = READY.into_iter().filter(|key| table.has(key)).collect();
    let command =
        if table.has("command") { super::program::read(&mut table, "command", settings) } else { None };
    let log = table.text("log");
    let up_for = table.duration("up_for");
    let [_] = given[..] else {
        let title = format!("a service is ready by exactly one of `{}`", READY.join("`, `"));
        table.problems.add(&item.place, title, "in this service");
        table.know(&["env", "working_directory"]);
        table.finish();
        return None;
    };
    if let Some(log) = &log
        && let Err(error) = regex::Regex::new(&log.value)
    {
        table.problems.add(&log.place, "not a valid regular expression", error.to_string());
    }
    table.finish();
    command.map(Ready::Command).or(log.map(|log| Ready::Log(log.value))).or(up_for.map(Ready::UpFor))
}

fn answering(table: &Fields<'_>, text: &Located<String>, settings: &Settings) -> Option<Ready> {
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

/// `"POST /admin/reset"`, or `{ command = ["./reset"], within = "30s" }`.
fn reset(profile: &Fields<'_>, item: &Item<'_>, settings: &Settings) -> Option<Reset> {
    if let Some(line) = item.text() {
        return request(profile, &line, settings);
    }
    let mut table = Fields::of(item.value, item.place.file, "reset", profile.problems)?;
    let program = super::program::read(&mut table, "command", settings);
    let within = Some(table.duration("within").unwrap_or(RESET_WITHIN));
    table.finish();
    let name = "reset".to_owned();
    Some(Reset::Command(Hook { name, program: program?, moment: Moment::Before, within, may_fail: false }))
}

fn request(table: &Fields<'_>, line: &Located<String>, settings: &Settings) -> Option<Reset> {
    let text = settings.fill(line, table.problems);
    match text.split_once(' ') {
        Some((method, url)) if url.starts_with('/') || is_http(url) => {
            Some(Reset::Request { method: method.to_owned(), url: url.to_owned() })
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
