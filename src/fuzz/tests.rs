//! Inputs from outside, made wrong in every way that a few rules know of: nothing may panic or hang. `make fuzz SECONDS=60`
//! gives every target so long; the tests give each a moment.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::checksum::mix;

/// How long every target has, s.
const SECONDS: &str = "FUZZ_SECONDS";
/// Where the draws begin; a failure names it.
const SEED: &str = "FUZZ_SEED";
/// What a target has in the tests.
const MOMENT: Duration = Duration::from_millis(300);
/// A case that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(20);
/// Bytes of the largest case.
const LARGEST: usize = 1 << 16;

/// Pieces that programs trip over.
const PIECES: [&str; 24] = [
    "18446744073709551616",
    "-9223372036854775809",
    "1e309",
    "-0.0",
    "NaN",
    "\0",
    "\u{feff}",
    "\u{202e}",
    "\r\n",
    "\"\"\"",
    "'''",
    "\\",
    "{{",
    "}}",
    "{% for x in range(1000000000) %}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
    "2026-02-30T25:61:61Z",
    "999999999999999999h",
    "%ff%fe",
    ",,,,",
    "=cmd|' /C calc'!A0",
    "\u{1b}]0;x\u{7}",
    "é",
];

/// Numbers that are drawn one after the other.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = mix(self.0, &[1]);
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }
}

/// The files below some folders of the project.
pub(crate) fn corpus(folders: &[&str]) -> Vec<Vec<u8>> {
    let mut pending: Vec<PathBuf> =
        folders.iter().map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).collect();
    let mut found = Vec::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.push(path);
        }
    }
    found.sort();
    assert!(!found.is_empty());
    found.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Gives a target one wrong input after the other.
pub(crate) fn run(name: &str, corpus: &[Vec<u8>], target: impl Fn(&[u8])) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let time = number(SECONDS).map_or(MOMENT, Duration::from_secs);
    let seed: u64 =
        number(SEED).unwrap_or_else(|| if time == MOMENT { 1 } else { u64::from(std::process::id()) });
    let begun = Instant::now();
    let mut cases = 0_u64;
    while begun.elapsed() < time {
        let case = case(&mut Draw(mix(seed, &[cases])), corpus);
        let since = Instant::now();
        let done = catch_unwind(AssertUnwindSafe(|| target(&case)));
        let took = since.elapsed();
        if done.is_err() || took > LONGEST {
            let path = std::env::temp_dir().join(format!("loadproof-fuzz-{name}-{seed}-{cases}"));
            std::fs::write(&path, &case).unwrap();
            let what = if done.is_err() { "panics" } else { "hangs" };
            panic!("{name} {what} ({took:?}) at `{}`: {SEED}={seed}, case {cases}", path.display());
        }
        cases += 1;
    }
    if time != MOMENT {
        eprintln!("fuzz {name}: {cases} cases in {time:?}, seed {seed}");
    }
}

/// A file of the corpus after a few changes.
fn case(draw: &mut Draw, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus[draw.below(corpus.len())].clone();
    bytes.truncate(LARGEST);
    for _ in 0..=draw.below(6) {
        change(draw, corpus, &mut bytes);
        bytes.truncate(LARGEST);
    }
    bytes
}

fn change(draw: &mut Draw, corpus: &[Vec<u8>], bytes: &mut Vec<u8>) {
    let at = draw.below(bytes.len() + 1);
    let end = (at + draw.below(64)).min(bytes.len());
    match draw.below(8) {
        0 if at < bytes.len() => bytes[at] ^= 1 << draw.below(8),
        1 if at < bytes.len() => bytes[at] = u8::try_from(draw.below(256)).unwrap(),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let piece = bytes[at..end].repeat(1 + draw.below(40));
            bytes.splice(at..at, piece);
        }
        4 | 5 => drop(bytes.splice(at..at, PIECES[draw.below(PIECES.len())].bytes()).count()),
        6 => {
            let other = &corpus[draw.below(corpus.len())];
            let from = draw.below(other.len() + 1);
            let piece = &other[from..(from + draw.below(256)).min(other.len())];
            bytes.splice(at..end, piece.iter().copied());
        }
        _ => bytes.truncate(at),
    }
}

mod targets {
    use super::{corpus, run};
    use crate::bundle::{Manifest, attestation, signature::Verifier};
    use crate::draft::{self, Format, Options};
    use crate::import::{self, Belonging, Import};
    use crate::printable;
    use crate::redact::Redactor;
    use crate::scenario::{self, World};
    use std::path::Path;

    /// A scenario file and nothing else.
    struct Alone(String);

    impl World for Alone {
        fn read(&self, path: &Path) -> std::io::Result<String> {
            if path == Path::new("fuzz.toml") {
                Ok(self.0.clone())
            } else {
                Err(std::io::ErrorKind::NotFound.into())
            }
        }

        fn variable(&self, _name: &str) -> Option<String> {
            None
        }
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn scenarios() {
        let corpus = corpus(&[
            "scenarios",
            "tests/it/schema/every_key.toml",
            "tests/it/renamed/old.toml",
            "tests/it/corpus/scenario",
        ]);
        run("scenario", &corpus, |bytes| {
            let compiled = scenario::compile(Path::new("fuzz.toml"), &Alone(text(bytes)));
            if let Err(error) = compiled {
                assert!(!error.to_string().is_empty());
            }
        });
    }

    #[test]
    fn drafts() {
        let mut corpus = corpus(&["tests/it/imports"]);
        corpus.push(
            br#"curl -X POST 'http://h/a?b=c' -H 'content-type: application/json' -d '{"a":1}'"#.to_vec(),
        );
        corpus.push(br#"{"log":{"version":"1.2","entries":[{"request":{"method":"GET","url":"http://h/","headers":[],"queryString":[]},"response":{"status":200,"headers":[],"content":{"text":"x"}}}]}}"#.to_vec());
        corpus.push(br#"{"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{"description":"x"}}}}}}"#.to_vec());
        corpus.push(br#"127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326"#.to_vec());
        run("draft", &corpus, |bytes| {
            let _ = draft::draft(&text(bytes), &Options::default()).map(|draft| draft.scenario("fuzz.toml"));
            for format in [Format::Har, Format::OpenApi, Format::Postman, Format::Curl, Format::AccessLog] {
                let options = Options { format: Some(format), ..Options::default() };
                let _ = draft::draft(&text(bytes), &options).map(|draft| draft.scenario("fuzz.toml"));
            }
        });
    }

    #[test]
    fn imports() {
        let folder = tempfile::tempdir().unwrap();
        let (file, store) = (folder.path().join("file"), folder.path().join("store.db"));
        run("import", &corpus(&["tests/it/imports"]), |bytes| {
            std::fs::write(&file, bytes).unwrap();
            let import = Import {
                file: file.clone(),
                format: None,
                time_format: None,
                endpoint: None,
                belonging: Belonging::Unnamed,
                load: None,
                profile: None,
                label: None,
                deployment: None,
                command: String::new(),
            };
            let _ = import::import(&import, &store);
        });
    }

    #[test]
    fn manifests_and_envelopes() {
        let key = Verifier::parse(
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAzph0L91H0rL/Khqbv3mCJNLI9X6RikvuAu8239dJvdk=\n-----END PUBLIC KEY-----\n",
        )
        .unwrap();
        run("bundle", &corpus(&["tests/it/corpus/bundle"]), |bytes| {
            let text = text(bytes);
            if let Ok(manifest) = Manifest::parse(&text) {
                let again = Manifest::parse(&manifest.to_string());
                assert_eq!(again.map(|again| again.changes(&manifest).len()), Ok(0));
            }
            assert_eq!(attestation::opened(&text, &key), None);
            let _ = Verifier::parse(&text);
        });
    }

    #[test]
    fn texts_that_are_shown() {
        let corpus = corpus(&["tests/it/imports", "tests/it/corpus"]);
        run("shown", &corpus, |bytes| {
            let text = text(bytes);
            let shown = printable::for_terminal(&text);
            assert!(!shown.contains("\u{1b}]") && !shown.contains('\u{7}'), "{shown}");
            assert_eq!(printable::for_terminal(&shown), shown);
            let _ = Redactor::default().body(&text);
        });
    }
}
