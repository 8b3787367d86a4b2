//! CSV, line by line, whatever separates its fields and whether or not its first line names them.

use std::io::Read;

use csv::{ByteRecord, ErrorKind, ReaderBuilder, StringRecord};

use super::lines::LastByte;
use super::row::{CUT_OFF, Each, Fault, Line, SECOND_HEADER};
use super::times::Times;

/// Bytes within which the first line ends.
const FIRST_LINE: u64 = 64 << 10;
/// What separates fields, the likeliest first; JMeter's can be set to anything.
const DELIMITERS: [u8; 7] = *b",;|\t^~#";

/// A form of CSV: which of its columns matter, and what they say.
pub(super) trait Table: Sized {
    /// Finds the columns; `first` is the first line.
    fn of(first: &Header<'_>) -> Result<Self, String>;

    /// The columns of a file whose first line names none, as far as that line and the tool's habits tell; none if it
    /// is no line of that tool.
    fn unnamed(_first: &Header<'_>) -> Option<Self> {
        None
    }

    /// Hands what a line says to `each`.
    fn line(&mut self, fields: &Fields<'_>, each: &mut Each<'_>) -> Result<(), String>;
}

/// The first line: the names of the columns, or the first of what has none.
pub(super) struct Header<'a> {
    fields: &'a StringRecord,
    times: &'a Times,
}

impl<'a> Header<'a> {
    pub(super) fn new(fields: &'a StringRecord, times: &'a Times) -> Self {
        Self { fields, times }
    }

    /// The place of a column; none if there is no such.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        // Spreadsheets put a mark of byte order before the first name.
        self.fields.iter().position(|found| found.trim_start_matches('\u{feff}').trim() == name)
    }

    /// The place of a column that has to be there.
    pub(super) fn required(&self, name: &str) -> Result<usize, String> {
        self.column(name).ok_or_else(|| format!("column `{name}` is missing"))
    }

    /// Its fields.
    pub(super) fn fields(&self) -> Vec<&'a str> {
        self.fields.iter().collect()
    }

    /// How the file writes its moments.
    pub(super) fn times(&self) -> Times {
        self.times.clone()
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

/// The first line of a text by each delimiter that it may have.
pub(super) fn first_lines(text: &[u8]) -> impl Iterator<Item = (u8, StringRecord)> {
    DELIMITERS.into_iter().filter_map(move |delimiter| {
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text);
        let mut record = StringRecord::new();
        matches!(reader.read_record(&mut record), Ok(true)).then_some((delimiter, record))
    })
}

/// How a file is written, as its first line tells.
struct Dialect<T> {
    table: T,
    delimiter: u8,
    /// The names of the columns; none if the file has no such line.
    names: Option<StringRecord>,
}

impl<T: Table> Dialect<T> {
    fn of(beginning: &[u8], times: &Times) -> Result<Self, String> {
        let mut widest = (0, "it has no line".to_owned());
        for (delimiter, record) in first_lines(beginning) {
            match T::of(&Header::new(&record, times)) {
                Ok(table) => return Ok(Self { table, delimiter, names: Some(record) }),
                Err(what) if record.len() > widest.0 => widest = (record.len(), what),
                Err(_) => {}
            }
        }
        let unnamed = first_lines(beginning).find_map(|(delimiter, record)| {
            let table = T::unnamed(&Header::new(&record, times))?;
            Some(Self { table, delimiter, names: None })
        });
        unnamed.ok_or(widest.1)
    }

    fn notes(&self, each: &mut Each<'_>) -> Result<(), String> {
        match self.delimiter {
            b',' => {}
            b'\t' => each(Line::Note("fields separated by tabs"))?,
            b';' => each(Line::Note("fields separated by `;`"))?,
            b'|' => each(Line::Note("fields separated by `|`"))?,
            _ => each(Line::Note("fields separated by an unusual character"))?,
        }
        Ok(())
    }
}

/// Hands every line to `each`. A last line that is cut off is left out.
pub(super) fn read<T: Table>(mut input: impl Read, times: &Times, each: &mut Each<'_>) -> Result<(), Fault> {
    let mut beginning = Vec::new();
    input.by_ref().take(FIRST_LINE).read_to_end(&mut beginning).map_err(Fault::Read)?;
    if beginning.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let first = |what| Fault::Line { line: 1, what };
    let mut dialect = Dialect::<T>::of(&beginning, times).map_err(first)?;
    dialect.notes(each).map_err(first)?;
    let mut rows = Rows::new(LastByte::new(std::io::Cursor::new(beginning).chain(input)), dialect.delimiter);
    if dialect.names.is_some() {
        rows.next()?;
    }
    let mut row = rows.next()?;
    let names = dialect.names.as_ref().map(StringRecord::len);
    let width = names.or(row.as_ref().map(|(_, record)| record.len())).unwrap_or(0);
    while let Some((line, record)) = row {
        row = rows.next()?;
        if dialect.names.as_ref() == Some(&record) {
            each(Line::LeftOut(SECOND_HEADER, 1)).map_err(|what| Fault::Line { line, what })?;
            continue;
        }
        // Only a line that something else follows is known to be whole.
        let may_be_cut = row.is_none() && !rows.ends_with_a_line();
        let understood = if names.is_some() && record.len() > width {
            Err(format!(
                "it has {} fields, and the header {width}: a name with the delimiter in it needs quotes",
                record.len()
            ))
        } else if may_be_cut && record.len() < width {
            Err("it is cut off".to_owned())
        } else {
            dialect.table.line(&Fields(&record), each)
        };
        match understood {
            Err(_) if may_be_cut => {
                each(Line::LeftOut(CUT_OFF, 1)).map_err(|what| Fault::Line { line, what })?;
            }
            understood => {
                understood.map_err(|what| Fault::Line { line, what })?;
                if may_be_cut {
                    let note = Line::Note("the last line does not end, and may be cut off");
                    each(note).map_err(|what| Fault::Line { line, what })?;
                }
            }
        }
    }
    Ok(())
}

/// Records with their lines.
struct Rows<R> {
    reader: csv::Reader<LastByte<R>>,
    /// After a line that ends in CRLF the reader stands between the two, and has not counted the line yet.
    uncounted: Option<u64>,
}

impl<R: Read> Rows<R> {
    fn new(input: LastByte<R>, delimiter: u8) -> Self {
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(delimiter);
        Self { reader: builder.from_reader(input), uncounted: None }
    }

    fn next(&mut self) -> Result<Option<(u64, StringRecord)>, Fault> {
        let mut bytes = ByteRecord::new();
        if !self.reader.read_byte_record(&mut bytes).map_err(fault)? {
            return Ok(None);
        }
        // The last letter may be cut off.
        let record = StringRecord::from_byte_record_lossy(bytes);
        let position = record.position().filter(|position| position.byte() > 0);
        let line = position.map_or(1, |position| position.line() + self.uncounted.unwrap_or(0));
        self.uncounted.get_or_insert(u64::from(self.reader.position().line() == 1));
        Ok(Some((line, record)))
    }

    fn ends_with_a_line(&self) -> bool {
        matches!(self.reader.get_ref().last(), Some(b'\n' | b'\r'))
    }
}

fn fault(error: csv::Error) -> Fault {
    let line = error.position().map_or(0, csv::Position::line);
    match error.into_kind() {
        ErrorKind::Io(error) => Fault::Read(error),
        _ => Fault::Line { line, what: "it is not valid CSV".to_owned() },
    }
}
