//! Mistakes in scenario files, shown where they are: file, line, column, caret, suggestion.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// What scenario files define by name, and refer to.
const NAMED: [&str; 24] = [
    "journey",
    "user class",
    "load",
    "profile",
    "service",
    "signal",
    "body",
    "broker",
    "feeder",
    "list of keys",
    "queue",
    "socket",
    "variable",
    "endpoint",
    "effect",
    "traffic class",
    "race",
    "soft check",
    "tag",
    "stream of raised events",
    "hook beside the load",
    "fault",
    "proxy",
    "arm",
];
/// Mistakes, and warnings, that are shown one by one: each is shown with its line, and nobody reads more at once.
const MOST_TOLD: usize = 200;
/// Two words this alike (Jaro-Winkler) are taken for a slip of the pen.
const ALIKE: f64 = 0.8;

/// The old name of a key, where a text has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OldKey {
    /// Its bytes in the text, quotes included.
    pub(super) span: Range<usize>,
    /// The old name.
    pub(super) old: &'static str,
    /// The new name.
    pub(super) new: &'static str,
}

/// A file of a scenario by its place in [`Problems`]; 0 is the scenario file itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(pub(super) usize);

/// A stretch of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: FileId,
    pub(super) span: Range<usize>,
}

#[derive(Debug, PartialEq)]
struct Problem {
    place: Place,
    title: String,
    label: String,
    help: Option<String>,
}

#[derive(Debug)]
struct SourceFile {
    path: String,
    text: String,
}

/// Collects all mistakes of a scenario, so that they are shown at once.
#[derive(Debug, Default)]
pub(super) struct Problems {
    files: RefCell<Vec<SourceFile>>,
    found: RefCell<Vec<Problem>>,
    /// Mistakes besides those that are shown.
    beyond: Cell<usize>,
    old_keys: RefCell<Vec<(FileId, OldKey)>>,
    /// What is warned of besides.
    warned: RefCell<Vec<Problem>>,
    /// What could not be read, by kind and name; without a name, any of that kind.
    unread: RefCell<BTreeSet<(&'static str, Option<String>)>>,
    /// Places whose text could not be made out: whatever else is said of them says nothing.
    unclear: RefCell<Vec<Place>>,
}

impl Problems {
    pub(super) fn add_file(&self, path: &str, text: &str) -> FileId {
        let mut files = self.files.borrow_mut();
        files.push(SourceFile { path: path.to_owned(), text: text.to_owned() });
        FileId(files.len() - 1)
    }

    pub(super) fn add(&self, place: &Place, title: impl Into<String>, label: impl Into<String>) {
        self.add_with_help(place, title, label, None);
    }

    pub(super) fn add_with_help(
        &self,
        place: &Place,
        title: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        if self.unclear.borrow().contains(place) {
            return;
        }
        let problem = Problem { place: place.clone(), title: title.into(), label: label.into(), help };
        let mut found = self.found.borrow_mut();
        // What several profiles have in common is read for each of them.
        if found.contains(&problem) {
            return;
        }
        if found.len() < MOST_TOLD {
            found.push(problem);
        } else {
            self.beyond.set(self.beyond.get() + 1);
        }
    }

    /// Notes something that is right, but will fail as things are.
    pub(super) fn warn(&self, place: &Place, title: impl Into<String>, label: impl Into<String>) {
        let problem = Problem { place: place.clone(), title: title.into(), label: label.into(), help: None };
        let mut warned = self.warned.borrow_mut();
        if warned.len() < MOST_TOLD && !warned.contains(&problem) {
            warned.push(problem);
        }
    }

    /// Keys of a file that have a new name: they are read, and warned of.
    pub(super) fn warn_of_old_keys(&self, file: FileId, keys: &[OldKey]) {
        self.old_keys.borrow_mut().extend(keys.iter().map(|key| (file, key.clone())));
    }

    /// Notes that something of a name, or of any name, is there and could not be read: whoever refers to
    /// it makes no mistake of their own.
    pub(super) fn note_unread(&self, what: &'static str, name: Option<&str>) {
        self.unread.borrow_mut().insert((what, name.map(str::to_owned)));
    }

    /// Notes that a file is missing or cannot be read: anything that is named may stand there.
    pub(super) fn note_unread_file(&self) {
        for what in NAMED {
            self.note_unread(what, None);
        }
    }

    /// Notes that the text at a place could not be made out, which has been said: what readers then miss in it
    /// is no mistake of its own.
    pub(super) fn note_unclear(&self, place: &Place) {
        self.unclear.borrow_mut().push(place.clone());
    }

    /// Whether something is there and could not be read.
    pub(super) fn is_unread(&self, what: &str, name: &str) -> bool {
        let unread = self.unread.borrow();
        unread.iter().any(|(of, named)| *of == what && named.as_deref().is_none_or(|named| named == name))
    }

    /// A word that is not one of the `known` ones, with the nearest of them as suggestion.
    pub(super) fn add_unknown(&self, place: &Place, what: &str, word: &str, known: &[&str]) {
        if self.is_unread(what, word) {
            return;
        }
        let title = format!("unknown {what} `{word}`");
        self.add_with_help(place, title, "not known here", suggestion(word, known));
    }

    /// The text at a place.
    pub(super) fn text(&self, place: &Place) -> String {
        self.files.borrow()[place.file.0].text.get(place.span.clone()).unwrap_or_default().to_owned()
    }

    /// Whether further mistakes are only counted.
    pub(super) fn is_full(&self) -> bool {
        self.found.borrow().len() >= MOST_TOLD
    }

    /// Where `needle` stands within the first of `places` that holds it; the last of them if none
    /// does.
    pub(super) fn find(&self, places: &[Place], needle: &str) -> Option<Place> {
        let holding = places.iter().find(|place| find_word(&self.text(place), needle).is_some());
        Some(self.narrowed(holding.or(places.last())?, needle))
    }

    /// Where `needle` stands within `place`, or all of `place` if it does not.
    pub(super) fn narrowed(&self, place: &Place, needle: &str) -> Place {
        let files = self.files.borrow();
        let text = &files[place.file.0].text;
        let found = text.get(place.span.clone()).and_then(|t| find_word(t, needle));
        match found {
            Some(at) => {
                let start = place.span.start + at;
                Place { file: place.file, span: start..start + needle.len() }
            }
            None => place.clone(),
        }
    }

    /// The warnings, as they are shown, if there were no mistakes; else all of both as one error.
    pub(super) fn into_result(self) -> Result<String, ScenarioError> {
        let (files, found) = (self.files.into_inner(), self.found.into_inner());
        let warned = render(&files, &self.warned.into_inner(), &Level::WARNING);
        let parts = [warned, render_warnings(&files, &self.old_keys.into_inner())];
        let warnings = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
        if found.is_empty() {
            return Ok(warnings);
        }
        let mut rendered = render(&files, &found, &Level::ERROR);
        let beyond = self.beyond.get();
        if beyond > 0 {
            rendered.push_str(&format!("\n\nerror: {beyond} more mistakes"));
        }
        if !warnings.is_empty() {
            rendered = format!("{rendered}\n\n{warnings}");
        }
        Err(ScenarioError { rendered, count: found.len() + beyond })
    }
}

/// The mistakes of a scenario's files.
#[derive(Debug, thiserror::Error)]
#[error("{rendered}")]
pub struct ScenarioError {
    rendered: String,
    /// How many mistakes there are.
    pub count: usize,
}

impl ScenarioError {
    /// A mistake without a place in a file: an unknown load on the command line, a missing file.
    pub(crate) fn plain(message: impl Into<String>, help: Option<String>) -> Self {
        let mut rendered = format!("error: {}", message.into());
        if let Some(help) = help {
            rendered.push_str("\n  help: ");
            rendered.push_str(&help);
        }
        Self { rendered, count: 1 }
    }

    /// The same with a help behind it.
    #[must_use]
    pub(crate) fn helped(mut self, help: &str) -> Self {
        self.rendered.push_str("\n  help: ");
        self.rendered.push_str(help);
        self
    }
}

/// Known words that are listed.
const MOST_LISTED: usize = 16;

/// `did you mean …` for the word most like `word`, and the known ones if they are few.
pub(crate) fn suggestion(word: &str, known: &[&str]) -> Option<String> {
    let mut seen = HashSet::new();
    let distinct: Vec<&str> = known.iter().copied().filter(|word| seen.insert(*word)).collect();
    let known = distinct.as_slice();
    let nearest = known
        .iter()
        .map(|k| (strsim::jaro_winkler(&word.to_lowercase(), &k.to_lowercase()), *k))
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let list = (!known.is_empty() && known.len() <= MOST_LISTED).then(|| known.join(", "));
    match (nearest, list) {
        (Some((_, k)), Some(list)) => Some(format!("did you mean `{k}`? known here: {list}")),
        (Some((_, k)), None) => Some(format!("did you mean `{k}`?")),
        (None, Some(list)) => Some(format!("known here: {list}")),
        (None, None) => None,
    }
}

/// Whether a word is one of the known ones but for a slip of the finger.
pub(super) fn is_misspelt(word: &str, known: &[&str]) -> bool {
    known.iter().any(|known| strsim::damerau_levenshtein(word, known) == 1)
}

/// The start of `needle` in `text` as a whole word, or anywhere where it is no word.
fn find_word(text: &str, needle: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(needle)
        .find(|(at, _)| {
            let before = text[..*at].chars().next_back();
            let after = text[at + needle.len()..].chars().next();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
        .map(|(at, _)| at)
        .or_else(|| text.find(needle))
}

/// A stretch of a text that begins and ends between characters: a parser may stop in the middle of one.
fn whole(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(span.start);
    start..text.ceil_char_boundary(span.end).max(start)
}

fn render(files: &[SourceFile], found: &[Problem], level: &Level<'_>) -> String {
    let renderer = Renderer::plain();
    let parts: Vec<String> = found
        .iter()
        .map(|problem| {
            let file = &files[problem.place.file.0];
            let annotation = AnnotationKind::Primary
                .span(whole(&file.text, &problem.place.span))
                .label(problem.label.as_str());
            let snippet = Snippet::source(file.text.as_str()).path(file.path.as_str()).annotation(annotation);
            let mut group = level.clone().primary_title(problem.title.as_str()).element(snippet);
            if let Some(help) = &problem.help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            renderer.render(&[group])
        })
        .collect();
    parts.join("\n\n")
}

/// One warning per file and old name, with all its places; empty without any.
fn render_warnings(files: &[SourceFile], old_keys: &[(FileId, OldKey)]) -> String {
    let renderer = Renderer::plain();
    let mut parts = Vec::new();
    let mut told = Vec::new();
    for (file, OldKey { old, new, .. }) in old_keys {
        if told.contains(&(file, old, new)) {
            continue;
        }
        told.push((file, old, new));
        let SourceFile { path, text } = &files[file.0];
        let here = old_keys.iter().filter(|(of, key)| of == file && key.old == *old && key.new == *new);
        let snippet = here.fold(Snippet::source(text.as_str()).path(path.as_str()), |snippet, (_, key)| {
            snippet.annotation(AnnotationKind::Primary.span(whole(text, &key.span)))
        });
        let title = format!("`{old}` is now `{new}`");
        parts.push(renderer.render(&[Level::WARNING.primary_title(title.as_str()).element(snippet)]));
    }
    if !parts.is_empty() {
        let help = "help: the old names are read for one more version; `loadproof check --fix FILE` writes the new ones";
        parts.push(help.to_owned());
    }
    parts.join("\n\n")
}
