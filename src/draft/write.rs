//! A draft as the text of a scenario.

use super::access_log::replay::HIT;
use super::layout::{Item, comment, key};
use super::model::{Body, Draft, Extract, Journey, Pace, Part, Request, Step};

impl Draft {
    /// The text of its scenario, for a file of this name.
    pub fn scenario(&self, file: &str) -> String {
        let mut text = self.head(file);
        text.push_str(&line("name", &Item::text(&self.name)));
        text.push_str(&line("base_url", &Item::text(&self.base_url)));
        let others: Vec<Item> = self.other_hosts().iter().map(|host| Item::text(host)).collect();
        if !others.is_empty() {
            text.push_str(&line("allow_hosts", &Item::List(others)));
        }
        if !self.headers.is_empty() {
            text.push_str("\n# Of every request.\n[defaults]\n");
            text.push_str(&line("headers", &Item::texts(&self.headers)));
        }
        if self.is_insecure {
            text.push_str("\n[tls]\ninsecure = true\n");
        }
        if let Pace::Replay(file) = &self.pace {
            text.push_str(&format!(
                "\n[feeder.{FEEDER}]\n{}order = \"sequential\"\n",
                line("file", &Item::text(file))
            ));
        }
        for journey in &self.journeys {
            text.push_str(&journey.text(&self.pace));
        }
        text.push_str(&self.traffic());
        text
    }

    /// Hosts besides the main one that requests go to.
    fn other_hosts(&self) -> Vec<String> {
        let steps = self.journeys.iter().flat_map(|journey| &journey.steps);
        let hosts = steps.filter_map(|step| {
            let origin = step.request()?.origin.as_ref()?;
            Some(origin.split_once("://").map_or(origin.as_str(), |(_, host)| host).to_owned())
        });
        let hosts: std::collections::BTreeSet<String> = hosts.filter(|host| !host.contains("{{")).collect();
        hosts.into_iter().collect()
    }

    /// What its reader has to know.
    fn head(&self, file: &str) -> String {
        let mut text = comment(&format!("Written from {}.", self.origin), "");
        let first = if matches!(self.pace, Pace::Replay(_)) { "replay" } else { "smoke" };
        text.push_str(&format!(
            "#\n#   loadproof check {file}\n#   loadproof run {file} --load {first}\n#\n"
        ));
        text.push_str("# docs/FORMAT.md lists every key.\n");
        if !self.findings.secrets.is_empty() {
            text.push_str("#\n# Set these environment variables before a run:\n");
            for secret in &self.findings.secrets {
                text.push_str(&comment(&format!("- {}: {}", secret.variable, secret.what), "  "));
            }
        }
        if !self.findings.notes.is_empty() {
            text.push_str("#\n# What was left out, guessed or changed:\n");
            for note in &self.findings.notes {
                text.push_str(&comment(&format!("- {note}"), "  "));
            }
        }
        text.push('\n');
        text
    }

    /// Users, loads, profile and objectives.
    fn traffic(&self) -> String {
        let weights = self.journeys.iter().map(|journey| {
            let weight = i64::try_from(journey.weight.max(1)).unwrap_or(i64::MAX);
            (journey.name.clone(), Item::integer(weight))
        });
        let weights = line("journeys", &Item::Table(weights.collect()));
        let think = match &self.pace {
            Pace::Usual => "think = { uniform = [\"0.5s\", \"2s\"] }           # guessed\n",
            Pace::Recorded | Pace::Rate(_) | Pace::Replay(_) => "",
        };
        let loads = match &self.pace {
            Pace::Replay(file) => {
                let replay = line("replay", &Item::text(file));
                format!(
                    "# The log at its own times, and ten times as fast.\n[load.replay]\n{replay}\n[load.fast]\n{replay}speed_up = 10\n"
                )
            }
            Pace::Rate(rate) => format!(
                "[load.smoke]\nrate = 1\nrun_time = \"10s\"\n\n# The mean rate of the log.\n[load.recorded]\nrate = {}\n\
                 arrivals = \"poisson\"\nrun_time = \"1m\"\n",
                plain(*rate)
            ),
            _ if self.journeys.len() == 1 => {
                format!("# The journey once.\n[load.smoke]\niterations = 1\nconcurrency = 1\n\n{STEADY}")
            }
            _ => format!("[load.smoke]\nusers = 1\nrun_time = \"10s\"\n\n{STEADY}"),
        };
        format!("\n[[user_class]]\nname = \"User\"\n{think}{weights}\n{loads}\n{OBJECTIVES}")
    }
}

/// The feeder of a replay's lines.
const FEEDER: &str = "starts";

const STEADY: &str = "[load.steady]\nusers = 5\nspawn_rate = 1\nrun_time = \"1m\"\n";

const OBJECTIVES: &str = "\
[profile.running]
why = \"The running system.\"

# Objectives; the bounds are guessed.
[[claim]]
title = \"p95 is at most 500 ms\"
value = \"run.p95\"
at_most = \"500ms\"

[[claim]]
title = \"At least 99.9 % of the answers are as expected\"
value = \"run.ok_share\"
at_least = \"99.9%\"
";

impl Journey {
    fn text(&self, pace: &Pace) -> String {
        let mut text = format!("\n{}[[journey]]\n", comment(&self.comment, ""));
        text.push_str(&line("name", &Item::text(&self.name)));
        text.push_str("traffic_class = \"production\"\n");
        if matches!(pace, Pace::Replay(_)) {
            text.push_str(&format!("let = {{ {HIT} = {{ feed = \"{FEEDER}\" }} }}\n"));
        }
        if !self.variables.is_empty() {
            text.push_str(&line("let", &Item::texts(&self.variables)));
        }
        for step in &self.steps {
            text.push('\n');
            match step {
                Step::Pause(time) => {
                    let time = format!("{:.1}s", time.as_secs_f64().max(0.1));
                    text.push_str(&format!("[[journey.steps]]\n{}", line("pause", &Item::text(&time))));
                }
                Step::Request(request) => text.push_str(&request.text()),
            }
        }
        text
    }
}

impl Request {
    fn text(&self) -> String {
        let mut text = format!("{}[[journey.steps]]\n", comment(&self.comment, ""));
        let target =
            format!("{} {}{}", self.method, self.origin.as_deref().unwrap_or(""), self.target.source());
        text.push_str(&line("request", &Item::text(&target)));
        if let Some(name) = &self.name {
            text.push_str(&line("name", &Item::text(name)));
        }
        if !self.headers.is_empty() {
            text.push_str(&line("headers", &Item::texts(&self.headers)));
        }
        if let Some(body) = &self.body {
            let (key, item) = body.item();
            text.push_str(&line(key, &item));
        }
        match self.expect.as_slice() {
            [] => {}
            [one] => text.push_str(&line("expect", &Item::integer((*one).into()))),
            all => {
                let all = all.iter().map(|status| Item::integer((*status).into())).collect();
                text.push_str(&line("expect", &Item::List(all)));
            }
        }
        if self.stays_at_redirect {
            text.push_str("redirects = 0\n");
        }
        if !self.extract.is_empty() {
            let all = self.extract.iter().map(|(name, extract)| (name.clone(), extract.item())).collect();
            text.push_str(&line("extract", &Item::Table(all)));
        }
        text
    }
}

impl Body {
    fn item(&self) -> (&'static str, Item) {
        match self {
            Self::Json(tree) => ("json", Item::tree(tree)),
            Self::Form(fields) => ("form", Item::texts(fields)),
            Self::Text(text) => ("text", Item::template(text)),
            Self::File(name) => ("file", Item::text(name)),
            Self::Multipart(parts) => {
                let mut table: Vec<(String, Vec<Item>)> = Vec::new();
                for (name, part) in parts {
                    match table.iter_mut().find(|(known, _)| known == name) {
                        Some((_, items)) => items.push(part.item()),
                        None => table.push((name.clone(), vec![part.item()])),
                    }
                }
                let table = table.into_iter().map(|(name, mut items)| match items.len() {
                    1 => (name, items.remove(0)),
                    _ => (name, Item::List(items)),
                });
                ("multipart", Item::Table(table.collect()))
            }
        }
    }
}

impl Part {
    fn item(&self) -> Item {
        match self {
            Self::Text(text) => Item::template(text),
            Self::File { file, name, kind } => {
                let mut entries = vec![("file".to_owned(), Item::text(file))];
                entries.extend(name.iter().map(|name| ("name".to_owned(), Item::text(name))));
                entries.extend(kind.iter().map(|kind| ("type".to_owned(), Item::text(kind))));
                Item::Table(entries)
            }
        }
    }
}

impl Extract {
    fn item(&self) -> Item {
        let of = |key: &str, text: &str| Item::Table(vec![(key.to_owned(), Item::text(text))]);
        match self {
            Self::Pointer(pointer) => Item::text(pointer),
            Self::Header(name) => of("header", name),
            Self::Regex(regex) => of("regex", regex),
        }
    }
}

fn line(name: &str, item: &Item) -> String {
    let name = key(name);
    format!("{name} = {}\n", item.lay_out(0, name.chars().count() + 3))
}

/// A rate with three digits.
fn plain(rate: f64) -> String {
    let digits = match rate {
        rate if rate >= 100.0 => 0,
        rate if rate >= 10.0 => 1,
        rate if rate >= 1.0 => 2,
        _ => 4,
    };
    format!("{:.digits$}", rate.max(0.0001))
}
