//! Claims as JUnit XML: a test case each, for CI systems that collect such files.
//!
//! Refuted and undecided claims are failures, invalid ones errors; a claim that does not gate and is
//! not supported is skipped. The form is that of Jenkins' `junit-10.xsd`.

use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::Writer;

use super::model::{ClaimRow, Report};

/// The claims of a report as JUnit XML.
///
/// # Errors
/// If it cannot be written, which memory rules out.
pub fn render(report: &Report) -> std::io::Result<String> {
    let claims = &report.judged.claims;
    let count = |kind: Kind| claims.iter().filter(|c| Kind::of(c) == kind).count().to_string();
    let counts = [
        ("tests", claims.len().to_string()),
        ("failures", count(Kind::Failure)),
        ("errors", count(Kind::Error)),
        ("skipped", count(Kind::Skipped)),
    ];
    let counts: Vec<(&str, &str)> = counts.iter().map(|(name, n)| (*name, n.as_str())).collect();
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    // `skipped` is an attribute of a suite only.
    let of_all = writer.create_element("testsuites").with_attribute(("name", "loadproof"));
    of_all.with_attributes(counts[..3].iter().copied()).write_inner_content(|writer| {
        let suite = writer.create_element("testsuite").with_attribute(("name", report.title.as_str()));
        suite.with_attributes(counts.iter().copied()).write_inner_content(|writer| {
            properties(writer, report)?;
            claims.iter().try_for_each(|claim| test_case(writer, claim, &report.title))
        })?;
        Ok(())
    })?;
    let text = String::from_utf8(writer.into_inner()).map_err(std::io::Error::other)?;
    Ok(text + "\n")
}

fn properties(writer: &mut Writer<Vec<u8>>, report: &Report) -> std::io::Result<()> {
    let judged = &report.judged;
    let mut all = vec![
        ("audit", judged.audit_grade.to_owned()),
        ("level", judged.level.clone()),
        ("generated", report.about.generated_at.clone()),
        ("loadproof", report.about.tool_version.clone()),
    ];
    all.extend(report.arms.iter().map(|arm| (arm.role, arm.name.clone())));
    if !judged.in_spite.is_empty() {
        all.push(("note", judged.in_spite.clone()));
    }
    writer.create_element("properties").write_inner_content(|writer| {
        for (name, value) in &all {
            let property = writer.create_element("property");
            property.with_attributes([("name", *name), ("value", value.as_str())]).write_empty()?;
        }
        Ok(())
    })?;
    Ok(())
}

/// What a claim is to a CI system.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Passed,
    Failure,
    Error,
    Skipped,
}

impl Kind {
    fn of(claim: &ClaimRow) -> Self {
        match (claim.verdict, claim.gates) {
            ("supported", _) => Self::Passed,
            (_, false) => Self::Skipped,
            ("invalid", true) => Self::Error,
            (_, true) => Self::Failure,
        }
    }
}

fn test_case(writer: &mut Writer<Vec<u8>>, claim: &ClaimRow, suite: &str) -> std::io::Result<()> {
    let name = format!("{} {}", claim.id, claim.title);
    let case =
        writer.create_element("testcase").with_attributes([("classname", suite), ("name", name.as_str())]);
    let facts = facts(claim);
    case.write_inner_content(|writer| {
        let element = match Kind::of(claim) {
            Kind::Passed => None,
            Kind::Failure => Some("failure"),
            Kind::Error => Some("error"),
            Kind::Skipped => Some("skipped"),
        };
        if let Some(element) = element {
            let message = format!("{}: {}", claim.verdict, claim.reason);
            let mut element = writer.create_element(element).with_attribute(("message", message.as_str()));
            if Kind::of(claim) != Kind::Skipped {
                element = element.with_attribute(("type", claim.verdict));
            }
            element.write_text_content(BytesText::new(&facts))?;
        }
        writer.create_element("system-out").write_text_content(BytesText::new(&facts))?;
        Ok(())
    })?;
    Ok(())
}

/// What a claim rests on, a line each.
fn facts(claim: &ClaimRow) -> String {
    let mut lines = vec![claim.formula.clone()];
    if !claim.select.is_empty() {
        lines.push(format!("samples: {}", claim.select));
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
