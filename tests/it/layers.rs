//! The one-way rule of ARCHITECTURE.md: a room uses only what stands before it, and no files of a room
//! use each other in a circle.

mod circles;
mod paths;
mod tokens;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use self::circles::Crate;

/// The rooms, each with the rooms it may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("unit", &[]),
    ("utc", &[]),
    ("web", &[]),
    ("redact", &[]),
    ("printable", &[]),
    ("bounded", &["unit"]),
    ("checksum", &[]),
    ("trace", &["checksum"]),
    ("bundle", &["checksum"]),
    ("sample", &["unit"]),
    ("reading", &[]),
    ("claim", &["unit", "sample"]),
    ("run", &["sample", "reading", "claim"]),
    ("scenario", &["unit", "web", "redact", "checksum", "sample", "run", "claim"]),
    ("draft", &["utc", "redact"]),
    ("plan", &["unit", "web", "run", "scenario"]),
    ("load", &["unit", "web", "redact", "checksum", "trace", "sample", "reading", "scenario"]),
    ("system", &["unit", "web", "bounded", "checksum", "scenario"]),
    ("signals", &["unit", "web", "redact", "bounded", "reading", "scenario"]),
    ("store", &["utc", "unit", "checksum", "sample", "reading", "run", "claim"]),
    (
        "import",
        &["utc", "unit", "web", "redact", "bounded", "checksum", "sample", "run", "scenario", "store"],
    ),
    ("stats", &[]),
    ("summary", &["unit", "sample", "reading", "run", "stats"]),
    // `claim` for what its goals ask, `unit` for what was seen instead.
    ("capacity", &["unit", "run", "claim", "stats"]),
    ("trend", &["sample", "run", "stats"]),
    ("verdict", &["unit", "sample", "reading", "run", "claim", "stats", "summary", "capacity"]),
    ("baseline", &["checksum", "sample", "reading", "run", "claim", "stats", "verdict"]),
    ("signoff", &["utc", "unit", "run", "verdict"]),
    (
        "report",
        &[
            "checksum",
            "unit",
            "printable",
            "bundle",
            "trace",
            "sample",
            "run",
            "claim",
            "stats",
            "summary",
            "capacity",
            "trend",
            "verdict",
            "signoff",
        ],
    ),
    ("export", &["utc", "unit", "trace", "sample", "run", "stats", "trend"]),
    // `scenario` and `plan` for what a search for capacity was about.
    (
        "assess",
        &[
            "utc", "unit", "bounded", "checksum", "bundle", "run", "claim", "scenario", "plan", "store",
            "summary", "capacity", "trend", "verdict", "baseline", "signoff", "report", "export",
        ],
    ),
    // `assess` and `verdict` for the looks of experiments, `capacity` for searches.
    (
        "execute",
        &[
            "reading", "utc", "unit", "web", "redact", "sample", "run", "claim", "scenario", "plan", "load",
            "system", "signals", "store", "summary", "capacity", "verdict", "assess",
        ],
    ),
    // `web` for metrics that are sent elsewhere, `execute` for what a run shows of itself, `report` for what pages have in common, `assess` for pages of what is
    // stored.
    (
        "live",
        &[
            "utc", "unit", "web", "checksum", "sample", "run", "scenario", "plan", "summary", "verdict",
            "report", "export", "assess", "execute",
        ],
    ),
    // It handles no measured runs and makes no load: no `stats`, `load`, `system` or `signals`. `bundle` for a key's
    // fingerprint, `redact` for what a command line tells of secrets, `printable` for what goes to a terminal.
    (
        "cli",
        &[
            "unit",
            "utc",
            "web",
            "redact",
            "printable",
            "bounded",
            "bundle",
            "sample",
            "run",
            "scenario",
            "draft",
            "plan",
            "store",
            "import",
            "capacity",
            "trend",
            "verdict",
            "baseline",
            "signoff",
            "report",
            "export",
            "assess",
            "execute",
            "live",
        ],
    ),
];

/// Where an outside crate may be used.
struct Home {
    /// Its name in code.
    name: &'static str,
    /// Files and folders; several rooms need a reason.
    at: &'static [&'static str],
    /// Why it is not in one room alone; empty where it is.
    why: &'static str,
}

const fn home(name: &'static str, at: &'static [&'static str], why: &'static str) -> Home {
    Home { name, at, why }
}

/// The home of every dependency of `Cargo.toml`, in its order.
const HOMES: &[Home] = &[
    home(
        "tokio",
        &["src/load/", "src/system/", "src/signals/", "src/execute/", "src/live/", "src/cli/"],
        "whatever waits for the network, for processes or for time, runs on it",
    ),
    home(
        "hyper",
        &["src/load/", "src/live/connections.rs"],
        "requests of the load, and of viewers of the page",
    ),
    home("h2", &["src/load/http2.rs"], ""),
    home("httparse", &["src/load/http1/"], ""),
    home("http_body_util", &["src/load/http2.rs", "src/load/http1/against_hyper.rs"], ""),
    home(
        "hyper_util",
        &["src/load/http2.rs", "src/load/http1/against_hyper.rs", "src/live/connections.rs"],
        "see `hyper`",
    ),
    home(
        "bytes",
        &["src/load/", "src/scenario/"],
        "what a template renders goes out as it is: a body is not copied on the way",
    ),
    home(
        "futures_util",
        &[
            "src/load/",
            "src/system/hook.rs",
            "src/system/fault/",
            "src/signals/collector.rs",
            "src/signals/source/postgres.rs",
            "src/execute/",
            "src/live/",
        ],
        "several things at once, and streams; tokio has neither without a task each",
    ),
    home("tokio_tungstenite", &["src/load/websocket/"], ""),
    home(
        "tokio_rustls",
        &[
            "src/load/tls.rs",
            "src/load/origin.rs",
            "src/load/stream.rs",
            "src/scenario/read/tls.rs",
            "src/bundle/signature.rs",
            "src/execute/session.rs",
        ],
        "https of the load, and whether what `[tls]` names can be used for it; reading PEM for signatures; the process's \
         choice of a TLS provider",
    ),
    home("rustls_native_certs", &["src/load/tls.rs"], ""),
    home("cookie_store", &["src/load/jar.rs"], ""),
    home(
        "url",
        &[
            "src/load/",
            "src/draft/",
            "src/redact.rs",
            "src/scenario/read/address.rs",
            "src/scenario/read/hosts.rs",
            "src/scenario/hosts.rs",
        ],
        "redirects and cookies of the load, addresses of recordings, secrets in URLs, mistakes in URLs where they are \
         written",
    ),
    home("flate2", &["src/load/decode.rs"], ""),
    home("brotli_decompressor", &["src/load/decode.rs"], ""),
    home("ruzstd", &["src/load/decode.rs"], ""),
    home("reqwest", &["src/web.rs"], ""),
    home(
        "rustix",
        &[
            "src/load/timer/timerfd.rs",
            "src/load/priority.rs",
            "src/system/",
            "src/signals/process_table.rs",
            "src/store/mod.rs",
            "src/live/runner.rs",
            "src/live/secret.rs",
            "src/cli/doctor.rs",
        ],
        "system calls without `unsafe`: timers, signals to processes, limits, priorities, random numbers",
    ),
    home("nix", &["src/load/tcp.rs"], ""),
    home("tonic_reflection", &["src/load/reflection.rs"], ""),
    home(
        "prost_reflect",
        &["src/scenario/", "src/load/prepared.rs", "src/load/reflection.rs"],
        "descriptors come from a scenario's files, or from the server once there is one",
    ),
    home("protox", &["src/scenario/read/rpc.rs"], ""),
    home(
        "sysinfo",
        &["src/store/run.rs", "src/store/mod.rs", "src/execute/environment.rs", "src/live/guard.rs"],
        "facts of the machine; its name tells whose process a run is, and which `Host` a page may have",
    ),
    home("redis", &["src/load/event/", "src/signals/source/"], "a broker of events, and a source of signals"),
    home("async_nats", &["src/load/event/"], ""),
    home("rdkafka", &["src/load/event/"], ""),
    home("tokio_postgres", &["src/signals/source/postgres.rs"], ""),
    home(
        "toml_edit",
        &["src/system/patch/", "src/draft/layout.rs"],
        "the system's own files, and the keys and texts of a drafted scenario",
    ),
    home(
        "serde_yaml_ng",
        &["src/system/patch/", "src/draft/"],
        "the system's own files, and descriptions of APIs",
    ),
    home(
        "rusqlite",
        &["src/store/", "src/signals/source/sqlite.rs"],
        "the store, and a source of signals that is another program's file",
    ),
    home("polars", &["src/summary/frame.rs"], ""),
    home("hdrhistogram", &["src/stats/histogram.rs"], ""),
    home("statrs", &["src/stats/distribution.rs"], ""),
    home(
        "toml",
        &["src/scenario/", "src/signoff/rules.rs"],
        "two kinds of files that users write: scenarios and rules of sign-offs",
    ),
    home("toml_parser", &["src/scenario/renamed.rs"], ""),
    home(
        "minijinja",
        &["src/scenario/", "src/claim/expression.rs", "src/load/", "src/report/", "src/live/page.rs"],
        "templates and variables of scenarios, expressions of claims, and pages",
    ),
    home("annotate_snippets", &["src/scenario/problem.rs"], ""),
    home(
        "strsim",
        &["src/scenario/problem.rs", "src/claim/expression.rs"],
        "suggestions for misspelt names; claims stand below scenarios",
    ),
    home("serde_json_path", &["src/scenario/json_path.rs"], ""),
    home(
        "regex",
        &["src/scenario/", "src/draft/", "src/redact.rs", "src/system/ready.rs"],
        "checks and extractions, what drafts find in pages, scripts and logs, the places of secrets in texts, and \
         lines that tell of readiness",
    ),
    home("humantime", &["src/unit.rs"], ""),
    home(
        "rand",
        &["src/scenario/", "src/plan.rs", "src/load/", "src/system/proxy/"],
        "what is drawn: values, the order of the arms, journeys and arrivals, the jitter of proxies",
    ),
    home(
        "rand_pcg",
        &["src/scenario/", "src/plan.rs", "src/load/", "src/system/proxy/"],
        "the one generator of all draws; see `rand`",
    ),
    home(
        "rand_distr",
        &["src/scenario/keys.rs", "src/load/arrivals.rs"],
        "popularity of keys, and gaps between arrivals",
    ),
    home(
        "csv",
        &["src/scenario/read/feeder.rs", "src/scenario/read/replay.rs", "src/import/"],
        "feeders' records, and result files of other tools",
    ),
    home("fake", &["src/scenario/generators.rs"], ""),
    home("plotters", &["src/report/chart/"], ""),
    home("plotters_backend", &["src/report/chart/svg.rs"], ""),
    home("sha2", &["src/checksum.rs"], ""),
    home(
        "base64",
        &[
            "src/report/html.rs",
            "src/scenario/functions.rs",
            "src/load/basic.rs",
            "src/redact.rs",
            "src/draft/har/entry.rs",
            "src/bundle/attestation.rs",
        ],
        "pictures within pages; what templates encode; the name and password of a URL; answers in recordings",
    ),
    home(
        "ring",
        &["src/bundle/signature.rs", "src/scenario/functions.rs"],
        "signatures of bundles; hashes that requests are signed with",
    ),
    home("parquet", &["src/export/"], ""),
    home(
        "encoding_rs",
        &["src/load/charset.rs", "src/import/source.rs"],
        "bodies of answers, and results of other tools",
    ),
    home("encoding_rs_io", &["src/import/source.rs"], ""),
    home(
        "quick_xml",
        &["src/report/junit.rs", "src/import/jmeter_xml.rs"],
        "reports for CI systems, and results of JMeter",
    ),
    home(
        "jiff",
        &[
            "src/utc.rs",
            "src/scenario/generators.rs",
            "src/scenario/functions.rs",
            "src/scenario/read/replay.rs",
            "src/signoff/rules.rs",
        ],
        "moments stand in `utc`; days as values are drawn for test data, and end waivers; templates write the time; \
         recorded starts have times",
    ),
    home("prost", &["src/live/push/"], ""),
    home("snap", &["src/live/push/remote_write.rs"], ""),
    home("axum", &["src/live/"], ""),
    home("clap", &["src/cli/"], ""),
    home("clap_complete", &["src/cli/"], ""),
    home("clap_mangen", &["src/cli/generate.rs"], ""),
    home(
        "serde",
        &["src/"],
        "derived where a value is written to, or read from, a file, a page or the store",
    ),
    home(
        "serde_json",
        &["src/"],
        "JSON is what files, pages, answers and columns of the store have in common: as common as text",
    ),
    home("indicatif", &["src/cli/progress.rs"], ""),
    home("comfy_table", &["src/report/", "src/cli/"], "tables on a terminal: reports, and lists of runs"),
    home("anstream", &["src/cli/"], ""),
    home("anstyle", &["src/report/", "src/cli/doctor.rs"], "colours on a terminal; see `comfy_table`"),
    home("unicode_width", &["src/report/text.rs"], ""),
    home("tempfile", &["src/assess/bundle.rs"], ""),
    home("thiserror", &["src/"], "derived on every error"),
    home("anyhow", &["src/cli/"], ""),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// `(path from the root, text)` of every source file of the product, without its tests.
fn product() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    sources(&root.join("src"), &mut paths);
    paths.retain(|path| !path.ends_with("tests.rs"));
    let tests = regex::Regex::new(r"#\[cfg\(test\)\]\n\s*(pub\S* )?mod \w+ \{").unwrap();
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = tests.split(&text).next().unwrap().to_owned();
            (path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), text)
        })
        .collect()
}

fn room_of(path: &str) -> &str {
    path.trim_start_matches("src/").split(['/', '.']).next().unwrap()
}

#[test]
fn rooms_use_only_what_stands_before_them() {
    let mut wrong = Vec::new();
    for (path, text) in product() {
        let room = room_of(&path).to_owned();
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else { continue };
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for used in code.flat_map(|line| line.split("crate::").skip(1)) {
            let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let is_room = ROOMS.iter().any(|(name, _)| *name == used);
            if is_room && used != room && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{path} uses {used}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_file_belongs_to_a_room() {
    for (path, _) in product() {
        let room = room_of(&path).to_owned();
        let known = ROOMS.iter().any(|(name, _)| *name == room) || ["lib", "main"].contains(&room.as_str());
        assert!(known, "{path}");
    }
}

/// The dependencies of the product, as code calls them.
fn dependencies() -> Vec<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    let section = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let lines = section.take_while(|line| !line.starts_with('['));
    lines
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .map(|line| line.split(['=', '.', ' ']).next().unwrap().replace('-', "_"))
        .collect()
}

#[test]
fn every_dependency_has_a_home_or_a_reason() {
    let with_home: Vec<&str> = HOMES.iter().map(|home| home.name).collect();
    assert_eq!(with_home, dependencies(), "HOMES lists the dependencies of Cargo.toml, in their order");
    for home in HOMES {
        let rooms: BTreeSet<&str> = home.at.iter().map(|at| room_of(at)).collect();
        let is_spread = rooms.len() > 1 || home.at.contains(&"src/");
        assert_eq!(
            is_spread,
            !home.why.is_empty(),
            "{}: several rooms need a reason, one needs none",
            home.name
        );
    }
}

#[test]
fn outside_crates_are_used_at_home_only() {
    let mut wrong = Vec::new();
    let mut lived_in = BTreeSet::new();
    for (path, text) in product() {
        // A file of tests is no part of the product.
        if path.ends_with("/tests.rs") {
            continue;
        }
        let named = paths::named(&tokens::tokens(&text));
        let used = named.crates();
        for home in HOMES.iter().filter(|home| used.contains(home.name)) {
            match home.at.iter().find(|at| path.starts_with(*at)) {
                Some(at) => drop(lived_in.insert((home.name, at))),
                None => wrong.push(format!("{path} uses {}", home.name)),
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let empty: Vec<_> = HOMES
        .iter()
        .flat_map(|home| home.at.iter().map(|at| (home.name, at)))
        .filter(|home| !lived_in.contains(home))
        .collect();
    assert_eq!(empty, [], "nothing uses these here any more");
}

/// `(path below the folder, text)` of every source file in a folder.
fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths = Vec::new();
    sources(&folder, &mut paths);
    let below = |path: &Path| path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (below(path), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    for (name, folder) in [("loadproof", "src"), ("testbed", "testbed/src")] {
        let circles = Crate::new(name, &files(folder)).circles();
        assert!(circles.is_empty(), "{} circles in {folder}: {circles:#?}", circles.len());
    }
}
