//! Scenarios from what other tools have: a file's text in, a [`Draft`] out, and from that the text of a scenario.
//!
//! ```text
//! HAR · OpenAPI · Postman · curl · access log ─► reader ─► Draft ─► secrets, names, common headers ─► write ─► TOML
//! ```
//!
//! No files, network or clock. What a reader leaves out, guesses or changes is a note of the draft, and every note stands
//! in the scenario. Texts from outside are literals: nothing recorded becomes a template by accident.

mod access_log;
mod body;
mod curl;
mod detect;
mod files;
mod finish;
mod har;
mod hosts;
mod layout;
mod model;
mod multipart;
mod names;
mod noise;
mod openapi;
mod postman;
mod secrets;
mod template;
mod tree;
mod write;

pub use model::Draft;

/// Bytes of a file at most.
pub const LONGEST: u64 = 64 << 20;
/// Requests of a draft at most: beyond that nobody reads a scenario.
const MOST_REQUESTS: usize = 500;

/// What a file may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A browser's recording, HAR 1.2.
    Har,
    /// `OpenAPI` 3, as JSON or YAML.
    OpenApi,
    /// A Postman collection, version 2.
    Postman,
    /// curl commands, as a shell reads them.
    Curl,
    /// An access log: combined, common, or a JSON object a line.
    AccessLog,
}

impl Format {
    /// What people call it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Har => "HAR",
            Self::OpenApi => "OpenAPI",
            Self::Postman => "Postman collection",
            Self::Curl => "curl commands",
            Self::AccessLog => "access log",
        }
    }
}

/// What a draft is to hold.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the file is; seen from its text if not given.
    pub format: Option<Format>,
    /// The scenario's name.
    pub name: String,
    /// Where its requests go, if not where the file says.
    pub base_url: Option<String>,
    /// Whether files of pages, trackers and preflight requests are taken over.
    pub keep_all: bool,
    /// Hosts besides the main one that are requested.
    pub hosts: Vec<String>,
    /// Whether an access log's requests that change something are taken over.
    pub unsafe_methods: bool,
    /// Whether an access log's requests are made at their own times.
    pub replay: bool,
}

/// Why a file gives no draft.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{what}\n  {hint}")]
pub struct DraftError {
    what: String,
    hint: String,
}

impl DraftError {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }

    /// The file is of its format, and yet nothing can be requested.
    fn empty(format: Format, hint: &str) -> Self {
        Self::new(format!("the {} holds nothing to request", format.text()), hint)
    }
}

/// Makes a draft of a file's text.
///
/// # Errors
/// If the format is unknown, if the text is not of its format, or if it holds nothing to request. The error's second line
/// says what to do.
pub fn draft(text: &str, options: &Options) -> Result<Draft, DraftError> {
    let text = text.trim_start_matches('\u{feff}');
    let read = detect::read(text, options.format)?;
    if options.replay && !matches!(read, detect::Read::AccessLog) {
        return Err(DraftError::new("only an access log can be replayed", "leave `--replay` out"));
    }
    let draft = match &read {
        detect::Read::Har(tree) => har::read(tree, options),
        detect::Read::OpenApi(tree) => openapi::read(tree, options),
        detect::Read::Postman(tree) => postman::read(tree, options),
        detect::Read::Curl => curl::read(text, options),
        detect::Read::AccessLog => access_log::read(text, options),
    }?;
    Ok(finish::finish(draft))
}

#[cfg(test)]
mod tests;
