//! `loadproof check`: are these scenario files right?

use std::path::Path;

use anyhow::Result;

use super::arguments::Check;
use super::exit::Exit;
use super::{load_chart, output, world};
use crate::scenario::{Fixed, Scenario, ScenarioError};

pub(super) fn check(command: &Check) -> Result<Exit> {
    let mut wrong = 0;
    let mut summaries = Vec::new();
    for path in &command.files {
        let unfit = if command.fix { fix(path)? } else { None };
        match unfit.map_or_else(|| world::scenario_with(path, &command.vars.vars), Err) {
            Ok(scenario) => {
                for doubt in scenario.doubts() {
                    output::say(&format!("warning: {}: {doubt}", scenario.file));
                }
                if command.json {
                    summaries.push(json(&scenario));
                } else {
                    output::result(&text(&scenario))?;
                    if command.show {
                        for (name, load) in &scenario.loads {
                            output::result(&format!("\n{}", load_chart::text(name, load)))?;
                        }
                    }
                }
            }
            Err(error) => {
                wrong += error.count;
                output::say(&format!("{error}\n"));
            }
        }
    }
    if command.json {
        output::result(&serde_json::to_string_pretty(&summaries)?)?;
    }
    if wrong > 0 {
        output::say(&format!("{wrong} mistake(s) found"));
        return Ok(Exit::BadScenario);
    }
    Ok(Exit::Done)
}

/// Writes new names in place of old ones into a scenario file and its includes, and says which. Gives back
/// why a file cannot be rewritten.
fn fix(path: &Path) -> Result<Option<ScenarioError>> {
    let files = match world::fix(path) {
        Ok(files) => files,
        Err(error) => return Ok(Some(error)),
    };
    for Fixed { path, text, replaced } in files {
        output::file(&path, &text)?;
        let replaced = replaced.iter().map(|(old, new, times)| {
            let times = if *times > 1 { format!(" ({times} times)") } else { String::new() };
            format!("`{old}` is now `{new}`{times}")
        });
        let replaced: Vec<String> = replaced.collect();
        output::say(&format!("rewrote `{}`: {}", path.display(), replaced.join(", ")));
    }
    Ok(None)
}

fn text(scenario: &Scenario) -> String {
    let mut lines = vec![format!("{}: {} is right", scenario.file, scenario.name)];
    let journeys: Vec<&str> = scenario.journeys.iter().map(|j| j.name.as_str()).collect();
    lines.push(format!("  journeys  {}", journeys.join(", ")));
    let users: Vec<&str> = scenario.user_classes.iter().map(|u| u.name.as_str()).collect();
    lines.push(format!("  users     {}", users.join(", ")));
    for (name, load) in &scenario.loads {
        lines.push(format!("  load      {name}: {}", load.text()));
    }
    for (name, profile) in &scenario.profiles {
        let services: Vec<&str> = profile.services.iter().map(|s| s.name.as_str()).collect();
        let services = if services.is_empty() { "a running system".to_owned() } else { services.join(", ") };
        lines.push(format!("  profile   {name}: {services}"));
    }
    for fault in &scenario.faults {
        lines.push(format!("  fault     {}: {}, {}", fault.name, fault.text(), fault.start));
    }
    for claim in &scenario.claims {
        lines.push(format!("  claim     {}: {}", claim.title, claim.formula()));
    }
    lines.join("\n")
}

fn json(scenario: &Scenario) -> serde_json::Value {
    serde_json::json!({
        "schema": "loadproof.check/2",
        "file": scenario.file,
        "name": scenario.name,
        "journeys": scenario.journeys.iter().map(|j| &j.name).collect::<Vec<_>>(),
        "user_classes": scenario.user_classes.iter().map(|u| &u.name).collect::<Vec<_>>(),
        "loads": scenario.loads.keys().collect::<Vec<_>>(),
        "profiles": scenario.profiles.keys().collect::<Vec<_>>(),
        "claims": scenario.claims,
    })
}
