//! From files to a [`Scenario`]: collects the includes, reads each part in the order in which the
//! parts refer to each other, and reports all mistakes together.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::fault::Proxy;
use super::fields::{Fields, Located};
use super::hook::Hook;
use super::journey::UserClass;
use super::load::Load;
use super::problem::{FileId, Place, Problems, ScenarioError};
use super::profile::Profile;
use super::read::claim::Known;
use super::read::{self, Settings};
use super::renamed::rename;
use super::signal::SignalSource;
use super::template::Variables;
use super::{Scenario, World, extend, grid, source, substitute};
use crate::claim::Expression;

/// What holds for a file only where it is the scenario itself.
const OF_ITSELF: [&str; 9] =
    ["name", "why", "base_url", "allow_hosts", "defaults", "drain", "experiment", "network", "tls"];

/// Reads a scenario file and its includes, and checks everything in them.
///
/// # Errors
/// All mistakes at once, each with file, line, column and, where there is one, a suggestion.
pub fn compile(path: &Path, world: &dyn World) -> Result<Scenario, ScenarioError> {
    let Collected { texts, missing } = collect(path, world)?;
    let given: Vec<(String, String, String)> = world
        .vars()
        .into_iter()
        .map(|(name, value)| {
            let file = substitute::as_file(&value);
            (name, value, file)
        })
        .collect();
    let problems = Problems::default();
    let wanted = world.grid();
    let cells = if wanted.axes.is_empty() { Vec::new() } else { wanted.cells() };
    // Outlives the roots, which borrow from it.
    let of_cells = OnceCell::new();
    let mut roots = Vec::new();
    for (path, text) in &texts {
        let file = problems.add_file(&path.to_string_lossy(), text);
        match DeTable::parse(text) {
            Ok(mut root) => {
                rename(root.get_mut(), file, text, &problems);
                roots.push((file, root));
            }
            Err(error) => syntax_error(&problems, file, text, &error),
        }
    }
    note_missing(&missing, &problems);
    if roots.first().is_none_or(|(file, _)| *file != FileId(0)) {
        problems.into_result()?;
        return Err(ScenarioError::plain("the scenario cannot be parsed", None));
    }
    if roots.len() < texts.len() || !missing.is_empty() {
        problems.note_unread_file();
    }
    let set: Vec<&str> = given.iter().map(|(name, ..)| name.as_str()).collect();
    let written = || if cells.is_empty() { None } else { grid::written(&wanted, &roots, &set, &problems) };
    let of_cells: &Option<grid::Written> = of_cells.get_or_init(written);
    if let Some(grid::Written { base, text }) = of_cells
        && let Ok(root) = DeTable::parse(text)
    {
        grid::include_cells(base, &cells, &mut roots);
        roots.push((problems.add_file("cells of --grid", text), root));
    }
    extend::extend(&mut roots, &problems);
    if let Some(grid::Written { base, .. }) = of_cells {
        grid::check_use(&wanted, base, &roots, &problems);
    }
    let used = substitute::substitute(&mut roots, &given);
    let mut scenario = {
        let files: Vec<Fields<'_>> = roots
            .iter()
            .map(|(file, root)| {
                let place = Place { file: *file, span: 0..0 };
                Fields::new(root.get_ref(), place, "a scenario", &problems)
            })
            .collect();
        let variables = Variables::named_in(texts.iter().map(|(_, text)| text.as_str()), world);
        let (sources, literals) = source::sources(&texts);
        Scenario { sources, literals, ..read_all(path, files, used, &variables, world, &problems) }
    };
    scenario.warnings = problems.into_result()?;
    for cell in cells {
        if let Some(profile) = scenario.profiles.get_mut(&cell.name) {
            profile.levels = cell.levels;
        }
    }
    Ok(scenario)
}

/// A scenario file and what it includes.
pub(super) struct Collected {
    /// The texts, each once, the scenario file first: the order of their [`FileId`]s.
    pub(super) texts: Vec<(PathBuf, String)>,
    /// Included files that cannot be read.
    pub(super) missing: Vec<Missing>,
}

/// A file that cannot be read.
pub(super) struct Missing {
    path: PathBuf,
    /// Where it is included.
    place: Place,
    error: std::io::Error,
}

/// Reads a scenario file and what it includes.
///
/// # Errors
/// If the scenario file itself cannot be read.
pub(super) fn collect(path: &Path, world: &dyn World) -> Result<Collected, ScenarioError> {
    let cannot_read = |e| ScenarioError::plain(format!("cannot read file `{}`: {e}", path.display()), None);
    let first = world.read(path).map_err(cannot_read)?;
    let mut pending = includes(FileId(0), path, &first);
    let mut texts = vec![(path.to_path_buf(), first)];
    let mut missing: Vec<Missing> = Vec::new();
    while let Some((path, place)) = pending.pop() {
        if texts.iter().any(|(known, _)| *known == path) {
            continue;
        }
        match world.read(&path) {
            Ok(text) => {
                pending.extend(includes(FileId(texts.len()), &path, &text));
                texts.push((path, text));
            }
            Err(error) => missing.push(Missing { path, place, error }),
        }
    }
    // As they stand in the files, and not as they were looked for.
    missing.sort_by_key(|missing| (missing.place.file.0, missing.place.span.start));
    Ok(Collected { texts, missing })
}

/// The files that one includes, and where; mistakes in their names are found again, and noted, when it is read.
fn includes(file: FileId, path: &Path, text: &str) -> Vec<(PathBuf, Place)> {
    let Ok(root) = DeTable::parse(text) else { return Vec::new() };
    let folder = path.parent().unwrap_or(Path::new(""));
    let names = root.get_ref().get("include").and_then(|v| v.get_ref().as_array());
    let place = |name: &toml::Spanned<DeValue<'_>>| {
        Some((folder.join(name.get_ref().as_str()?), Place { file, span: name.span() }))
    };
    names.into_iter().flat_map(|names| names.iter()).filter_map(place).collect()
}

/// Notes the files that cannot be read, where they are included.
pub(super) fn note_missing(missing: &[Missing], problems: &Problems) {
    for Missing { path, place, error } in missing {
        problems.add(place, format!("cannot read included file `{}`", path.display()), error.to_string());
    }
}

pub(super) fn syntax_error(problems: &Problems, file: FileId, text: &str, error: &toml::de::Error) {
    let span = error.span().unwrap_or(0..0);
    let span = if span.is_empty() { span.start..(span.start + 1).min(text.len()) } else { span };
    problems.add(&Place { file, span }, "this is not TOML", error.message());
}

/// Reads the parts; the parts of several files come together as if they stood in one.
fn read_all(
    path: &Path,
    mut files: Vec<Fields<'_>>,
    used_vars: BTreeSet<String>,
    variables: &Variables,
    world: &dyn World,
    problems: &Problems,
) -> Scenario {
    let vars = read::vars::read(&mut files, used_vars, &world.vars(), problems);
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut canonical_workload = read::canonical::workload(&files, &vars);
    let settings = Settings::new(variables, vars, problems);
    let workload_variables = super::variables::of_workload(&canonical_workload, world);
    let main = &mut files[0];
    let name = main.required_text("name").map_or(String::new(), |l| l.value);
    let why = main.text("why").map_or(String::new(), |l| l.value);
    main.require("base_url");
    let base_url = main.text("base_url").map_or(String::new(), |l| read::base_url(&l, &settings, problems));
    let allowed_hosts = read::hosts::read(main, &settings);
    let defaults = read::defaults::read(main);
    let http = defaults.http;
    let tls = read::tls::read(main, folder, &settings, world);
    let network = read::network::read(main, folder, &settings);

    let descriptors = read::rpc::read(main, folder, world);
    let mut book =
        read::book::Book::new(problems, &settings, (world, folder), defaults, descriptors, variables);
    let user_classes = read_work(&mut files, &mut book, &settings, (world, folder));
    canonical_workload.extend(book.feeders.iter().map(|f| format!("{:?}", f.records)));
    canonical_workload.extend(book.file_sums.iter().cloned());
    let of_loads = |journeys| read::load::Work { user_classes: &user_classes, journeys, folder, world };
    let Runs { loads, mut profiles, signals, hooks, faults, proxies, held, named, aborts } =
        Runs::read(&mut files, of_loads(&book.journey_names()), &settings);
    let main = &mut files[0];
    let experiment = read::experiment::read(main, &loads, &profiles);
    if profiles.is_empty() && !files.iter().any(|file| file.has("profile")) {
        profiles.insert(Profile::DIRECT.to_owned(), Profile::direct());
    }
    let main = &mut files[0];
    let trace = read::trace::read(main, &settings);
    let drain = read::profile::read_drain(main, &signals);
    let of_profiles = profiles.values().filter_map(|profile| profile.base_url.as_deref());
    let allowed_hosts = allowed_hosts.with(std::iter::once(base_url.as_str()).chain(of_profiles));
    read::hosts::check(&book.elsewhere, &allowed_hosts, problems);
    let work = book.finish();
    let known = Known::new(&work.endpoints, &loads, &profiles, &signals, &hooks)
        .racing(&work.races, &work.raised)
        .tagging(&work.tags)
        .checking(&work.soft_checks);
    let around =
        read::fault::Surroundings::new(&known, &profiles, &proxies, drain.as_ref(), experiment.as_ref());
    let faults = read::fault::checked(faults, &around, problems);
    let known = known.faulting(&faults);
    let capacity = read::capacity::read(&mut files[0], &loads, &known);
    let goals = capacity.iter().flat_map(|spec| &spec.goals).map(|goal| goal.name.clone());
    let known = known.searching(goals.filter(|name| !name.is_empty()));
    let symptoms = files.iter_mut().flat_map(|file| read::symptom::read(file, &known)).collect();
    let claims = files.iter_mut().flat_map(|file| read::claim::read(file, &known)).collect();
    held.check(&known, &loads, problems);
    named.check(&profiles, problems);
    read::claim::live_conditions(&aborts, &known, problems);
    finish(files);
    let secrets: Vec<String> = work.auths.iter().map(|auth| auth.secret().to_owned()).collect();
    Scenario {
        name,
        why,
        file: path.to_string_lossy().into_owned(),
        base_url,
        allowed_hosts,
        endpoints: work.endpoints,
        journeys: work.journeys,
        user_classes,
        loads,
        profiles,
        experiment,
        capacity,
        signals,
        drain,
        hooks,
        faults,
        proxies,
        claims,
        symptoms,
        races: work.races,
        queues: work.queues,
        soft_checks: work.soft_checks,
        counters: work.counters,
        raised: work.raised,
        tags: work.tags,
        keys: work.keys,
        feeders: work.feeders,
        brokers: work.brokers,
        redactor: Arc::new(variables.redactor(&workload_variables, settings.secrets().chain(secrets))),
        auths: work.auths,
        subscriptions: work.subscriptions,
        trace,
        http,
        tls,
        network,
        templates: Arc::new(work.templates),
        sources: Vec::new(),
        literals: Vec::new(),
        warnings: String::new(),
        workload_variables,
        canonical_workload,
    }
}

/// What the files say of runs: of loads, of the system in its profiles, and of what is done to it and read from it.
#[derive(Default)]
struct Runs {
    loads: BTreeMap<String, Load>,
    profiles: BTreeMap<String, Profile>,
    signals: Vec<SignalSource>,
    hooks: Vec<Hook>,
    faults: Vec<read::fault::Written>,
    proxies: Vec<Proxy>,
    /// What can be checked only when all names are known.
    held: read::profile::Held,
    named: read::signal::Named,
    aborts: Vec<Located<String>>,
}

impl Runs {
    fn read(files: &mut [Fields<'_>], of_loads: read::load::Work<'_>, settings: &Settings) -> Self {
        let mut runs = Self::default();
        for file in files {
            runs.loads.extend(read::load::read(file, of_loads, &mut runs.aborts));
            runs.profiles.extend(read::profile::read(file, settings, &mut runs.held));
            runs.hooks.extend(read::hook::read(file, settings));
            runs.faults.extend(read::fault::read(file, settings));
            read::fault::read_proxies(file, settings, &mut runs.proxies);
            runs.signals.extend(read::signal::read(file, settings, &mut runs.named));
        }
        runs
    }
}

/// Reads what users do, what it is made of, and who they are.
fn read_work(
    files: &mut [Fields<'_>],
    book: &mut read::book::Book<'_>,
    settings: &Settings,
    (world, folder): (&dyn World, &Path),
) -> Vec<UserClass> {
    for file in &mut *files {
        file.items("include");
        book.read_bodies(file);
        book.auths.extend(read::auth::read(file, settings));
        book.brokers.extend(read::broker::read(file, settings));
        book.keys.extend(read::keys::read(file));
        book.feeders.extend(read::feeder::read(file, folder, world));
    }
    for file in &mut *files {
        read::journey::read(file, book);
    }
    book.resolve_once();
    book.check_queues();
    book.check_sockets();
    book.check_cookies();
    let mut user_classes = Vec::new();
    for file in files {
        user_classes.extend(read::user::read(file, book));
    }
    book.check_variables(&user_classes);
    user_classes
}

/// Notes what nobody has read. What an included file says of itself is for when it is run by itself.
fn finish(files: Vec<Fields<'_>>) {
    for mut file in files {
        for key in OF_ITSELF {
            file.value(key);
        }
        file.finish();
    }
}

/// A condition on a run that stands on the command line.
pub(super) fn condition(scenario: &Scenario, text: &str) -> Result<Expression, ScenarioError> {
    let problems = Problems::default();
    let file = problems.add_file("--objective", text);
    let place = Place { file, span: 0..text.len() };
    let Scenario {
        endpoints, loads, profiles, signals, hooks, races, raised, tags, soft_checks, faults, ..
    } = scenario;
    let known = Known::new(endpoints, loads, profiles, signals, hooks)
        .racing(races, raised)
        .tagging(tags)
        .checking(soft_checks)
        .faulting(faults);
    let found = read::claim::condition(&Located { value: text.to_owned(), place }, &known, &problems);
    problems.into_result()?;
    found.ok_or_else(|| {
        ScenarioError::plain(
            format!("`{text}` is not a valid condition: expected e.g. `run.p99 <= 50`"),
            None,
        )
    })
}
