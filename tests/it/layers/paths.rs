//! The paths that a file's code names, as they are written.

use std::collections::BTreeSet;

/// A path, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) segments: Vec<String>,
    /// How many modules lie between the file and the code: 0 outside of all `mod name { … }`.
    pub(crate) depth: usize,
}

/// A name that a `use` brings into a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) path: Path,
    /// What it is called here; `*` for everything, `_` for a trait without a name.
    pub(crate) name: String,
    /// Whether others can reach it through this file.
    pub(crate) is_public: bool,
}

/// What a file's code names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    pub(crate) imports: Vec<Import>,
    /// Paths of at least two segments outside of `use`.
    pub(crate) paths: Vec<Path>,
    /// Every name outside of `use`.
    pub(crate) words: BTreeSet<String>,
}

/// Reads the tokens of a file.
pub(crate) fn named(tokens: &[String]) -> Named {
    let mut named = Named::default();
    let mut braces = 0;
    // The depths of braces at which modules within the file were opened.
    let mut modules: Vec<usize> = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        match tokens[i].as_str() {
            "{" => braces += 1,
            "}" => {
                braces -= 1;
                if modules.last() == Some(&braces) {
                    modules.pop();
                }
            }
            "mod" if tokens.get(i + 2).is_some_and(|t| t == "{") => modules.push(braces),
            // `use<…>` of a type is something else.
            "use" if tokens.get(i + 1).is_some_and(|t| t != "<") => {
                let is_public = i > 0 && matches!(tokens[i - 1].as_str(), "pub" | ")");
                let mut reader = Tree { tokens, at: i + 1, depth: modules.len(), is_public };
                reader.read(&[], &mut named.imports);
                i = reader.at;
                continue;
            }
            word if is_name(word) => {
                let mut segments = vec![word.to_owned()];
                while tokens.get(i + 1).is_some_and(|t| t == "::")
                    && tokens.get(i + 2).is_some_and(|t| is_name(t))
                {
                    segments.push(tokens[i + 2].clone());
                    i += 2;
                }
                named.words.insert(segments[0].clone());
                if segments.len() > 1 {
                    named.paths.push(Path { segments, depth: modules.len() });
                }
            }
            _ => {}
        }
        i += 1;
    }
    named
}

impl Named {
    /// The first names of all paths that do not begin within the file's own crate.
    pub(crate) fn crates(&self) -> BTreeSet<&str> {
        let is_own = |name: &str| matches!(name, "crate" | "self" | "super");
        let brought = |name: &str| {
            self.imports.iter().any(|import| import.name == name && is_own(&import.path.segments[0]))
        };
        let paths = self.imports.iter().map(|import| &import.path).chain(&self.paths);
        let first = paths.map(|path| path.segments[0].as_str());
        first.filter(|name| !is_own(name) && !brought(name)).collect()
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Reads the tree of a `use`.
struct Tree<'a> {
    tokens: &'a [String],
    at: usize,
    depth: usize,
    is_public: bool,
}

impl Tree<'_> {
    fn token(&self) -> &str {
        self.tokens.get(self.at).map_or(";", String::as_str)
    }

    /// Reads one branch below a prefix, and stands at the token behind it.
    fn read(&mut self, prefix: &[String], into: &mut Vec<Import>) {
        let mut segments = prefix.to_vec();
        loop {
            match self.token() {
                "{" => {
                    self.at += 1;
                    while self.token() != "}" {
                        self.read(&segments, into);
                        if self.token() == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "::" => self.at += 1,
                "as" => {
                    let name = self.tokens[self.at + 1].clone();
                    self.at += 2;
                    return self.import(segments, name, into);
                }
                "self" if !prefix.is_empty() && segments.len() == prefix.len() => self.at += 1,
                "*" => {
                    self.at += 1;
                    return self.import(segments, "*".to_owned(), into);
                }
                word if is_name(word) => {
                    segments.push(word.to_owned());
                    self.at += 1;
                }
                _ => {
                    let name = segments.last().cloned().unwrap_or_default();
                    return self.import(segments, name, into);
                }
            }
        }
    }

    fn import(&self, segments: Vec<String>, name: String, into: &mut Vec<Import>) {
        let path = Path { segments, depth: self.depth };
        into.push(Import { path, name, is_public: self.is_public });
    }
}

#[test]
fn trees_of_use_are_told_path_by_path() {
    let tokens = super::tokens::tokens("pub(super) use super::{a::{self, B as C}, d::*}; use e as _;");
    let imports: Vec<(String, String, bool)> = named(&tokens)
        .imports
        .into_iter()
        .map(|import| (import.path.segments.join("::"), import.name, import.is_public))
        .collect();
    let expected =
        [("super::a", "a", true), ("super::a::B", "C", true), ("super::d", "*", true), ("e", "_", false)];
    assert_eq!(imports, expected.map(|(path, name, public)| (path.to_owned(), name.to_owned(), public)));
}

#[test]
fn paths_in_code_know_how_deep_they_stand() {
    let tokens =
        super::tokens::tokens("fn f() { a::b(c); } mod m { fn g() { super::d::E::new() } } h::i!();");
    let paths: Vec<(String, usize)> =
        named(&tokens).paths.into_iter().map(|path| (path.segments.join("::"), path.depth)).collect();
    assert_eq!(paths, [("a::b", 0), ("super::d::E::new", 1), ("h::i", 0)].map(|(p, d)| (p.to_owned(), d)));
}

#[test]
fn crates_are_told_from_modules_of_the_same_name() {
    let crates = |text: &str| {
        let named = named(&super::tokens::tokens(text));
        named.crates().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(crates("use redis::Client; fn f() { toml::de(crate::web::x) }"), ["redis", "toml"]);
    assert!(crates("use super::{nats, redis}; fn f() { redis::publish() }").is_empty());
    assert_eq!(
        crates("#[derive(thiserror::Error)] struct Wrong(#[from] regex::Error);"),
        ["regex", "thiserror"]
    );
}
