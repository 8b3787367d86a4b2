//! What a run's machine, tool and system were: facts that explain its metrics.

use std::collections::BTreeMap;
use std::process::Command;

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use super::setting::Setting;
use crate::load::{Pacing, priority};
use crate::plan::PlannedRun;
use crate::redact;
use crate::run::machine::VARIABLE;
use crate::run::{FACTOR, REPLAYED, STATED_LOAD};
use crate::scenario::profile::Profile;

/// The facts, by name. Values of environment variables are never among them: they may be secrets.
pub(super) fn facts(setting: &Setting, profile: &Profile, planned: &PlannedRun) -> BTreeMap<String, String> {
    let (scenario, workers) = (&setting.scenario, setting.workers);
    let kinds = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(kinds).ok();
    let mut facts = BTreeMap::from([
        ("target".to_owned(), crate::web::shown(&planned.base_url)),
        ("loadproof".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("load workers".to_owned(), workers.to_string()),
        ("load threads".to_owned(), priority::text(workers)),
    ]);
    facts.extend(planned.load.replayed().map(|replayed| (REPLAYED.to_owned(), replayed)));
    let of_file = scenario.load(&planned.load_name).ok().filter(|of_file| **of_file != planned.stated_load);
    facts.extend(of_file.map(|of_file| (STATED_LOAD.to_owned(), of_file.text())));
    let variables = scenario.workload_variables.iter();
    facts.extend(variables.map(|(name, value)| (format!("{VARIABLE}{name}"), value.clone())));
    let mut push = |name: &str, value: Option<String>| {
        facts.extend(value.filter(|v| !v.is_empty()).map(|v| (name.to_owned(), v)));
    };
    push("pacing", (setting.pacing == Pacing::Spin).then(|| "busy wait".to_owned()));
    push("operating system", System::long_os_version().ok());
    push("kernel", System::kernel_version().ok());
    let processor = system.as_ref().and_then(|s| s.cpus().first());
    push("processor", processor.map(|cpu| cpu.brand().trim().to_owned()));
    push("memory", system.as_ref().map(|s| format!("{} MiB", s.total_memory() / (1024 * 1024))));
    push("cores", std::thread::available_parallelism().ok().map(|n| n.to_string()));
    push("git commit", git_commit());
    push("certificates", scenario.tls.insecure.then(|| "not verified".to_owned()));
    push("proxy", scenario.network.proxy.as_ref().map(|proxy| proxy.url.clone()));
    push("unix socket", scenario.network.unix_socket.as_ref().map(|path| path.display().to_string()));
    for (factor, level) in &profile.levels {
        push(&format!("{FACTOR}{factor}"), Some(level.clone()));
    }
    for service in &profile.services {
        push(&format!("service {}", service.name), Some(redact::command(&service.program.command.join(" "))));
    }
    facts
}

/// The commit of the working directory in twelve digits, marked `-dirty` if there are changes on top of it; none outside of
/// git.
pub fn git_commit() -> Option<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
