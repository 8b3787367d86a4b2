//! Files that requests send: they are written beside the scenario, so that it can be checked and run.

use super::model::{DraftFile, Findings};

impl Findings {
    /// A file to be written beside the scenario: what was recorded of it, or a placeholder. Gives its name there.
    pub(super) fn file(&mut self, wanted: &str, content: &[u8]) -> String {
        let name = plain_name(wanted);
        let is_unknown = content.is_empty();
        let content =
            if is_unknown { format!("placeholder for {name}\n").into_bytes() } else { content.to_vec() };
        if is_unknown {
            self.note(format!("`{name}` is sent; unless that file is there, a placeholder is written"));
        }
        if let Some(known) = self.files.iter().find(|file| file.content == content) {
            return known.name.clone();
        }
        let name = super::names::unused(&name, |name| self.files.iter().any(|file| file.name == name));
        self.files.push(DraftFile { name: name.clone(), content });
        name
    }
}

/// A path below the scenario's folder: relative, without leading dots, of nothing but letters, digits and `._-`.
fn plain_name(wanted: &str) -> String {
    let is_below = !wanted.contains(['\\', ':']) && !wanted.starts_with(['/', '~']) && !wanted.contains("..");
    let parts: Vec<String> =
        wanted.split(['/', '\\']).map(plain_part).filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [] => "upload.bin".to_owned(),
        parts if is_below && parts.len() <= 8 => parts.join("/"),
        [.., last] => last.clone(),
    }
}

fn plain_part(part: &str) -> String {
    let name: String = part
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .take(80)
        .collect();
    name.trim_start_matches(['.', '-', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_plain_names_and_are_written_once() {
        let mut findings = Findings::default();
        assert_eq!(findings.file("../../etc/pass wd.png", b"a"), "pass_wd.png");
        assert_eq!(findings.file("b.png", b"a"), "pass_wd.png");
        assert_eq!(findings.file("pass_wd.png", b"c"), "pass_wd.png_2");
        assert_eq!(findings.file("..", b""), "upload.bin");
        assert_eq!(findings.file("data/./a.json", b""), "data/a.json");
        assert_eq!(findings.file("C:\\fakepath\\b.json", b""), "b.json");
        assert_eq!(findings.notes.len(), 3);
    }
}
