//! Archives: the samples of runs as Parquet, every column as the store has it, so that they can be put back exactly.
//!
//! Other programs read the file as any Parquet; `endpoint`, `user_class`, `reason` and the codes are the store's numbers.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, Repetition, Type as Physical};
use parquet::column::reader::ColumnReader;
use parquet::data_type::Int64Type;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use serde::{Deserialize, Serialize};

use crate::sample::{STORED_COLUMNS, StoredSample};

/// Rows of a group.
const GROUP: usize = 1 << 16;
/// Columns that every row has a value of.
const REQUIRED: usize = STORED_COLUMNS.len() - 2;
/// Under which the file says what it is of.
const KEY: &str = "loadproof.archive";
/// The form of archives that is written.
const FORM: u32 = 1;

/// Why an archive cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be written, or is no Parquet.
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    /// It is Parquet, and not an archive of loadproof's.
    #[error("it is not an archive of `loadproof store archive`: {0}")]
    NotAnArchive(String),
}

/// A run whose samples are in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedRun {
    /// Its number in the store.
    pub run: i64,
    /// How many samples it has.
    pub samples: u64,
    /// Its seal, SHA-256 in hex.
    pub seal: String,
}

/// What an archive says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    form: u32,
    runs: Vec<ArchivedRun>,
}

/// An archive that is being written: the samples of its runs, in order.
pub struct ArchiveWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    numbers: [Vec<i64>; REQUIRED],
    optional: [(Vec<i64>, Vec<i16>); 2],
}

impl<W: Write + Send> ArchiveWriter<W> {
    /// Begins an archive of runs.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn new(out: W, runs: &[ArchivedRun]) -> Result<Self, ArchiveError> {
        let contents = Contents { form: FORM, runs: runs.to_vec() };
        let contents =
            serde_json::to_string(&contents).map_err(|error| ParquetError::External(error.into()))?;
        // Neighbouring rows differ little: differences take a fraction of the numbers' room.
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::DELTA_BINARY_PACKED)
            .set_created_by(concat!("loadproof ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(vec![KeyValue::new(KEY.to_owned(), contents)]))
            .build();
        let file = SerializedFileWriter::new(out, schema()?, Arc::new(properties))?;
        Ok(Self { file, numbers: Default::default(), optional: Default::default() })
    }

    /// Writes a sample, or keeps it until its group is full.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add(&mut self, sample: &StoredSample) -> Result<(), ArchiveError> {
        for (column, number) in self.numbers.iter_mut().zip(sample.numbers) {
            column.push(number);
        }
        for ((values, present), value) in self.optional.iter_mut().zip([sample.reason, sample.key]) {
            present.push(value.is_some().into());
            values.extend(value);
        }
        if self.numbers[0].len() == GROUP { self.write_group() } else { Ok(()) }
    }

    /// Writes what is left, and the end of the file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(mut self) -> Result<(), ArchiveError> {
        self.write_group()?;
        self.file.close()?;
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ArchiveError> {
        if self.numbers[0].is_empty() {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        let required = self.numbers.iter_mut().map(|values| (values, None));
        let optional = self.optional.iter_mut().map(|(values, present)| (values, Some(present)));
        for (values, mut present) in required.chain(optional) {
            let Some(mut column) = group.next_column()? else { break };
            let levels = present.as_deref().map(Vec::as_slice);
            column.typed::<Int64Type>().write_batch(values, levels, None)?;
            column.close()?;
            values.clear();
            if let Some(present) = &mut present {
                present.clear();
            }
        }
        group.close()?;
        Ok(())
    }
}

/// An archive that is read.
pub struct Archive {
    file: SerializedFileReader<File>,
    /// The runs whose samples it has, in order.
    pub runs: Vec<ArchivedRun>,
}

impl Archive {
    /// Opens an archive.
    ///
    /// # Errors
    /// If the file is none.
    pub fn open(file: File) -> Result<Self, ArchiveError> {
        let not = |why: &str| ArchiveError::NotAnArchive(why.to_owned());
        let file = SerializedFileReader::new(file)?;
        let about = file.metadata().file_metadata();
        let contents = about.key_value_metadata().into_iter().flatten().find(|pair| pair.key == KEY);
        let contents = contents
            .and_then(|pair| pair.value.as_deref())
            .ok_or_else(|| not("it does not say of which runs it is"))?;
        let contents: Contents =
            serde_json::from_str(contents).map_err(|error| ArchiveError::NotAnArchive(error.to_string()))?;
        if contents.form != FORM {
            return Err(not(&format!("its form is {}, and this loadproof knows {FORM}", contents.form)));
        }
        if *about.schema_descr().root_schema() != *schema()? {
            return Err(not("it has other columns"));
        }
        Ok(Self { runs: contents.runs, file })
    }

    /// Hands every sample to `each`, in order; memory stays flat however many there are.
    ///
    /// # Errors
    /// If the file is damaged, or `each` fails.
    pub fn each<E: From<ArchiveError>>(
        &self,
        mut each: impl FnMut(&StoredSample) -> Result<(), E>,
    ) -> Result<(), E> {
        for group in 0..self.file.num_row_groups() {
            for sample in self.group(group)? {
                each(&sample)?;
            }
        }
        Ok(())
    }

    fn group(&self, place: usize) -> Result<Vec<StoredSample>, ArchiveError> {
        let damaged = || ArchiveError::NotAnArchive(format!("its row group {place} is damaged"));
        let group = self.file.get_row_group(place)?;
        // No more than this program writes is taken into memory.
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(usize::MAX);
        if rows > GROUP {
            return Err(damaged());
        }
        let mut samples = vec![StoredSample { numbers: [0; REQUIRED], reason: None, key: None }; rows];
        for column in 0..STORED_COLUMNS.len() {
            let ColumnReader::Int64ColumnReader(mut reader) = group.get_column_reader(column)? else {
                return Err(damaged());
            };
            let is_required = column < REQUIRED;
            let (mut values, mut present) = (Vec::with_capacity(rows), Vec::new());
            let mut read = 0;
            while read < rows {
                let levels = (!is_required).then_some(&mut present);
                let (records, ..) = reader.read_records(rows - read, levels, None, &mut values)?;
                if records == 0 {
                    return Err(damaged());
                }
                read += records;
            }
            let mut values = values.into_iter();
            for (place, sample) in samples.iter_mut().enumerate() {
                let is_there = is_required || present.get(place) == Some(&1);
                let value = is_there.then(|| values.next().ok_or_else(damaged)).transpose()?;
                match column.checked_sub(REQUIRED) {
                    None => sample.numbers[column] = value.unwrap_or_default(),
                    Some(0) => sample.reason = value,
                    Some(_) => sample.key = value,
                }
            }
        }
        Ok(samples)
    }
}

fn schema() -> Result<TypePtr, ParquetError> {
    let fields = STORED_COLUMNS.iter().enumerate().map(|(place, name)| {
        let repetition = if place < REQUIRED { Repetition::REQUIRED } else { Repetition::OPTIONAL };
        let field = Type::primitive_type_builder(name, Physical::INT64);
        field.with_repetition(repetition).build().map(Arc::new)
    });
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("sample").with_fields(fields).build().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, SeekFrom};

    use proptest::prelude::*;

    use super::*;

    fn archived() -> Vec<ArchivedRun> {
        vec![ArchivedRun { run: 3, samples: 7, seal: "ab".to_owned() }]
    }

    fn written(samples: &[StoredSample]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        let mut writer = ArchiveWriter::new(file.try_clone().unwrap(), &archived()).unwrap();
        for sample in samples {
            writer.add(sample).unwrap();
        }
        writer.finish().unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file
    }

    fn read(file: File) -> Result<Vec<StoredSample>, ArchiveError> {
        let mut samples = Vec::new();
        Archive::open(file)?.each(|sample| {
            samples.push(*sample);
            Ok::<_, ArchiveError>(())
        })?;
        Ok(samples)
    }

    fn sample(n: i64) -> StoredSample {
        let mut numbers = [n; REQUIRED];
        numbers[1] = i64::MIN;
        numbers[2] = i64::MAX - n;
        StoredSample { numbers, reason: (n % 3 == 0).then_some(n), key: (n % 5 > 0).then_some(-n) }
    }

    #[test]
    fn what_is_written_is_read_over_several_groups() {
        let samples: Vec<_> = (0..70_000).map(sample).collect();
        let file = written(&samples);
        let archive = Archive::open(file.try_clone().unwrap()).unwrap();
        assert_eq!(archive.runs, archived());
        assert!(read(file).unwrap() == samples, "rows differ");
        assert_eq!(read(written(&[])).unwrap(), []);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Whatever is done to a file, it is read or refused.
        #[test]
        fn a_damaged_archive_is_refused_without_a_panic(at: prop::sample::Index, byte: u8, keep: prop::sample::Index) {
            let mut whole = Vec::new();
            written(&(0..300).map(sample).collect::<Vec<_>>()).read_to_end(&mut whole).unwrap();
            let place = at.index(whole.len());
            whole[place] ^= byte;
            whole.truncate(keep.index(whole.len()) + 1);
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&whole).unwrap();
            file.seek(SeekFrom::Start(0)).unwrap();
            let _ = read(file);
        }
    }
}
