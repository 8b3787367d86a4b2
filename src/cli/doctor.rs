//! `loadproof doctor`: whether this machine can make load that is worth something.

use std::path::Path;

use anyhow::Result;

use super::exit::Exit;
use super::output;
use super::quiet::Watch;
use crate::unit;

/// Files that a few thousand connections need.
const ENOUGH_FILES: u64 = 4096;
/// Ports that a client side needs for as many.
const ENOUGH_PORTS: u32 = 10_000;

/// What was looked at, and what to do about it if it is not as it should be.
struct Finding {
    what: &'static str,
    seen: String,
    advice: Option<String>,
}

pub(super) fn doctor(store: &Path) -> Result<Exit> {
    let findings =
        [cores(), Some(files()), ports(), governor(), Some(others()), Some(waiting()), Some(writable(store))];
    let (green, yellow) = (anstyle::AnsiColor::Green.on_default(), anstyle::AnsiColor::Yellow.on_default());
    let lines = findings.into_iter().flatten().map(|finding| {
        let (style, word) = if finding.advice.is_none() { (green, "fine") } else { (yellow, "WARN") };
        let advice = finding.advice.map_or(String::new(), |advice| format!("\n        {advice}"));
        format!("  {style}{word}{style:#}  {}: {}{advice}", finding.what, finding.seen)
    });
    output::result(&lines.collect::<Vec<_>>().join("\n"))?;
    Ok(Exit::Done)
}

fn cores() -> Option<Finding> {
    let cores = std::thread::available_parallelism().ok()?.get();
    let advice =
        (cores < 2).then(|| "load and everything else share one core: results will be affected".to_owned());
    Some(Finding { what: "cores", seen: cores.to_string(), advice })
}

fn files() -> Finding {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let seen = limit.map_or("unlimited".to_owned(), unit::count);
    let advice = limit.filter(|files| *files < ENOUGH_FILES).map(|_| {
        format!(
            "each connection needs a file descriptor: raise the limit for thousands of users (ulimit -n {})",
            ENOUGH_FILES * 4
        )
    });
    Finding { what: "open files", seen, advice }
}

/// The range of ports for connections to one address, on Linux.
fn ports() -> Option<Finding> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = text.split_whitespace().filter_map(|end| end.parse::<u32>().ok());
    let (low, high) = (ends.next()?, ends.next()?);
    let count = high.saturating_sub(low) + 1;
    let advice = (count < ENOUGH_PORTS).then(|| {
        "connections to one address may run out of ports: widen net.ipv4.ip_local_port_range".to_owned()
    });
    Some(Finding { what: "ports", seen: format!("{low} to {high}"), advice })
}

/// The rule by which the first core's clock is set, on Linux.
fn governor() -> Option<Finding> {
    let path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    let governor = std::fs::read_to_string(path).ok()?.trim().to_owned();
    let advice = (governor != "performance").then(|| {
        "the CPU frequency depends on the load: set the governor to `performance` for comparisons".to_owned()
    });
    Some(Finding { what: "CPU governor", seen: governor, advice })
}

/// Whether others leave the cores to those who make load.
fn others() -> Finding {
    let watch = Watch::now();
    Finding { what: "other processes", seen: watch.seen(), advice: watch.advice() }
}

/// Whether the kernel reports how long threads wait for a core.
fn waiting() -> Finding {
    let is_told = std::fs::read_to_string("/proc/self/schedstat").is_ok();
    let advice = (!is_told).then(|| "a starved generator is harder to detect without it".to_owned());
    let seen = if is_told {
        "the kernel reports how long threads wait for a core"
    } else {
        "the kernel has no schedstat"
    };
    Finding { what: "scheduler", seen: seen.to_owned(), advice }
}

fn writable(store: &Path) -> Finding {
    let folder = store.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let existing = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let probe = tempfile(existing);
    let advice = probe.as_ref().err().map(|error| format!("{error}: name another place with --store"));
    let seen = format!("results go to {}", store.display());
    Finding { what: "store", seen, advice }
}

/// Makes and removes a file there.
fn tempfile(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".loadproof-doctor-{}", std::process::id()));
    std::fs::write(&path, b"")?;
    std::fs::remove_file(path)
}
