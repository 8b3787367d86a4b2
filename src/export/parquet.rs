//! Samples as Apache Parquet, a group of rows at a time: memory stays flat however many there are.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use super::samples::{COLUMNS, Column, Value};
use crate::sample::ExportedSample;

/// Rows of a group.
const GROUP: usize = 1 << 16;

/// A Parquet file that is being written.
pub struct ParquetWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Cells>,
    rows: usize,
}

/// What came together of a column: how it is had of a sample, its values, and for each row whether it has one,
/// where it may be missing.
enum Cells {
    Numbers(fn(&ExportedSample) -> i64, Vec<i64>),
    NumbersIfAny(fn(&ExportedSample) -> Option<i64>, Vec<i64>, Vec<i16>),
    Texts(fn(&ExportedSample) -> &str, Vec<ByteArray>),
    TextsIfAny(fn(&ExportedSample) -> Option<&str>, Vec<ByteArray>, Vec<i16>),
}

impl<W: Write + Send> ParquetWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn new(out: W) -> Result<Self, ParquetError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("loadproof ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let file = SerializedFileWriter::new(out, schema()?, Arc::new(properties))?;
        Ok(Self { file, columns: COLUMNS.iter().map(Cells::of).collect(), rows: 0 })
    }

    /// Writes a sample, or keeps it until its group is full.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add(&mut self, sample: &ExportedSample) -> Result<(), ParquetError> {
        for cells in &mut self.columns {
            cells.add(sample);
        }
        self.rows += 1;
        if self.rows == GROUP { self.write_group() } else { Ok(()) }
    }

    /// Writes what is left, and the end of the file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(mut self) -> Result<(), ParquetError> {
        self.write_group()?;
        self.file.close()?;
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        if std::mem::take(&mut self.rows) == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for cells in &mut self.columns {
            cells.write(&mut group)?;
        }
        group.close()?;
        Ok(())
    }
}

impl Cells {
    fn of(column: &Column) -> Self {
        match column.value {
            Value::Number(of) => Self::Numbers(of, Vec::new()),
            Value::NumberIfAny(of) => Self::NumbersIfAny(of, Vec::new(), Vec::new()),
            Value::Text(of) => Self::Texts(of, Vec::new()),
            Value::TextIfAny(of) => Self::TextsIfAny(of, Vec::new(), Vec::new()),
        }
    }

    fn add(&mut self, sample: &ExportedSample) {
        match self {
            Self::Numbers(of, values) => values.push(of(sample)),
            Self::NumbersIfAny(of, values, present) => {
                let value = of(sample);
                present.push(value.is_some().into());
                values.extend(value);
            }
            Self::Texts(of, values) => values.push(of(sample).into()),
            Self::TextsIfAny(of, values, present) => {
                let value = of(sample);
                present.push(value.is_some().into());
                values.extend(value.map(ByteArray::from));
            }
        }
    }

    /// Writes the values as the next column of a group; none are left.
    fn write(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    ) -> Result<(), ParquetError> {
        let Some(mut column) = group.next_column()? else { return Ok(()) };
        match self {
            Self::Numbers(_, values) => write::<Int64Type>(&mut column, values, None)?,
            Self::NumbersIfAny(_, values, present) => write::<Int64Type>(&mut column, values, Some(present))?,
            Self::Texts(_, values) => write::<ByteArrayType>(&mut column, values, None)?,
            Self::TextsIfAny(_, values, present) => {
                write::<ByteArrayType>(&mut column, values, Some(present))?;
            }
        }
        column.close()
    }
}

fn write<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    values: &mut Vec<T::T>,
    present: Option<&mut Vec<i16>>,
) -> Result<(), ParquetError> {
    let mut present = present;
    column.typed::<T>().write_batch(values, present.as_deref().map(Vec::as_slice), None)?;
    values.clear();
    if let Some(present) = &mut present {
        present.clear();
    }
    Ok(())
}

fn schema() -> Result<TypePtr, ParquetError> {
    let fields = COLUMNS.iter().map(|column| {
        let (physical, logical, repetition) = match column.value {
            Value::Number(_) => (Physical::INT64, None, Repetition::REQUIRED),
            Value::NumberIfAny(_) => (Physical::INT64, None, Repetition::OPTIONAL),
            Value::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String), Repetition::REQUIRED),
            Value::TextIfAny(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String), Repetition::OPTIONAL),
        };
        let field = Type::primitive_type_builder(column.name, physical).with_logical_type(logical);
        field.with_repetition(repetition).build().map(Arc::new)
    });
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("sample").with_fields(fields).build().map(Arc::new)
}
