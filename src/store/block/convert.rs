//! Stores of versions that had a row for each sample.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{COLUMNS, Insert, SAMPLE, SampleBlock};
use crate::store::StoreError;

/// After this long it is said what takes so long.
const LONG: Duration = Duration::from_secs(2);

/// Puts the rows of `sample_row` into blocks, and drops that table. Samples keep their ids; where some are missing, a
/// block ends.
pub(in crate::store) fn convert(connection: &Connection) -> Result<(), StoreError> {
    let begun = Instant::now();
    let mut is_said = false;
    {
        let sql = format!("SELECT {} FROM sample_row ORDER BY id", SAMPLE.join(", "));
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut insert = Insert::default();
        let mut block = SampleBlock::default();
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            if block.ends_before(id) {
                insert.put(connection, &block)?;
                block.begin(id);
                if !is_said && begun.elapsed() > LONG {
                    is_said = true;
                    eprintln!(
                        "The store's samples are put into blocks, once, for this version of loadproof …"
                    );
                }
            }
            let mut values = [0; COLUMNS];
            for (place, value) in values.iter_mut().enumerate() {
                let is_optional = place + 2 >= COLUMNS;
                *value = match row.get::<_, Option<i64>>(1 + place)? {
                    Some(number) if is_optional => number.saturating_add(1),
                    Some(number) => number,
                    None => 0,
                };
            }
            block.push(&values);
        }
        insert.put(connection, &block)?;
    }
    connection.execute_batch("DROP TABLE sample_row")?;
    Ok(())
}
