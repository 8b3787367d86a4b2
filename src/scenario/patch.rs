//! Patches: keys of the system's own files that a profile sets while it is in force.

/// Keys of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// The file; a relative path counts from where loadproof runs.
    pub file: String,
    /// How it is written.
    pub format: Format,
    /// Dotted paths of keys (plain names in env files), and their values.
    pub set: Vec<(String, PatchValue)>,
    /// Whether keys that are not there yet are made; otherwise they are taken for mistakes.
    pub create: bool,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
    /// JSON.
    Json,
    /// Lines of `KEY=value`.
    Env,
}

impl Format {
    /// All formats with their names.
    pub const ALL: [(&'static str, Self); 4] =
        [("toml", Self::Toml), ("yaml", Self::Yaml), ("json", Self::Json), ("env", Self::Env)];

    /// The format that a file's name promises.
    pub fn of_name(file: &str) -> Option<Self> {
        let ending = file.rsplit(['.', '/']).next()?.to_lowercase();
        let ending = if ending == "yml" { "yaml" } else { ending.as_str() };
        Self::ALL.into_iter().find(|(name, _)| *name == ending).map(|(_, format)| format)
    }
}

/// A value that a patch sets.
#[derive(Clone, Debug, PartialEq)]
pub enum PatchValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Float(f64),
    /// `true` or `false`.
    Flag(bool),
    /// A list.
    List(Vec<PatchValue>),
}
