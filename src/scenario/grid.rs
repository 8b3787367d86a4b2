//! Grids: a profile for every combination of some variables' values (`--grid workers=1,2,3`).
//!
//! The profiles are written as TOML that extends the base profile, and read like any others. Whatever names the base
//! profile in a list `profiles` (claims, sources, symptoms, faults, hooks) is of its cells as well.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::names::parts_of;
use super::problem::{FileId, Place, Problems};
use super::read::plain::json;
use crate::redact;

/// Most cells of a grid: each is an arm of every round.
pub const MOST_CELLS: usize = 64;

/// What is to be said of mistakes.
const COMMAND_LINE: &str = "--grid";

/// A variable that is one call of `env`, and the name that it asks for.
static ASKED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^\s*\{\{\s*env\(\s*["']([^"']+)["'][^{}]*\)\s*\}\}\s*$"#).ok());

/// A factor of a grid and its levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The variable of `[vars]`, or the environment variable that one of them is read from.
    pub name: String,
    /// Its values, at least two, the reference first.
    pub levels: Vec<String>,
}

/// Why a text is not an axis.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a valid axis: {reason}; expected e.g. `workers=1,2,3`")]
pub struct AxisError {
    text: String,
    reason: &'static str,
}

impl Axis {
    /// Reads `NAME=VALUE,VALUE,…`.
    ///
    /// # Errors
    /// If it has no name, fewer than two values, or one twice.
    pub fn parse(text: &str) -> Result<Self, AxisError> {
        let wrong = |reason| AxisError { text: text.to_owned(), reason };
        let (name, values) = text.split_once('=').ok_or_else(|| wrong("it has no `=`"))?;
        let (name, levels) =
            (name.trim().to_owned(), values.split(',').map(|value| value.trim().to_owned()).collect());
        let axis = Self { name, levels };
        let distinct: BTreeSet<&String> = axis.levels.iter().collect();
        let reason = if axis.name.is_empty() {
            "it has no name"
        } else if axis.levels.iter().any(String::is_empty) {
            "a value is empty"
        } else if text.chars().any(char::is_control) {
            "it has a control character"
        } else if axis.levels.len() < 2 {
            "it needs two values or more"
        } else if distinct.len() < axis.levels.len() {
            "a value is listed twice"
        } else {
            return Ok(axis);
        };
        Err(wrong(reason))
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.levels.join(","))
    }
}

/// A claim that throughput grows with a factor: `workers=3:2.5`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    /// The factor's name.
    pub name: String,
    /// Its level that is compared with the reference, all other factors at theirs.
    pub level: String,
    /// How many times the reference's throughput it has at least.
    pub times: f64,
}

/// Why a text is not a claim of scaling.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a valid claim of scaling: expected e.g. `workers=3:2.5`, at least 2.5 times the first value's throughput"
)]
pub struct ScalingError(String);

impl Scaling {
    /// Reads `NAME=LEVEL:TIMES`.
    ///
    /// # Errors
    /// If a part is missing, or the last one is not a positive number.
    pub fn parse(text: &str) -> Result<Self, ScalingError> {
        let parts = || {
            let (name, rest) = text.split_once('=')?;
            let (level, times) = rest.rsplit_once(':')?;
            let times = times.trim().parse().ok().filter(|times: &f64| times.is_finite() && *times > 0.0)?;
            Some(Self { name: name.trim().to_owned(), level: level.trim().to_owned(), times })
        };
        parts().ok_or_else(|| ScalingError(text.to_owned()))
    }
}

impl fmt::Display for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}:{}", self.name, self.level, self.times)
    }
}

/// Which grid is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    /// The profile that its cells extend; the experiment's baseline, or the only profile, if none is named.
    pub base: Option<String>,
    /// Its factors; none for no grid.
    pub axes: Vec<Axis>,
    /// What is claimed of its throughput.
    pub scalings: Vec<Scaling>,
}

/// A combination of levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its profile's name: `workers=1,batch_size=10`.
    pub name: String,
    /// Name and level of each factor.
    pub levels: Vec<(String, String)>,
}

impl Grid {
    /// How many cells it has; 1 without an axis.
    pub fn size(&self) -> usize {
        self.axes.iter().fold(1, |size, axis| size.saturating_mul(axis.levels.len()))
    }

    /// All combinations, the last factor changing fastest: the first is that of all reference levels.
    pub fn cells(&self) -> Vec<Cell> {
        let mut all: Vec<Vec<(String, String)>> = vec![Vec::new()];
        for axis in &self.axes {
            let with = |levels: &Vec<(String, String)>, level: &String| {
                let mut levels = levels.clone();
                levels.push((axis.name.clone(), level.clone()));
                levels
            };
            all = all.iter().flat_map(|l| axis.levels.iter().map(move |level| with(l, level))).collect();
        }
        let named = |levels: Vec<(String, String)>| {
            let name: Vec<String> = levels.iter().map(|(name, level)| format!("{name}={level}")).collect();
            Cell { name: name.join(","), levels }
        };
        all.into_iter().map(named).collect()
    }
}

/// The cells of a grid, as they are read.
pub(super) struct Written {
    /// The profile that they extend.
    pub(super) base: String,
    /// Profiles and claims, as TOML.
    pub(super) text: String,
}

/// The cells of a grid as TOML: profiles that extend its base. None if something is wrong with it, which is noted.
/// `given`: the variables that the command line sets for all profiles.
pub(super) fn written(
    grid: &Grid,
    roots: &[(FileId, Spanned<DeTable<'_>>)],
    given: &[&str],
    problems: &Problems,
) -> Option<Written> {
    let base = base(grid, roots, problems);
    let mut variables = Vec::new();
    for axis in &grid.axes {
        let text = axis.to_string();
        let file = problems.add_file(COMMAND_LINE, &text);
        let place = Place { file, span: 0..axis.name.len() };
        let variable = variable(axis, roots, &place, problems);
        if let Some(Variable { name, .. }) = &variable
            && given.contains(name)
        {
            problems.add(&place, format!("`vars.{name}` is set by --var as well"), "leave out one of them");
        }
        variables.push(variable);
    }
    let (base, variables) = (base?, variables.into_iter().collect::<Option<Vec<Variable<'_>>>>()?);
    let mut text = String::new();
    for cell in grid.cells() {
        let vars = variables.iter().zip(&cell.levels);
        let vars: Vec<String> = vars
            .map(|(variable, (_, level))| format!("{} = {}", variable.name, variable.value(level)))
            .collect();
        text.push_str(&format!(
            "[profile.{}]\nextend = {}\nwhy = {}\nvars = {{ {} }}\n",
            quoted(&cell.name),
            quoted(&base),
            quoted(&format!("The profile {base} with {}.", cell.name)),
            vars.join(", ")
        ));
    }
    let claims = grid.scalings.iter().map(|scaling| scaling_claim(scaling, grid, problems));
    text.extend(claims.collect::<Option<Vec<String>>>()?);
    Some(Written { base, text })
}

/// What is claimed of a cell's throughput, as TOML; a factor or level that the grid does not have is noted.
fn scaling_claim(scaling: &Scaling, grid: &Grid, problems: &Problems) -> Option<String> {
    let text = scaling.to_string();
    let place = |problems: &Problems| {
        let file = problems.add_file("--scales", &text);
        Place { file, span: 0..text.len() }
    };
    let names: Vec<&str> = grid.axes.iter().map(|axis| axis.name.as_str()).collect();
    let Some(axis) = grid.axes.iter().find(|axis| axis.name == scaling.name) else {
        problems.add_unknown(&place(problems), "factor", &scaling.name, &names);
        return None;
    };
    let levels: Vec<&str> = axis.levels.iter().skip(1).map(String::as_str).collect();
    if !levels.contains(&scaling.level.as_str()) {
        problems.add_unknown(&place(problems), "level besides the reference", &scaling.level, &levels);
        return None;
    }
    let is_meant = |cell: &Cell| {
        let mut pairs = grid.axes.iter().zip(&cell.levels);
        pairs.all(|(of, (_, level))| {
            *level == if of.name == scaling.name { &scaling.level } else { &of.levels[0] }.as_str()
        })
    };
    let cell = grid.cells().into_iter().find(is_meant)?;
    let title = format!("{} {} → {} scales throughput", axis.name, axis.levels[0], scaling.level);
    Some(format!(
        "[[claim]]\ntitle = {}\nvalue = \"treatment.throughput / baseline.throughput\"\nat_least = {}\nprofiles = [{}]\n",
        quoted(&title),
        quoted(&format!("{}x", scaling.times)),
        quoted(&cell.name)
    ))
}

/// Lets whatever names the base profile name its cells as well.
pub(super) fn include_cells<'t>(base: &str, cells: &'t [Cell], roots: &mut [(FileId, Spanned<DeTable<'t>>)]) {
    for (_, root) in roots {
        include_in(root.get_mut(), base, cells);
    }
}

fn include_in<'t>(table: &mut DeTable<'t>, base: &str, cells: &'t [Cell]) {
    for (key, value) in table.iter_mut() {
        let is_list = key.get_ref() == "profiles";
        let span = value.span();
        match value.get_mut() {
            DeValue::Array(names)
                if is_list && names.iter().any(|name| name.get_ref().as_str() == Some(base)) =>
            {
                for cell in cells {
                    names.push(Spanned::new(span.clone(), DeValue::String(cell.name.as_str().into())));
                }
            }
            DeValue::Array(items) => {
                for item in items.iter_mut() {
                    if let DeValue::Table(table) = item.get_mut() {
                        include_in(table, base, cells);
                    }
                }
            }
            DeValue::Table(table) => include_in(table, base, cells),
            _ => {}
        }
    }
}

/// Notes the factors that no setting of the base profile uses: their cells would all be the same system.
pub(super) fn check_use(
    grid: &Grid,
    base: &str,
    roots: &[(FileId, Spanned<DeTable<'_>>)],
    problems: &Problems,
) {
    let profile = profiles(roots).find(|(name, _)| *name == base);
    let Some((_, profile)) = profile else { return };
    let mut pending = vec![json(profile).to_string()];
    let mut used = BTreeSet::new();
    while let Some(text) = pending.pop() {
        // Quotes are escaped in JSON, and names are not looked for in texts.
        for name in parts_of(&text.replace("\\\"", "\""), "vars").into_iter().flatten() {
            if used.insert(name.to_owned()) {
                pending.extend(
                    vars(roots).filter(|(known, _)| *known == name).map(|(_, v)| json(v).to_string()),
                );
            }
        }
    }
    for axis in &grid.axes {
        let Some((name, _)) = found(axis, roots) else { continue };
        if !used.contains(name) {
            let file = problems.add_file(COMMAND_LINE, &axis.to_string());
            let title = format!("profile `{base}` does not use `vars.{name}`");
            let place = Place { file, span: 0..axis.name.len() };
            problems.add(&place, title, "every level would be the same system");
        }
    }
}

/// A variable of `[vars]` that a factor sets.
struct Variable<'a> {
    name: &'a str,
    is_text: bool,
}

impl Variable<'_> {
    fn value(&self, level: &str) -> String {
        if self.is_text { quoted(level) } else { level.to_owned() }
    }
}

fn variable<'a>(
    axis: &Axis,
    roots: &'a [(FileId, Spanned<DeTable<'_>>)],
    place: &Place,
    problems: &Problems,
) -> Option<Variable<'a>> {
    if redact::is_secret_name(&axis.name) {
        let title = format!("`{}` may be a secret", axis.name);
        problems.add(place, title, "the levels of a grid stand in its reports");
        return None;
    }
    let Some((name, said)) = found(axis, roots) else {
        let known: Vec<&str> = vars(roots).map(|(name, _)| name).collect();
        problems.add_unknown(
            place,
            "variable of `[vars]`, or environment variable that one is read from:",
            &axis.name,
            &known,
        );
        return None;
    };
    let is_text = matches!(said, DeValue::String(_));
    let alike = |level: &String| {
        let text = format!("value = {level}");
        let Ok(parsed) = DeTable::parse(&text) else { return false };
        let value = parsed.get_ref().get("value").filter(|_| parsed.get_ref().len() == 1);
        value.is_some_and(|value| {
            std::mem::discriminant(&json(value.get_ref())) == std::mem::discriminant(&json(said))
        })
    };
    let wrong = axis.levels.iter().find(|level| !is_text && !alike(level));
    if let Some(level) = wrong {
        let title = format!("`{level}` is not a valid value of `vars.{name}`");
        problems.add(place, title, format!("expected a value like `{}`", json(said)));
        return None;
    }
    Some(Variable { name, is_text })
}

/// The variable of `[vars]` that an axis means: by its name, or by the environment variable that it is read from.
fn found<'a>(axis: &Axis, roots: &'a [(FileId, Spanned<DeTable<'_>>)]) -> Option<(&'a str, &'a DeValue<'a>)> {
    let asks = |value: &DeValue<'_>| {
        let (pattern, text) = (ASKED.as_ref()?, value.as_str()?);
        Some(pattern.captures(text)?.get(1)?.as_str() == axis.name)
    };
    vars(roots)
        .find(|(name, _)| *name == axis.name)
        .or_else(|| vars(roots).find(|(_, value)| asks(value) == Some(true)))
}

/// The profile that the cells extend.
fn base(grid: &Grid, roots: &[(FileId, Spanned<DeTable<'_>>)], problems: &Problems) -> Option<String> {
    let known: Vec<&str> = profiles(roots).map(|(name, _)| name).collect();
    let place = |flag: &str, text: &str| {
        let file = problems.add_file(flag, text);
        Place { file, span: 0..text.len() }
    };
    let Some(base) = grid.base.clone().or_else(|| default_base(roots)) else {
        let label = format!("name one of them with --baseline: {}", known.join(", "));
        let label = if known.is_empty() { "the scenario has no profile".to_owned() } else { label };
        problems.add(&place(COMMAND_LINE, "grid"), "the grid has no profile to vary", label);
        return None;
    };
    if known.contains(&base.as_str()) {
        return Some(base);
    }
    problems.add_unknown(&place("--baseline", &base), "profile", &base, &known);
    None
}

/// The experiment's baseline, or the only profile.
fn default_base(roots: &[(FileId, Spanned<DeTable<'_>>)]) -> Option<String> {
    let of_experiment = || {
        let experiment = roots.first()?.1.get_ref().get("experiment")?.get_ref().as_table()?;
        experiment.get("baseline")?.get_ref().as_str().map(str::to_owned)
    };
    let only = || {
        let known: BTreeSet<&str> = profiles(roots).map(|(name, _)| name).collect();
        (known.len() == 1).then(|| known.first().map(|name| (*name).to_owned()))?
    };
    of_experiment().or_else(only)
}

fn profiles<'a>(
    roots: &'a [(FileId, Spanned<DeTable<'_>>)],
) -> impl Iterator<Item = (&'a str, &'a DeValue<'a>)> {
    entries(roots, "profile")
}

fn vars<'a>(roots: &'a [(FileId, Spanned<DeTable<'_>>)]) -> impl Iterator<Item = (&'a str, &'a DeValue<'a>)> {
    entries(roots, "vars")
}

fn entries<'a>(
    roots: &'a [(FileId, Spanned<DeTable<'_>>)],
    table: &'static str,
) -> impl Iterator<Item = (&'a str, &'a DeValue<'a>)> {
    let tables = roots.iter().filter_map(move |(_, root)| root.get_ref().get(table)?.get_ref().as_table());
    tables.flat_map(|table| table.iter().map(|(name, value)| (name.get_ref().as_ref(), value.get_ref())))
}

/// A text as TOML. Control characters do not occur, so JSON's form is one of TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_is_a_name_and_two_values_or_more() {
        let axis = Axis::parse("workers=1, 2,3").unwrap();
        assert_eq!((axis.name.as_str(), axis.levels.join("|")), ("workers", "1|2|3".to_owned()));
        let wrong = ["workers", "=1,2", "workers=1", "workers=1,,2", "workers=1,1", "w=1,\u{7}"];
        let wrong = wrong.map(|text| Axis::parse(text).unwrap_err().to_string());
        insta::assert_snapshot!(wrong.join("\n").replace('\u{7}', "?"), @"
        `workers` is not a valid axis: it has no `=`; expected e.g. `workers=1,2,3`
        `=1,2` is not a valid axis: it has no name; expected e.g. `workers=1,2,3`
        `workers=1` is not a valid axis: it needs two values or more; expected e.g. `workers=1,2,3`
        `workers=1,,2` is not a valid axis: a value is empty; expected e.g. `workers=1,2,3`
        `workers=1,1` is not a valid axis: a value is listed twice; expected e.g. `workers=1,2,3`
        `w=1,?` is not a valid axis: it has a control character; expected e.g. `workers=1,2,3`
        ");
    }

    #[test]
    fn a_claim_of_scaling_is_a_level_and_a_factor() {
        let scaling = Scaling::parse("workers=3:2.5").unwrap();
        assert_eq!((scaling.level.as_str(), scaling.times), ("3", 2.5));
        assert_eq!(scaling.to_string(), "workers=3:2.5");
        // A level may hold a colon.
        assert_eq!(Scaling::parse("listen=h:1:2").unwrap().level, "h:1");
        for wrong in ["workers=3", "workers:2", "workers=3:", "workers=3:-1", "workers=3:inf"] {
            assert!(Scaling::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn cells_are_all_combinations_with_the_reference_first() {
        let axes = ["a=1,2", "b=x,y"].map(|text| Axis::parse(text).unwrap()).to_vec();
        let grid = Grid { base: None, axes, scalings: Vec::new() };
        let names: Vec<String> = grid.cells().into_iter().map(|cell| cell.name).collect();
        assert_eq!(names, ["a=1,b=x", "a=1,b=y", "a=2,b=x", "a=2,b=y"]);
        assert_eq!(grid.size(), 4);
    }
}
