use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value;

use super::*;
use crate::run::RunId;
use crate::store::checksum::{self, Which};
use crate::store::{Store, StoreError, schema};

const RUN: RunId = RunId(3);
const FIRST: i64 = 3 << 32;

fn empty() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrate(&mut connection).unwrap();
    connection
}

/// Stores samples with ids from `first` on.
fn store(connection: &Connection, first: i64, samples: &[[i64; COLUMNS]]) {
    let mut block = SampleBlock::default();
    block.begin(first);
    for values in samples {
        block.push(values);
    }
    Insert::default().put(connection, &block).unwrap();
}

/// The samples as the view shows them.
fn viewed(connection: &Connection) -> Vec<Vec<Value>> {
    rows(connection, &format!("SELECT {} FROM sample ORDER BY id", SAMPLE.join(", ")))
}

fn rows(connection: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|place| row.get(place)).collect()).unwrap();
    rows.map(Result::unwrap).collect()
}

/// A sample's values as SQL has them.
fn in_sql(id: i64, values: &[i64; COLUMNS]) -> Vec<Value> {
    let optional = |value: &i64| if *value == 0 { Value::Null } else { Value::Integer(value - 1) };
    let (numbers, last) = values.split_at(COLUMNS - 2);
    let numbers = numbers.iter().copied().map(Value::Integer);
    std::iter::once(Value::Integer(id)).chain(numbers).chain(last.iter().map(optional)).collect()
}

/// One value of a column: alike within most columns of most runs, of any size in some.
fn column(samples: usize) -> impl Strategy<Value = Vec<i64>> {
    let of = |range: std::ops::RangeInclusive<i64>| proptest::collection::vec(range, samples);
    prop_oneof![
        (0..1000_i64).prop_map(move |value| vec![value; samples]),
        of(0..=1),
        of(0..=999_999),
        of(-5000..=5_000_000_000),
        of(-BOUND..=BOUND),
        proptest::collection::vec(prop_oneof![Just(-BOUND), Just(BOUND), Just(0)], samples),
    ]
}

/// Some samples; of reasons and keys there are no negative ones.
fn samples() -> impl Strategy<Value = Vec<[i64; COLUMNS]>> {
    (1..=ROWS).prop_flat_map(|samples| proptest::collection::vec(column(samples), COLUMNS)).prop_map(
        |columns| {
            let row = |place: usize| {
                std::array::from_fn(|column| {
                    let value = columns[column][place];
                    if column >= Column::Reason as usize { value.max(0) } else { value }
                })
            };
            (0..columns[0].len()).map(row).collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn samples_come_back_as_they_were_in_rust_and_in_sql(samples in samples()) {
        let connection = empty();
        store(&connection, FIRST, &samples);
        let expected: Vec<_> = (FIRST..).zip(&samples).map(|(id, values)| in_sql(id, values)).collect();
        prop_assert_eq!(&viewed(&connection), &expected);
        scan(&connection, RUN, Wanted::ALL, |block, read| {
            read.unwrap();
            assert_eq!((block.first(), block.len()), (FIRST, samples.len()));
            for (place, values) in samples.iter().enumerate() {
                let found: [i64; COLUMNS] = std::array::from_fn(|column| block.columns[column][place]);
                assert_eq!(found, *values);
            }
            Ok::<_, StoreError>(())
        }).unwrap();
        // Every column alone is what it is among all.
        for column in Column::ALL {
            scan(&connection, RUN, Wanted::of(&[column]), |block, read| {
                read.unwrap();
                let expected: Vec<i64> = samples.iter().map(|values| values[column as usize]).collect();
                assert_eq!(block.column(column), expected);
                Ok::<_, StoreError>(())
            }).unwrap();
        }
        // Its checksum is that of the rows which SQL shows.
        let mut sums = checksum::Blocks::of(RUN, checksum::SAMPLES);
        let mut by_rows: Vec<_> =
            expected.iter().filter_map(|row| sums.add(row.iter().map(Into::into))).collect();
        by_rows.extend(sums.rest());
        let by_blocks = checksum::summed_up(&connection, RUN, Which::Measured).unwrap();
        prop_assert_eq!(by_blocks, by_rows);
    }

    #[test]
    fn a_changed_block_is_read_otherwise_or_refused_and_its_checksum_is_another(
        samples in samples(), column in 0..COLUMNS, place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let connection = empty();
        store(&connection, FIRST, &samples);
        let name = &table::STORED[column];
        let sql = format!("SELECT {name} FROM sample_block");
        let mut digits: Vec<u8> = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        prop_assume!(!digits.is_empty());
        let place = place.index(digits.len());
        prop_assume!(digits[place] != byte);
        let before = checksum::summed_up(&connection, RUN, Which::Measured).unwrap();
        digits[place] = byte;
        connection.execute(&format!("UPDATE sample_block SET {name} = ?1"), [digits]).unwrap();
        let after = checksum::summed_up(&connection, RUN, Which::Measured).unwrap();
        prop_assert_ne!(before, after);
    }
}

#[test]
fn a_malformed_block_is_refused_and_never_taken_for_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for (number, (sql, why)) in [
        ("UPDATE sample_block SET user = x''", "digits for another number of samples"),
        ("UPDATE sample_block SET user = CAST('00' AS BLOB)", "digits for another number of samples"),
        ("UPDATE sample_block SET service_us = CAST('0001' AS BLOB), samples = 3 WHERE id = 3 << 32", "digits for another number of samples"),
        ("UPDATE sample_block SET samples = 0", "impossible number"),
        ("UPDATE sample_block SET samples = -4", "impossible number"),
        ("UPDATE sample_block SET samples = 257", "impossible number"),
        ("UPDATE sample_block SET id = id + 253 WHERE id = 3 << 32", "impossible number"),
        ("UPDATE sample_block SET id = id - 253 WHERE id = (3 << 32) + 256", "overlaps"),
        ("UPDATE sample_block SET service_us = CAST('1234' AS BLOB)", ""),
        ("UPDATE sample_block SET service_us = CAST('12 4' AS BLOB)", "other characters than digits"),
        ("UPDATE sample_block SET service_us = CAST('-1-1-1-1' AS BLOB)", "other characters than digits"),
        ("UPDATE sample_block SET service_us = CAST('12345' AS BLOB)", "digits for another number of samples"),
        ("UPDATE sample_block SET service_us = CAST(printf('%080d', 9) AS BLOB)", "too wide"),
        ("UPDATE sample_block SET service_us = CAST(replace(printf('%076d', 0), '0', '9') AS BLOB)", "range"),
        ("UPDATE sample_block SET intended_us_least = 9223372036854775807", "range"),
        (
            "UPDATE sample_block SET intended_us_least = 1 << 61, lateness_us_least = 1 << 61, service_us_least = 1 << 61, \
             receiving_us_least = -(1 << 61), service_us = CAST(printf('%019d', 1 << 62) || printf('%057d', 1) AS BLOB)",
            "range",
        ),
        ("UPDATE sample_block SET outcome_least = 9", "no such outcome"),
        ("UPDATE sample_block SET status_least = 70000", "out of range"),
    ]
    .into_iter()
    .enumerate()
    {
        let opened = Store::open(&folder.path().join(format!("{number}.db"))).unwrap();
        let row: [i64; COLUMNS] = std::array::from_fn(|column| i64::from(column == Column::Done as usize));
        opened.connection.execute("INSERT INTO endpoint VALUES (0, 'request', '', 'GET /')", []).unwrap();
        for first in [FIRST, FIRST + 256] {
            store(&opened.connection, first, &[row; 4]);
        }
        let before = opened.blocks(RUN).unwrap();
        assert_eq!(opened.samples(RUN).unwrap().done_us, [1; 8]);
        opened.connection.execute(sql, []).unwrap();
        assert_ne!(opened.blocks(RUN).unwrap(), before, "{sql}");
        let refused = opened.samples(RUN).map(|_| ()).map_err(|error| error.to_string());
        match why {
            "" => assert_eq!(refused, Ok(()), "{sql}"),
            _ => assert!(refused.as_ref().is_err_and(|error| error.contains(why)), "{sql}: {refused:?}"),
        }
    }
}

#[test]
fn samples_of_a_store_with_rows_are_put_into_blocks_as_they_were() {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::make_version(&connection, i64::try_from(schema::BLOCKS).unwrap() - 1);
    connection
        .execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1499)
             INSERT INTO sample (id, endpoint, user_class, user, journey, phase, outcome, status, reason, intended_us, sent_us,
                                 first_byte_us, done_us, bytes_in, bytes_out, key, redirects, repeats)
             SELECT (1 + i / 600 << 32) + i % 600, i % 3, 1, i % 7, i, 1, i % 5, 200, iif(i % 5 > 1, i % 4, NULL),
                    i * 1000, i * 1000 - i % 2, i * 1000 + 10, i * 1000 + 20 + i % 9, i, 0, iif(i % 2, 1 << 40 | i, NULL), 0, 0
             FROM n WHERE i NOT IN (300, 301, 599, 900)",
        )
        .unwrap();
    let sql = format!("SELECT {} FROM sample ORDER BY id", SAMPLE.join(", "));
    let before = rows(&connection, &sql);
    schema::migrate(&mut connection).unwrap();
    assert_eq!(before.len(), 1496);
    assert_eq!(viewed(&connection), before);
    let all = rows(&connection, "SELECT * FROM sample LIMIT 1");
    assert_eq!(all[0].len(), SAMPLE.len() + 1);
    assert_eq!(
        rows(&connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'sample_row'")[0],
        [Value::Integer(0)]
    );
}

#[test]
fn rows_that_tests_have_changed_are_blocks_again() {
    let connection = empty();
    let sample: [i64; COLUMNS] = std::array::from_fn(|column| 10 * i64::try_from(column).unwrap());
    store(&connection, FIRST, &[sample; 9]);
    let before = viewed(&connection);
    crate::store::change_samples(&connection, "UPDATE sample SET user = user");
    assert_eq!(viewed(&connection), before);
    crate::store::change_samples(&connection, "DELETE FROM sample WHERE id = (3 << 32) + 4");
    assert_eq!(viewed(&connection), [&before[..4], &before[5..]].concat());
}
