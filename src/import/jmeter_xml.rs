//! JMeter's JTL as XML: an element per sampler, with its figures as attributes, and the parts of a sampler within it.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::jmeter_parts::{TRANSACTION, group};
use super::lines::LONGEST;
use super::names;
use super::number::{count, status, whole_ms};
use super::row::{CUT_OFF, Each, Ending, Fault, Line, Row};
use super::times::{Moment, Times};

/// Hands every sample to `each`. One that is cut off is left out.
pub(super) fn read(input: impl Read, times: &Times, each: &mut Each<'_>) -> Result<(), Fault> {
    let mut reader = Reader::from_reader(Counted::new(BufReader::new(input)));
    let mut samples = Samples { times: times.clone(), ..Samples::default() };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        reader.get_mut().begin();
        let event = reader.read_event_into(&mut buffer);
        let line = reader.get_ref().line;
        let at = |what| Fault::Line { line, what };
        match event {
            Ok(Event::Start(element)) => samples.start(&element, each).map_err(at)?,
            Ok(Event::Empty(element)) => {
                samples.start(&element, each).map_err(at)?;
                samples.end(each).map_err(at)?;
            }
            Ok(Event::End(_)) => samples.end(each).map_err(at)?,
            Ok(Event::Text(text)) => samples.text(&text.decode().unwrap_or_default()),
            Ok(Event::CData(text)) => samples.text(&text.decode().unwrap_or_default()),
            Ok(Event::Eof) => return samples.cut_off(each).map_err(at),
            // Markup that the file's end leaves open.
            Err(quick_xml::Error::Syntax(_)) => {
                samples.is_cut = true;
                return samples.cut_off(each).map_err(at);
            }
            Err(quick_xml::Error::Io(error)) => {
                return Err(Fault::Read(Error::new(error.kind(), error.to_string())));
            }
            Err(error) => return Err(at(format!("it is not valid XML: {error}"))),
            Ok(_) => {}
        }
    }
}

/// A sample that may still be told more of.
#[derive(Debug, Default)]
struct Sample {
    /// How deep its element stands.
    depth: usize,
    label: String,
    thread: String,
    code: String,
    message: String,
    /// What an assertion says of it; empty if none does.
    failure: String,
    start: Option<Moment>,
    elapsed_us: i64,
    latency_us: Option<i64>,
    is_ok: bool,
    bytes_in: u64,
    bytes_out: u64,
}

/// The samples of a file, as far as it was read.
#[derive(Debug, Default)]
struct Samples {
    times: Times,
    depth: usize,
    open: Option<Sample>,
    /// What an assertion says, while it is read.
    failure: Option<String>,
    is_cut: bool,
}

impl Samples {
    fn start(&mut self, element: &BytesStart<'_>, each: &mut Each<'_>) -> Result<(), String> {
        self.depth += 1;
        if self.depth == 1 && element.name().as_ref() != b"testResults" {
            return Err("it is not of JMeter: expected the element `testResults`".to_owned());
        }
        if element.name().as_ref() == b"failureMessage" {
            self.failure = Some(String::new());
        }
        let Some(times) = attribute(element, "ts").zip(attribute(element, "t")) else { return Ok(()) };
        if self.open.is_some() {
            return each(Line::LeftOut("sub-results", 1));
        }
        let text = |name: &str| attribute(element, name).unwrap_or_default();
        let message = text("rm");
        if message.starts_with(TRANSACTION) {
            return each(Line::LeftOut("transactions", 1));
        }
        if count(&text("sc"), "number of samples")? > 1 {
            return Err(
                "it sums up several samples: let JMeter write each, with `-Jmode=StrippedBatch`".to_owned()
            );
        }
        self.open = Some(Sample {
            depth: self.depth,
            label: text("lb"),
            thread: text("tn"),
            code: text("rc"),
            message,
            failure: String::new(),
            start: Some(self.times.moment(&times.0)?),
            elapsed_us: whole_ms(&times.1, "elapsed time")?,
            latency_us: match &*text("lt") {
                "" | "0" => None,
                latency => Some(whole_ms(latency, "latency")?),
            },
            is_ok: match &*text("s") {
                "true" => true,
                "false" => false,
                other => return Err(format!("`{other}` is neither `true` nor `false` (attribute `s`)")),
            },
            bytes_in: count(&text("by"), "number of bytes")?,
            bytes_out: count(&text("sby"), "number of bytes")?,
        });
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(failure) = &mut self.failure {
            failure.push_str(text);
        }
    }

    fn end(&mut self, each: &mut Each<'_>) -> Result<(), String> {
        let depth = self.depth;
        self.depth = self.depth.saturating_sub(1);
        if let Some(failure) = self.failure.take()
            // An assertion's words stand two elements below what it was about.
            && let Some(sample) = self.open.as_mut().filter(|sample| sample.depth + 2 == depth)
            && sample.failure.is_empty()
        {
            failure.trim().clone_into(&mut sample.failure);
        }
        match self.open.take_if(|sample| sample.depth == depth) {
            Some(sample) => each(Line::Request(sample.row())),
            None => Ok(()),
        }
    }

    fn cut_off(&self, each: &mut Each<'_>) -> Result<(), String> {
        if self.open.is_some() || self.is_cut { each(Line::LeftOut(CUT_OFF, 1)) } else { Ok(()) }
    }
}

impl Sample {
    fn row(&self) -> Row<'_> {
        Row {
            endpoint: names::label(&self.label),
            user_class: group(&self.thread),
            user: &self.thread,
            start: self.start.unwrap_or(Moment::known(0)),
            elapsed_us: self.elapsed_us,
            first_byte_us: self.latency_us,
            ending: Ending::of(
                self.is_ok,
                status(&self.code).unwrap_or(0),
                &[&self.failure, &self.message, &self.code],
            ),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
        }
    }
}

/// The value of an attribute; unescaped, or as it stands in the file where it cannot be.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.try_get_attribute(name).ok()??;
    let value = found.unescape_value().map(Cow::into_owned);
    Some(value.unwrap_or_else(|_| String::from_utf8_lossy(&found.value).into_owned()))
}

/// A reader that counts lines, and bounds what is read at once.
#[derive(Debug)]
struct Counted<R> {
    source: R,
    /// The line that it stands in, from 1.
    line: u64,
    /// Bytes since the last event.
    read: u64,
}

impl<R> Counted<R> {
    fn new(source: R) -> Self {
        Self { source, line: 1, read: 0 }
    }

    fn begin(&mut self) {
        self.read = 0;
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.read > LONGEST {
            return Err(Error::new(ErrorKind::InvalidData, format!("a text of more than {LONGEST} bytes")));
        }
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        let lines = self
            .source
            .fill_buf()
            .map_or(0, |bytes| bytes[..amount.min(bytes.len())].split(|byte| *byte == b'\n').count() - 1);
        self.line += lines as u64;
        self.read += amount as u64;
        self.source.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Label, status and reason of each request, and what was left out.
    type Told = (Vec<(String, u16, String)>, Vec<&'static str>);

    fn told(text: &str) -> Result<Told, String> {
        let (mut requests, mut left_out) = (Vec::new(), Vec::new());
        let read = read(text.as_bytes(), &Times::default(), &mut |line| {
            match line {
                Line::Request(row) => {
                    requests.push((
                        row.endpoint.into_owned(),
                        row.ending.status,
                        row.ending.reason.into_owned(),
                    ));
                }
                Line::LeftOut(what, _) => left_out.push(what),
                _ => {}
            }
            Ok(())
        });
        match read {
            Ok(()) => Ok((requests, left_out)),
            Err(Fault::Line { line, what }) => Err(format!("{line}: {what}")),
            Err(other) => Err(format!("{other:?}")),
        }
    }

    fn sample(label: &str, more: &str, within: &str) -> String {
        format!(
            "<httpSample t=\"20\" lt=\"16\" ts=\"1795276500000\" s=\"true\" lb=\"{label}\" rc=\"200\" rm=\"OK\" \
             tn=\"Users 1-1\" by=\"5\" {more}>{within}</httpSample>\n"
        )
    }

    fn file(samples: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testResults version=\"1.2\">\n{samples}</testResults>"
        )
    }

    #[test]
    fn parts_of_a_sample_are_left_out_and_those_of_a_transaction_are_kept() {
        let parts = sample("a-0", "", "") + &sample("a-1", "", "");
        let transaction = format!(
            "<sample t=\"90\" ts=\"1795276500000\" s=\"true\" lb=\"all\" \
             rm=\"Number of samples in transaction : 2, number of failing samples : 0\">{}{}</sample>",
            sample("b &amp; c", "", ""),
            sample("d", "", &sample("d-0", "", ""))
        );
        let (requests, left_out) = told(&file(&(sample("a", "", &parts) + &transaction))).unwrap();
        let names: Vec<&str> = requests.iter().map(|(name, _, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b & c", "d"]);
        assert_eq!(left_out, ["sub-results", "sub-results", "transactions", "sub-results"]);
    }

    #[test]
    fn an_assertion_says_why_a_sample_has_failed() {
        let assertion = "<assertionResult><name>text</name><failure>true</failure>\
                         <failureMessage>expected /thanks/</failureMessage></assertionResult>";
        let failed = sample("a", "", assertion).replace("s=\"true\"", "s=\"false\"");
        let (requests, _) = told(&file(&failed)).unwrap();
        assert_eq!(requests, [("a".to_owned(), 200, "expected /thanks/".to_owned())]);
    }

    #[test]
    fn a_file_is_read_to_where_it_is_cut() {
        let whole = file(&(sample("a", "", "") + &sample("b", "", "<x/>") + &sample("c", "", "")));
        for end in [whole.len() - 20, whole.len() - 60] {
            let (requests, left_out) = told(&whole[..end]).unwrap();
            assert_eq!((requests.len(), &left_out[..]), (2, &[CUT_OFF][..]), "{}", &whole[..end]);
        }
        let unclosed = whole.replace("</testResults>", "");
        assert_eq!(told(&unclosed).unwrap().0.len(), 3);
    }

    #[test]
    fn what_cannot_be_understood_is_named_with_its_line() {
        let broken = file(&(sample("a", "", "") + &sample("b", "", "").replace("t=\"20\"", "t=\"soon\"")));
        assert!(told(&broken).unwrap_err().starts_with("4: `soon` is not a valid elapsed time"));
        assert!(told("<html></html>").unwrap_err().starts_with("1: it is not of JMeter"));
        assert!(told(&file("<a></b>")).unwrap_err().contains("not valid XML"));
    }
}
