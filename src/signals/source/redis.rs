//! Commands to a Redis server that give numbers.

use redis::aio::MultiplexedConnection;
use redis::{Client, Value};

use crate::scenario::signal::{Question, Signal};

/// A connection that is kept between readings.
#[derive(Default)]
pub(super) struct Connection {
    connection: Option<MultiplexedConnection>,
}

impl Connection {
    pub(super) async fn read(&mut self, url: &str, signals: &[Signal]) -> Result<Vec<Option<f64>>, String> {
        // Taken out: one that fails is not used again.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(url).await.map_err(|e| e.to_string())?,
        };
        let mut values = Vec::with_capacity(signals.len());
        for signal in signals {
            let mut value = Ok(None);
            for question in &signal.questions {
                value = ask(&mut connection, question).await;
                if let Ok(Some(_)) = value {
                    break;
                }
            }
            values.push(value?);
        }
        self.connection = Some(connection);
        Ok(values)
    }
}

async fn ask(connection: &mut MultiplexedConnection, question: &Question) -> Result<Option<f64>, String> {
    let Question::Command { words, field } = question else { return Ok(None) };
    let Some((command, arguments)) = words.split_first() else { return Ok(None) };
    let asked = redis::cmd(command).arg(arguments).query_async(connection).await;
    let answer: Value = asked.map_err(|e| e.to_string())?;
    Ok(number(&answer, field.as_deref()))
}

async fn connect(url: &str) -> redis::RedisResult<MultiplexedConnection> {
    Client::open(url)?.get_multiplexed_async_connection().await
}

/// The number in an answer; with a field the sum of that field over everything in it.
fn number(value: &Value, field: Option<&str>) -> Option<f64> {
    match field {
        None => plain(value),
        Some(field) => {
            let found = fields(value, field);
            (!found.is_empty()).then(|| found.iter().sum())
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "signals are numbers of a size that f64 holds")]
fn plain(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Double(n) => Some(*n),
        Value::Boolean(flag) => Some(f64::from(*flag)),
        other => text(other)?.trim().parse().ok(),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
        _ => None,
    }
}

/// The values of a field: in lines of `field:value` (INFO), in maps, in lists of field and value by
/// turns (XINFO GROUPS, one list per group), and in whatever holds such.
fn fields(value: &Value, field: &str) -> Vec<f64> {
    match value {
        Value::Array(items) => {
            let pairs = items.chunks_exact(2).filter(|pair| text(&pair[0]).as_deref() == Some(field));
            let own: Vec<f64> = pairs.filter_map(|pair| plain(&pair[1])).collect();
            if own.is_empty() { items.iter().flat_map(|item| nested(item, field)).collect() } else { own }
        }
        Value::Map(pairs) => {
            let own = pairs.iter().filter(|(key, _)| text(key).as_deref() == Some(field));
            own.filter_map(|(_, value)| plain(value)).collect()
        }
        other => lines(&text(other).unwrap_or_default(), field),
    }
}

fn nested(value: &Value, field: &str) -> Vec<f64> {
    match value {
        Value::Array(_) | Value::Map(_) => fields(value, field),
        _ => Vec::new(),
    }
}

fn lines(text: &str, field: &str) -> Vec<f64> {
    let values = text.lines().filter_map(|line| line.split_once(':').filter(|(key, _)| *key == field));
    values.filter_map(|(_, value)| value.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn numbers_are_found_in_every_form_of_answer() {
        assert_eq!(number(&Value::Int(7), None), Some(7.0));
        assert_eq!(number(&bulk("12.5"), None), Some(12.5));
        assert_eq!(number(&Value::Nil, None), None);
        let info = bulk("# Memory\r\nused_memory:1024\r\nused_memory_human:1K\r\n");
        assert_eq!(number(&info, Some("used_memory")), Some(1024.0));
        let group = |lag| Value::Array(vec![bulk("name"), bulk("lag"), bulk("lag"), Value::Int(lag)]);
        assert_eq!(number(&Value::Array(vec![group(3), group(4)]), Some("lag")), Some(7.0));
        let map = Value::Map(vec![(bulk("lag"), Value::Int(5))]);
        assert_eq!(number(&Value::Array(vec![map]), Some("lag")), Some(5.0));
        assert_eq!(number(&info, Some("missing")), None);
    }
}
