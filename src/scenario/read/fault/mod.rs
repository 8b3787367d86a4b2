//! `[[fault]]` and `[[proxy]]`: what is done to the system during a run on purpose, and the proxies through which its
//! connections go for it.

mod check;

use std::net::SocketAddr;
use std::time::Duration;

pub(in crate::scenario) use check::{Surroundings, checked};

use super::Settings;
use crate::scenario::fault::{CommandFault, Fault, FaultAction, FaultStart, Proxy, ProxyFault, ServiceFault};
use crate::scenario::fields::{Fields, Located};
use crate::scenario::problem::Place;

/// How long a command, or what undoes it, may take if it does not say.
const WITHIN: Duration = Duration::from_secs(30);
/// By how much a proxy may delay: longer ones are mistyped.
const LONGEST_DELAY: Duration = Duration::from_secs(3600);
/// Keys of which each kind of fault has its own.
const OF_KINDS: [&str; 11] = [
    "service",
    "proxy",
    "delay",
    "jitter",
    "bandwidth",
    "run",
    "undo",
    "within",
    "env",
    "working_directory",
    "for",
];

/// A fault as it is written, with the places of what is checked when everything else is read.
pub(in crate::scenario) struct Written {
    pub(super) fault: Fault,
    pub(super) name: Place,
    pub(super) at: Place,
    /// Where the name of its service or proxy stands.
    pub(super) target: Option<Place>,
    pub(super) loads: Vec<Located<String>>,
    pub(super) profiles: Vec<Located<String>>,
}

/// The faults of a file.
pub(in crate::scenario) fn read(file: &mut Fields<'_>, settings: &Settings) -> Vec<Written> {
    file.tables("fault").into_iter().filter_map(|table| fault(table, settings)).collect()
}

/// The proxies of a file, behind those that are known from files before it.
pub(in crate::scenario) fn read_proxies(file: &mut Fields<'_>, settings: &Settings, known: &mut Vec<Proxy>) {
    for table in file.tables("proxy") {
        known.extend(proxy(table, settings, known));
    }
}

fn proxy(mut table: Fields<'_>, settings: &Settings, known: &[Proxy]) -> Option<Proxy> {
    let problems = table.problems;
    let name = table.required_text("name");
    let listen = table.required_text("listen").and_then(|text| {
        let address: Option<SocketAddr> = settings.fill(&text, problems).parse().ok();
        let address = address.filter(|address| address.port() != 0);
        if address.is_none() {
            let title = format!("`{}` is not an address to listen at", text.value);
            problems.add(&text.place, title, "expected e.g. `127.0.0.1:9101`");
        }
        Some((address?, text.place))
    });
    let to = table.required_text("to").and_then(|text| {
        let address = settings.fill(&text, problems);
        let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        if port.and_then(|(_, port)| port.parse::<u16>().ok()).is_none_or(|port| port == 0) {
            let title = format!("`{address}` is not an address to connect to");
            problems.add(&text.place, title, "expected `host:port`");
            return None;
        }
        Some(address)
    });
    table.finish();
    let (name, (listen, place), to) = (name?, listen?, to?);
    if known.iter().any(|other| other.name == name.value) {
        problems.add(&name.place, format!("there are two proxies `{}`", name.value), "this name is taken");
    }
    if known.iter().any(|other| other.listen == listen) {
        problems.add(&place, format!("two proxies listen at `{listen}`"), "this address is taken");
    }
    if to == listen.to_string() {
        problems.add(&place, format!("proxy `{}` leads to itself", name.value), "the same address as `to`");
    }
    Some(Proxy { name: name.value, listen, to })
}

fn fault(mut table: Fields<'_>, settings: &Settings) -> Option<Written> {
    let problems = table.problems;
    let name = table.required_text("name");
    if let Some(name) = &name {
        super::stages::check_name(name, "a fault", problems);
    }
    table.require("at");
    let at = table.duration("at");
    let at_place = table.key_place("at");
    let is_of_drain = from_drain(&mut table);
    let kind = kind(&mut table);
    let action = kind.and_then(|kind| action(&mut table, &kind.value, settings));
    if action.is_none() {
        // What belongs to a kind that cannot be read is no mistake of its own.
        table.know(&OF_KINDS);
    }
    let lasts = table.time("for");
    if let Some((action, _)) = &action {
        check_length(&table, action, lasts.is_some());
    }
    let loads = table.texts("loads");
    let profiles = table.texts("profiles");
    table.finish();
    let (name, at, (action, target)) = (name?, at?, action?);
    let start = if is_of_drain { FaultStart::Drain(at) } else { FaultStart::Load(at) };
    let values = |of: &[Located<String>]| of.iter().map(|l| l.value.clone()).collect();
    let fault =
        Fault { name: name.value, start, lasts, action, loads: values(&loads), profiles: values(&profiles) };
    Some(Written { fault, name: name.place, at: at_place, target, loads, profiles })
}

/// `from = "start"` or `"drain"`.
fn from_drain(table: &mut Fields<'_>) -> bool {
    let Some(text) = table.text("from") else { return false };
    if !["start", "drain"].contains(&text.value.as_str()) {
        table.problems.add_unknown(&text.place, "start of a fault", &text.value, &["start", "drain"]);
    }
    text.value == "drain"
}

fn kind(table: &mut Fields<'_>) -> Option<Located<String>> {
    let kind = table.required_text("kind")?;
    let of_services = ServiceFault::ALL.iter().map(|(word, _)| *word);
    let known: Vec<&str> = of_services.chain(Fault::OF_PROXY).chain([Fault::COMMAND]).collect();
    if known.contains(&kind.value.as_str()) {
        return Some(kind);
    }
    table.problems.add_unknown(&kind.place, "kind of fault", &kind.value, &known);
    None
}

/// What a fault of a kind does, and where the name of what it does it to stands.
fn action(table: &mut Fields<'_>, kind: &str, settings: &Settings) -> Option<(FaultAction, Option<Place>)> {
    if let Some((_, fault)) = ServiceFault::ALL.into_iter().find(|(word, _)| *word == kind) {
        let service = table.required_text("service")?;
        return Some((FaultAction::Service(fault, service.value), Some(service.place)));
    }
    if kind == Fault::COMMAND {
        let run = super::program::read(table, "run", settings);
        let has_undo = table.has("undo");
        let undo = if has_undo { super::program::read(table, "undo", settings) } else { None };
        let within = table.time("within").unwrap_or(WITHIN);
        if has_undo && undo.is_none() {
            return None;
        }
        return Some((FaultAction::Command(Box::new(CommandFault { run: run?, undo, within })), None));
    }
    let proxy = table.required_text("proxy");
    let fault = match kind {
        "delay" => {
            table.require("delay");
            let delay = table.time("delay");
            let jitter = table.duration("jitter").unwrap_or_default();
            if delay.is_some_and(|delay| jitter > delay) {
                let place = table.key_place("jitter");
                table.problems.add(
                    &place,
                    "`jitter` is longer than `delay`",
                    "the delay would be negative: use a `jitter` of at most `delay`",
                );
            }
            if delay.is_some_and(|delay| delay > LONGEST_DELAY) {
                let hint = "to block all bytes, use `kind = \"blackhole\"`";
                table.problems.add(&table.key_place("delay"), "`delay` is longer than an hour", hint);
            }
            Some(ProxyFault::Delay { delay: delay.unwrap_or_default(), jitter }).filter(|_| delay.is_some())
        }
        "bandwidth" => {
            table.require("bandwidth");
            let bytes = table.size("bandwidth");
            if bytes == Some(0) {
                let place = table.key_place("bandwidth");
                table.problems.add(&place, "`bandwidth` of 0", "for that there is `kind = \"blackhole\"`");
            }
            bytes.map(ProxyFault::Bandwidth)
        }
        "reset" => Some(ProxyFault::Reset),
        "blackhole" => Some(ProxyFault::Blackhole),
        _ => Some(ProxyFault::Cut),
    };
    let proxy = proxy?;
    Some((FaultAction::Proxy(fault?, proxy.value), Some(proxy.place)))
}

/// Whether a fault of its kind may, or has to, say how long it lasts.
fn check_length(table: &Fields<'_>, action: &FaultAction, is_given: bool) {
    let problems = table.problems;
    match action {
        FaultAction::Service(ServiceFault::Restart, _) if table.has("for") => problems.add(
            &table.key_place("for"),
            "a restart lasts as long as it takes",
            "leave it out, or say `kind = \"stop\"`",
        ),
        FaultAction::Service(ServiceFault::Pause, _) if !is_given => table.require("for"),
        FaultAction::Command(command) if table.has("for") && command.undo.is_none() => problems.add(
            &table.key_place("for"),
            "a command without `undo` cannot have a duration",
            "add `undo`, or remove `for`",
        ),
        _ => {}
    }
}
