//! Claims as JUnit XML: a test case each, for CI systems that collect such files.
//!
//! Supported, met and indicated claims pass; refuted, missed and undecided ones are failures, invalid ones errors; a claim that does not gate and is
//! not supported is skipped. The form is that of Jenkins' `junit-10.xsd`.

use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::Writer;

use super::model::{ClaimRow, Report, StageRow};
use crate::printable;
use crate::verdict::audit::Grade;

/// The claims of a report as JUnit XML.
///
/// # Errors
/// If it cannot be written, which memory rules out.
pub fn render(report: &Report) -> std::io::Result<String> {
    let judged = &report.judged;
    let mut properties = vec![
        ("audit", judged.audit_grade.to_owned()),
        ("level", judged.level.clone()),
        ("generated", report.about.generated_at.clone()),
        ("loadproof", report.about.tool_version.clone()),
    ];
    properties.extend(report.arms.iter().map(|arm| (arm.role, arm.name.clone())));
    if !judged.after_the_fact.is_empty() {
        properties.push(("claims", judged.after_the_fact.clone()));
    }
    if !judged.in_spite.is_empty() {
        properties.push(("note", judged.in_spite.clone()));
    }
    properties.extend(report.warnings.iter().map(|warning| ("warning", warning.clone())));
    properties.extend(report.doubts.iter().map(|doubt| ("note", doubt.clone())));
    properties.extend(report.stages.iter().map(|row| ("stage", stage(row, report.arms.len() > 1))));
    let bad = judged.checks.iter().filter(|check| check.grade != Grade::Valid.word());
    properties
        .extend(bad.map(|check| ("audit check", format!("{} {}: {}", check.grade, check.name, check.text))));
    let cases = judged.claims.iter().map(case).collect();
    Suite { name: report.title.clone(), properties, cases }.render()
}

/// A stage of the load in a line: `spike, from 5 s to 7 s: planned 40 users, n 812, …`
fn stage(row: &StageRow, has_arms: bool) -> String {
    let arm = if has_arms { format!("{}, ", row.arm) } else { String::new() };
    let [(_, name), (_, span), cells @ ..] = row.cells();
    let cells =
        cells.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("{name} {text}"));
    format!("{arm}{name}, {span}: {}", cells.collect::<Vec<_>>().join(", "))
}

/// A claim as a test case.
pub(super) fn case(claim: &ClaimRow) -> Case {
    Case {
        name: format!("{} {}", claim.id, claim.title),
        result: match (claim.verdict, claim.gates) {
            ("supported", _) => CaseResult::Passed,
            _ if claim.word == "indicated" => CaseResult::Passed,
            (_, false) => CaseResult::Skipped,
            ("invalid", true) => CaseResult::Error,
            (_, true) => CaseResult::Failure,
        },
        state: claim.word,
        message: format!("{}: {}", claim.word, claim.reason),
        text: facts(claim),
    }
}

/// What a test case is to a CI system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CaseResult {
    Passed,
    Failure,
    Error,
    Skipped,
}

/// A test case.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) result: CaseResult,
    /// The state in a word.
    pub(super) state: &'static str,
    /// Why it did not pass.
    pub(super) message: String,
    /// What it rests on.
    pub(super) text: String,
}

/// Test cases that belong together.
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) properties: Vec<(&'static str, String)>,
    pub(super) cases: Vec<Case>,
}

impl Suite {
    /// The suite as a document.
    pub(super) fn render(&self) -> std::io::Result<String> {
        let count = |result| self.cases.iter().filter(|case| case.result == result).count().to_string();
        let counts = [
            ("tests", self.cases.len().to_string()),
            ("failures", count(CaseResult::Failure)),
            ("errors", count(CaseResult::Error)),
            ("skipped", count(CaseResult::Skipped)),
        ];
        let counts: Vec<(&str, &str)> = counts.iter().map(|(name, n)| (*name, n.as_str())).collect();
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        // `skipped` is an attribute of a suite only.
        let of_all = writer.create_element("testsuites").with_attribute(("name", "loadproof"));
        of_all.with_attributes(counts[..3].iter().copied()).write_inner_content(|writer| {
            let suite = writer.create_element("testsuite").with_attribute(("name", self.name.as_str()));
            suite.with_attributes(counts.iter().copied()).write_inner_content(|writer| {
                self.write_properties(writer)?;
                self.cases.iter().try_for_each(|case| case.write(writer, &self.name))
            })?;
            Ok(())
        })?;
        let text = String::from_utf8(writer.into_inner()).map_err(std::io::Error::other)?;
        // Once for all names, messages and texts.
        Ok(printable::for_xml(&text).into_owned() + "\n")
    }

    fn write_properties(&self, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        writer.create_element("properties").write_inner_content(|writer| {
            for (name, value) in &self.properties {
                let property = writer.create_element("property");
                property.with_attributes([("name", *name), ("value", value.as_str())]).write_empty()?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

impl Case {
    fn write(&self, writer: &mut Writer<Vec<u8>>, suite: &str) -> std::io::Result<()> {
        let attributes = [("classname", suite), ("name", self.name.as_str())];
        writer.create_element("testcase").with_attributes(attributes).write_inner_content(|writer| {
            let element = match self.result {
                CaseResult::Passed => None,
                CaseResult::Failure => Some("failure"),
                CaseResult::Error => Some("error"),
                CaseResult::Skipped => Some("skipped"),
            };
            if let Some(element) = element {
                let message = ("message", self.message.as_str());
                let mut element = writer.create_element(element).with_attribute(message);
                if self.result != CaseResult::Skipped {
                    element = element.with_attribute(("type", self.state));
                }
                element.write_text_content(BytesText::new(&self.text))?;
            }
            writer.create_element("system-out").write_text_content(BytesText::new(&self.text))?;
            Ok(())
        })?;
        Ok(())
    }
}

/// What a claim rests on, a line each.
fn facts(claim: &ClaimRow) -> String {
    let mut lines = vec![claim.formula.clone()];
    if !claim.select.is_empty() {
        lines.push(format!("samples: {}", claim.select));
    }
    if claim.verdict == "invalid" {
        return lines.join("\n");
    }
    lines.push(format!("estimate {} {} at {}", claim.estimate, claim.interval, claim.level));
    lines.extend(claim.inputs.iter().cloned());
    lines.push(format!(
        "n = {}, rounds = {}",
        claim.n,
        if claim.rounds.is_empty() { "none" } else { &claim.rounds }
    ));
    lines.extend([&claim.supports, &claim.needs].into_iter().filter(|t| !t.is_empty()).cloned());
    lines.extend(claim.notes.iter().cloned());
    lines.join("\n")
}
