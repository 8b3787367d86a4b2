//! CSV, line by line.

use std::io::Read;

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::row::{Each, Fault};

/// A form of CSV: which of its columns matter, and what they say.
pub(super) trait Table: Sized {
    /// Whether the first line names the columns.
    const HAS_HEADER: bool = true;

    /// Finds the columns; `first` is the first line.
    fn of(first: &Header<'_>) -> Result<Self, String>;

    /// Hands what a line says to `each`.
    fn line(&self, fields: &Fields<'_>, each: &mut Each<'_>) -> Result<(), String>;
}

/// The names of the columns.
pub(super) struct Header<'a>(&'a StringRecord);

impl Header<'_> {
    /// The place of a column; none if there is no such.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        // Spreadsheets put a mark of byte order before the first name.
        self.0.iter().position(|found| found.trim_start_matches('\u{feff}') == name)
    }

    /// The place of a column that has to be there.
    pub(super) fn required(&self, name: &str) -> Result<usize, String> {
        self.column(name).ok_or_else(|| format!("column `{name}` is missing"))
    }
}

/// The fields of a line.
pub(super) struct Fields<'a>(&'a StringRecord);

impl<'a> Fields<'a> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The field of a column.
    pub(super) fn text(&self, column: usize) -> Result<&'a str, String> {
        self.0.get(column).ok_or_else(|| format!("it ends after {} fields", self.0.len()))
    }

    /// The field of a column that may not be there; empty then.
    pub(super) fn optional(&self, column: Option<usize>) -> &'a str {
        column.and_then(|column| self.0.get(column)).unwrap_or_default()
    }
}

/// Hands every line to `each`.
pub(super) fn read<T: Table>(input: impl Read, each: &mut Each<'_>) -> Result<(), Fault> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
    let mut record = StringRecord::new();
    if !reader.read_record(&mut record).map_err(fault)? {
        return Ok(());
    }
    let table = T::of(&Header(&record)).map_err(|what| Fault::Line { line: 1, what })?;
    // After a line that ends in CRLF the reader stands between the two, and has not counted the line yet.
    let uncounted = u64::from(reader.position().line() == 1);
    let mut is_line = !T::HAS_HEADER || reader.read_record(&mut record).map_err(fault)?;
    while is_line {
        let position = record.position().filter(|position| position.byte() > 0);
        let line = position.map_or(1, |position| position.line() + uncounted);
        table.line(&Fields(&record), each).map_err(|what| Fault::Line { line, what })?;
        is_line = reader.read_record(&mut record).map_err(fault)?;
    }
    Ok(())
}

fn fault(error: csv::Error) -> Fault {
    let line = error.position().map_or(0, csv::Position::line);
    match error.into_kind() {
        ErrorKind::Io(error) => Fault::Read(error),
        ErrorKind::Utf8 { .. } => Fault::Line { line, what: "it is not UTF-8".to_owned() },
        _ => Fault::Line { line, what: "it is not valid CSV".to_owned() },
    }
}
