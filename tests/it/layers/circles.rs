//! Which files of a crate use which, and the circles among them.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{Named, Path, named};
use super::tokens::tokens;

/// A module's path from the root of its crate.
type Module = Vec<String>;

/// The files of a crate, by their modules.
pub(crate) struct Crate {
    /// What it is called by its own programs.
    name: String,
    modules: BTreeMap<Module, (String, Named)>,
}

impl Crate {
    /// A crate of `(path below its source folder, text)`.
    pub(crate) fn new(name: &str, files: &[(String, String)]) -> Self {
        let module = |path: &str| -> Module {
            let path = path.trim_end_matches(".rs");
            let path = path.strip_suffix("mod").filter(|p| p.ends_with('/')).unwrap_or(path);
            let segments = path.split('/').filter(|s| !s.is_empty());
            if path == "lib" { Vec::new() } else { segments.map(str::to_owned).collect() }
        };
        let modules =
            files.iter().map(|(path, text)| (module(path), (path.clone(), named(&tokens(text))))).collect();
        Self { name: name.to_owned(), modules }
    }

    /// The modules that each one uses. A file may use what stands in the `mod.rs` of its folder, or of
    /// one around it: that is what a folder's files have in common, and Rust nests them so.
    pub(crate) fn uses(&self) -> BTreeMap<&Module, BTreeSet<&Module>> {
        let used = |from: &Module, named: &Named| {
            // A name that is only passed on is no use; whoever takes it uses the file it comes from.
            let taken = named.imports.iter().filter(|i| !i.is_public || named.words.contains(&i.name));
            let paths = taken.map(|import| &import.path).chain(&named.paths);
            let found = paths.filter_map(|path| self.resolve(from, path));
            found.filter(|to| !from.starts_with(to)).collect()
        };
        self.modules.iter().map(|(module, (_, named))| (module, used(module, named))).collect()
    }

    /// The module that a path of another one leads to; none if it leads out of the crate.
    fn resolve(&self, from: &Module, path: &Path) -> Option<&Module> {
        let mut at = from.clone();
        // Modules within the file are no files: `super` leaves them first.
        let mut within = path.depth;
        let mut segments = path.segments.iter().peekable();
        let first = segments.peek()?.as_str();
        if first == "crate" || (first == self.name && !self.has_child(from, first)) {
            at.clear();
            segments.next();
        } else if first == "self" || first == "super" {
            while let Some(step) = segments.next_if(|s| *s == "self" || *s == "super") {
                match step.as_str() {
                    "super" if within > 0 => within -= 1,
                    "super" => drop(at.pop()),
                    _ => {}
                }
            }
        } else if !self.has_child(from, first) {
            return None;
        }
        self.descend(at, &segments.cloned().collect::<Vec<_>>())
    }

    /// Follows names from a module down, and through what its file passes on.
    fn descend(&self, mut at: Module, names: &[String]) -> Option<&Module> {
        for (place, name) in names.iter().enumerate() {
            if self.has_child(&at, name) {
                at.push(name.clone());
                continue;
            }
            let imports = &self.modules.get(&at)?.1.imports;
            if let Some(import) = imports.iter().find(|import| import.is_public && import.name == *name) {
                let mut path = import.path.clone();
                path.segments.extend_from_slice(&names[place + 1..]);
                return self.resolve(&at, &path).or_else(|| self.key(&at));
            }
            break;
        }
        self.key(&at)
    }

    fn key(&self, module: &Module) -> Option<&Module> {
        self.modules.get_key_value(module).map(|(module, _)| module)
    }

    fn has_child(&self, module: &Module, name: &str) -> bool {
        self.modules.contains_key(&[&module[..], &[name.to_owned()]].concat())
    }

    /// The circles: the files of each, in order, with what each uses of the others.
    pub(crate) fn circles(&self) -> Vec<Vec<String>> {
        let uses = self.uses();
        let reachable: BTreeMap<&Module, BTreeSet<&Module>> =
            uses.keys().map(|module| (*module, reachable(module, &uses))).collect();
        let mut left: BTreeSet<&Module> = uses.keys().copied().collect();
        let mut circles = Vec::new();
        while let Some(module) = left.pop_first() {
            let circle: BTreeSet<&Module> = reachable[module]
                .iter()
                .filter(|other| reachable[*other].contains(module))
                .copied()
                .collect();
            left.retain(|other| !circle.contains(other));
            let line = |member: &&Module| {
                let path = |module: &Module| self.modules[module].0.clone();
                let others = uses[*member].intersection(&circle);
                let others: Vec<String> = others.map(|other| path(other)).collect();
                format!("{} uses {}", path(member), others.join(", "))
            };
            if !circle.is_empty() {
                circles.push(circle.iter().map(line).collect());
            }
        }
        circles
    }
}

/// Everything that is used by a module, and by what it uses.
fn reachable<'a>(
    from: &'a Module,
    uses: &BTreeMap<&'a Module, BTreeSet<&'a Module>>,
) -> BTreeSet<&'a Module> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&Module> = uses[from].iter().copied().collect();
    while let Some(module) = next.pop() {
        if found.insert(module) {
            next.extend(&uses[module]);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::Crate;

    fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let files: Vec<_> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Crate::new("house", &files).circles()
    }

    #[test]
    fn a_circle_is_found_however_its_paths_are_written() {
        let b = ("a/b.rs", "fn f() { crate::a::c::d() }");
        for c in
            ["use super::b::f;", "use crate::a::{b::{self}};", "fn d() { super::b::f() }", "use house::a::b;"]
        {
            let found = circles(&[("lib.rs", "mod a;"), ("a/mod.rs", "mod b; mod c;"), b, ("a/c.rs", c)]);
            assert_eq!(found, [["a/b.rs uses a/c.rs", "a/c.rs uses a/b.rs"]], "{c}");
        }
    }

    #[test]
    fn a_name_is_followed_through_the_file_that_passes_it_on() {
        let root = ("a/mod.rs", "mod b; mod c; pub use b::Thing as Passed; pub(super) use self::c::d;");
        let found = circles(&[root, ("a/b.rs", "use super::d;"), ("a/c.rs", "use crate::a::Passed;")]);
        assert_eq!(found, [["a/b.rs uses a/c.rs", "a/c.rs uses a/b.rs"]]);
    }

    #[test]
    fn longer_circles_are_found_whole() {
        let files = [
            ("a.rs", "use crate::b::x;"),
            ("b.rs", "use crate::c::x;"),
            ("c.rs", "use crate::a::x; use crate::d;"),
        ];
        let found = circles(&[&files[..], &[("d.rs", "")]].concat());
        assert_eq!(found, [["a.rs uses b.rs", "b.rs uses c.rs", "c.rs uses a.rs"]]);
    }

    #[test]
    fn one_way_is_no_circle_and_neither_is_a_folder_with_its_own_files() {
        let root = ("a/mod.rs", "mod b; mod c; fn all() { b::f(); c::f(); } fn common() {}");
        assert!(circles(&[root, ("a/b.rs", "use super::c;"), ("a/c.rs", "use super::common;")]).is_empty());
    }

    #[test]
    fn super_leaves_a_module_within_the_file_first() {
        let b = ("b.rs", "mod inner { use super::c; use super::super::a; } use crate::a::x;");
        assert!(circles(&[("lib.rs", ""), ("a.rs", ""), b]).is_empty());
        let a = ("a.rs", "use crate::b;");
        assert_eq!(circles(&[("lib.rs", ""), a, b]).len(), 1);
    }
}
