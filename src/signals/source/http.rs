//! Pages over HTTP: Prometheus text, and JSON.

use super::first_answers;
use crate::scenario::signal::{Question, Signal};
use crate::signals::prometheus as format;
use crate::web::Client;

/// Bytes of the longest page that is read; the largest exporters are at a tenth of that.
const LONGEST: usize = 64 << 20;

pub(super) async fn prometheus(
    client: &Client,
    url: &str,
    signals: &[Signal],
) -> Result<Vec<Option<f64>>, String> {
    let page = fetch(client, url).await?;
    let parsed = format::parse(&page);
    Ok(first_answers(signals, |question| match question {
        Question::Series(selector, together) => parsed.value(selector, *together),
        _ => None,
    }))
}

pub(super) async fn json(client: &Client, url: &str, signals: &[Signal]) -> Result<Vec<Option<f64>>, String> {
    let text = fetch(client, url).await?;
    let document: serde_json::Value = serde_json::from_str(&text).map_err(|e| format!("no JSON: {e}"))?;
    Ok(first_answers(signals, |question| match question {
        Question::Pointer(pointer) => document.pointer(pointer).and_then(number),
        _ => None,
    }))
}

/// Numbers, numbers in quotes, and flags.
fn number(value: &serde_json::Value) -> Option<f64> {
    match value {
        serde_json::Value::Number(n) => n.as_f64(),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        serde_json::Value::Bool(flag) => Some(f64::from(*flag)),
        _ => None,
    }
}

async fn fetch(client: &Client, url: &str) -> Result<String, String> {
    client.ask("GET", url).await?.below(300)?.text_up_to(LONGEST).await
}
