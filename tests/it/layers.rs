//! The one-way rule of ARCHITECTURE.md: a room uses only what stands before it.

use std::path::{Path, PathBuf};

/// The rooms, each with the rooms it may use.
const ROOMS: [(&str, &[&str]); 27] = [
    ("unit", &[]),
    ("web", &[]),
    ("sample", &[]),
    ("checksum", &[]),
    ("trace", &["checksum"]),
    ("bundle", &["checksum"]),
    ("claim", &["unit", "sample"]),
    ("run", &["sample", "claim"]),
    ("scenario", &["unit", "checksum", "sample", "run", "claim"]),
    ("plan", &["unit", "run", "scenario"]),
    ("load", &["unit", "checksum", "trace", "sample", "scenario"]),
    ("system", &["unit", "web", "checksum", "scenario"]),
    ("signals", &["unit", "web", "scenario"]),
    // `load` for the type of a sink, `signals` for that of a reading.
    ("store", &["unit", "checksum", "sample", "run", "claim", "scenario", "load", "signals"]),
    // `load` for the notebook of samples.
    ("import", &["unit", "checksum", "sample", "run", "scenario", "load", "store"]),
    // `scenario` for what endpoints mean, `store` for the types of columns.
    ("stats", &["unit", "sample", "run", "scenario", "store"]),
    ("capacity", &["run", "stats"]),
    ("trend", &["sample", "run", "stats"]),
    ("verdict", &["unit", "sample", "run", "claim", "store", "stats", "capacity"]),
    ("baseline", &["unit", "checksum", "sample", "run", "claim", "store", "stats", "verdict"]),
    ("signoff", &["unit", "run", "verdict"]),
    (
        "report",
        &[
            "unit", "bundle", "trace", "sample", "run", "claim", "stats", "capacity", "trend", "verdict",
            "signoff",
        ],
    ),
    ("export", &["unit", "trace", "sample", "run", "stats", "trend"]),
    // `scenario` and `plan` for what a search for capacity was about.
    (
        "assess",
        &[
            "unit", "checksum", "bundle", "run", "claim", "scenario", "plan", "store", "stats", "capacity",
            "trend", "verdict", "baseline", "signoff", "report", "export",
        ],
    ),
    // `assess` and `verdict` for the looks of experiments, `capacity` for searches.
    (
        "execute",
        &[
            "unit", "web", "sample", "run", "claim", "scenario", "plan", "load", "system", "signals",
            "store", "stats", "capacity", "verdict", "assess",
        ],
    ),
    // `execute` for what a run shows of itself, `report` for what pages have in common, `assess` for pages of what is
    // stored.
    (
        "live",
        &[
            "unit", "checksum", "sample", "run", "scenario", "plan", "stats", "verdict", "report", "export",
            "assess", "execute",
        ],
    ),
    // It handles no measured runs and makes no load: no `stats`, `load`, `system` or `signals`. `bundle` for a key's
    // fingerprint.
    (
        "cli",
        &[
            "unit", "web", "bundle", "sample", "run", "scenario", "plan", "store", "import", "capacity",
            "trend", "verdict", "baseline", "signoff", "report", "export", "assess", "execute", "live",
        ],
    ),
];

/// Outside crates that have one home.
const HOMES: [(&str, &[&str]); 18] = [
    ("ring", &["src/bundle/signature.rs"]),
    ("async_nats", &["src/load/event/"]),
    ("rdkafka", &["src/load/event/"]),
    ("redis", &["src/signals/source/", "src/load/event/"]),
    ("rusqlite", &["src/store/", "src/signals/source/sqlite.rs"]),
    ("polars", &["src/stats/frame.rs"]),
    ("hdrhistogram", &["src/stats/histogram.rs"]),
    ("statrs", &["src/stats/distribution.rs"]),
    ("plotters", &["src/report/chart/"]),
    ("hyper", &["src/load/"]),
    ("toml", &["src/scenario/", "src/signoff/rules.rs"]),
    ("axum", &["src/live/"]),
    ("clap", &["src/cli/"]),
    ("anyhow", &["src/cli/"]),
    ("toml_edit", &["src/system/patch/"]),
    ("tokio_postgres", &["src/signals/source/postgres.rs"]),
    ("parquet", &["src/export/parquet.rs"]),
    ("quick_xml", &["src/report/junit.rs"]),
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
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
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

#[test]
fn outside_crates_have_one_home() {
    let mut wrong = Vec::new();
    for (path, text) in product() {
        for (name, homes) in HOMES {
            let uses = text.contains(&format!("use {name}::")) || text.contains(&format!(" {name}::"));
            if uses && !homes.iter().any(|home| path.starts_with(home)) {
                wrong.push(format!("{path} uses {name}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
