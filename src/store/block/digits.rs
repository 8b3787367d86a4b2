//! Numbers as decimal digits of one width: `CAST(substr(digits, place * width + 1, width) AS INTEGER)` gives one back.

use super::Malformed;

/// Digits of the widest number.
const WIDEST: usize = 19;
/// What is subtracted is not larger, or smaller with a minus, …
const MOST_LEAST: i64 = 1 << 61;
/// … nor are the numbers in digits: no sum of both leaves 64 bits.
const MOST_DIFFERENCE: u64 = 1 << 62;

const DIGITS: [u8; 10] = *b"0123456789";

/// Stands for numbers that are all alike: SQL takes an empty text of it, which is 0, and nothing of what is empty.
const ALIKE: &[u8] = b"0";

/// Writes what numbers have above the least of them, which is returned. One digit, 0, if they are all alike.
pub(super) fn write(values: &[i64], digits: &mut Vec<u8>) -> i64 {
    digits.clear();
    let least = values.iter().copied().min().unwrap_or(0);
    let most = values.iter().copied().max().unwrap_or(0);
    let width = most.abs_diff(least).checked_ilog10().map_or(0, |log| log as usize + 1);
    if width == 0 {
        digits.extend_from_slice(ALIKE);
        return least;
    }
    digits.resize(values.len() * width, 0);
    for (cell, value) in digits.chunks_exact_mut(width).zip(values) {
        let mut rest = value.abs_diff(least);
        for digit in cell.iter_mut().rev() {
            *digit = DIGITS[(rest % 10) as usize];
            rest /= 10;
        }
    }
    least
}

/// Whether digits can be those of so many numbers.
pub(super) fn fit(digits: &[u8], count: usize) -> Result<(), Malformed> {
    if digits == ALIKE {
        return Ok(());
    }
    if digits.is_empty() || count == 0 || !digits.len().is_multiple_of(count) {
        return Err(Malformed("a column has digits for another number of samples"));
    }
    if digits.len() / count > WIDEST { Err(Malformed("a column's numbers are too wide")) } else { Ok(()) }
}

/// Reads `count` numbers, of digits that [`fit`].
pub(super) fn read(digits: &[u8], least: i64, count: usize, values: &mut Vec<i64>) -> Result<(), Malformed> {
    values.clear();
    if least.unsigned_abs() > MOST_LEAST.unsigned_abs() {
        return Err(Malformed("a column's least number is out of range"));
    }
    if digits == ALIKE {
        values.resize(count, least);
        return Ok(());
    }
    match digits.len() / count.max(1) {
        1 => read_narrow::<1>(digits, least, values)?,
        2 => read_narrow::<2>(digits, least, values)?,
        3 => read_narrow::<3>(digits, least, values)?,
        4 => read_narrow::<4>(digits, least, values)?,
        5 => read_narrow::<5>(digits, least, values)?,
        6 => read_narrow::<6>(digits, least, values)?,
        width => {
            let cells = digits.chunks_exact(width.max(1));
            for cell in cells {
                let mut number = 0_u64;
                for digit in cell {
                    number = number * 10 + u64::from(checked(*digit)?);
                }
                if number > MOST_DIFFERENCE {
                    return Err(Malformed("a column's number is out of range"));
                }
                values.push(least + number.cast_signed());
            }
        }
    }
    Ok(())
}

fn checked(digit: u8) -> Result<u8, Malformed> {
    let value = digit.wrapping_sub(b'0');
    if value > 9 { Err(Malformed("a column has other characters than digits")) } else { Ok(value) }
}

/// Numbers of a width that is known when this is compiled: the loop over digits is none.
fn read_narrow<const WIDTH: usize>(
    digits: &[u8],
    least: i64,
    values: &mut Vec<i64>,
) -> Result<(), Malformed> {
    let mut is_wrong = false;
    values.extend(digits.as_chunks::<WIDTH>().0.iter().map(|cell| {
        let number = cell.iter().fold(0_u32, |number, digit| {
            let value = digit.wrapping_sub(b'0');
            is_wrong |= value > 9;
            number * 10 + u32::from(value)
        });
        least + i64::from(number)
    }));
    if is_wrong { Err(Malformed("a column has other characters than digits")) } else { Ok(()) }
}
