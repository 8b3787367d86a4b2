//! `[[profile.NAME.patch]]`: keys of the system's own files.

use toml::Spanned;
use toml::de::DeValue;

use super::Settings;
use crate::scenario::fields::{Fields, Located, number, wrong_type};
use crate::scenario::patch::{Format, Patch, PatchValue};
use crate::scenario::problem::{FileId, Place, Problems};

pub(in crate::scenario) fn read(table: &mut Fields<'_>, settings: &Settings) -> Vec<Patch> {
    table.tables("patch").into_iter().filter_map(|table| patch(table, settings)).collect()
}

fn patch(mut table: Fields<'_>, settings: &Settings) -> Option<Patch> {
    let problems = table.problems;
    let file =
        table.required_text("file").map(|l| Located { value: settings.fill(&l, problems), place: l.place });
    let given = table.text("format");
    let create = table.flag("create").unwrap_or(false);
    table.require("set");
    let set: Vec<(String, PatchValue)> = match table.table("set") {
        None => Vec::new(),
        Some(set) => {
            let file = set.file();
            let entries = set.entries().into_iter();
            entries.filter_map(|(key, v)| Some((key.value, value(v, file, settings, problems)?))).collect()
        }
    };
    super::refuse_removal(&mut table, "patch");
    table.finish();
    let file = file?;
    let names = Format::ALL.map(|(name, _)| name);
    let format = match &given {
        Some(given) => {
            let found = Format::ALL.into_iter().find(|(name, _)| *name == given.value).map(|(_, f)| f);
            if found.is_none() {
                problems.add_unknown(&given.place, "format", &given.value, &names);
            }
            found
        }
        None => {
            let found = Format::of_name(&file.value);
            if found.is_none() {
                let title = format!("how is `{}` written?", file.value);
                problems.add(
                    &file.place,
                    title,
                    "the format is not clear from the name: add `format = \"env\"`, say",
                );
            }
            found
        }
    };
    Some(Patch { file: file.value, format: format?, set, create })
}

fn value(
    value: &Spanned<DeValue<'_>>,
    file: FileId,
    settings: &Settings,
    problems: &Problems,
) -> Option<PatchValue> {
    let place = Place { file, span: value.span() };
    Some(match value.get_ref() {
        DeValue::String(text) => {
            PatchValue::Text(settings.fill(&Located { value: text.to_string(), place }, problems))
        }
        DeValue::Integer(n) => PatchValue::Integer(i64::from_str_radix(n.as_str(), n.radix()).ok()?),
        DeValue::Boolean(flag) => PatchValue::Flag(*flag),
        float @ DeValue::Float(_) => PatchValue::Float(number(float)?),
        DeValue::Array(items) => PatchValue::List(
            items.iter().filter_map(|item| self::value(item, file, settings, problems)).collect(),
        ),
        other => {
            wrong_type(
                problems,
                &place,
                "a value of `set`",
                "a string, a number, a boolean or a list",
                other,
            );
            return None;
        }
    })
}
