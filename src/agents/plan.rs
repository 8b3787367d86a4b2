//! A run's plan on its way to agents: the work and the scenario's files, asked for piece by piece.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::{Client, Request};
use bytes::Bytes;
use futures_util::StreamExt;

use super::AgentsError;
use super::pack::Pack;
use super::wire::{self, Item, LARGEST_PLAN, PIECE, PieceOf, WorkItem};
use crate::checksum;
use crate::unit;

/// How long a piece may take, and how often it is asked for.
const PIECE_WITHIN: Duration = Duration::from_secs(5);
const TRIES: u32 = 4;

/// What the coordinator has for its agents.
pub(super) struct Plan {
    items: Vec<(Item, Bytes)>,
}

impl Plan {
    /// Of the work and the files.
    pub(super) fn new(work: &WorkItem, pack: &Pack) -> Result<Self, AgentsError> {
        let files = pack.files.iter().map(|(path, bytes)| (path.clone(), Bytes::copy_from_slice(bytes)));
        let all = std::iter::once((PathBuf::new(), wire::json(work))).chain(files);
        let items: Vec<(Item, Bytes)> = all
            .map(|(path, bytes)| {
                let item = Item { path, bytes: bytes.len() as u64, sha256: checksum::sha256(&bytes) };
                (item, bytes)
            })
            .collect();
        let size: u64 = items.iter().map(|(item, _)| item.bytes).sum();
        if size > LARGEST_PLAN {
            return Err(AgentsError::TooLarge(unit::size(size)));
        }
        Ok(Self { items })
    }

    /// What there is to ask for.
    pub(super) fn items(&self) -> Vec<Item> {
        self.items.iter().map(|(item, _)| item.clone()).collect()
    }

    /// Hands pieces out to whoever asks, for as long as it is polled.
    pub(super) async fn hand_out(self, client: Client, token: String) -> Result<(), AgentsError> {
        let failed = |error: String| AgentsError::Connection(error);
        let asked = client.subscribe(wire::pieces(&token)).await;
        let mut asked = asked.map_err(|error| failed(error.to_string()))?;
        while let Some(message) = asked.next().await {
            let piece = wire::read::<PieceOf>(&message.payload).and_then(|piece| self.piece(&piece));
            if let (Some(reply), Some(piece)) = (message.reply, piece) {
                client.publish(reply, piece).await.map_err(|error| failed(error.to_string()))?;
            }
        }
        Ok(())
    }

    fn piece(&self, of: &PieceOf) -> Option<Bytes> {
        let (_, bytes) = self.items.get(of.item)?;
        let from = usize::try_from(of.from).ok().filter(|from| *from <= bytes.len())?;
        Some(bytes.slice(from..bytes.len().min(from + PIECE)))
    }
}

/// Fetches a plan. `items`: what there is, as the coordinator says.
///
/// # Errors
/// In words.
pub(super) async fn fetch(client: &Client, token: &str, items: &[Item]) -> Result<(WorkItem, Pack), String> {
    let size = items.iter().fold(0_u64, |size, item| size.saturating_add(item.bytes));
    if size > LARGEST_PLAN {
        return Err(format!("the plan has {}, and may have 256 MiB", unit::size(size)));
    }
    let mut pack = Pack::default();
    let mut work = None;
    for (place, item) in items.iter().enumerate() {
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < item.bytes {
            let piece = piece(client, token, &PieceOf { item: place, from: bytes.len() as u64 }).await?;
            if piece.is_empty() || bytes.len() as u64 + piece.len() as u64 > item.bytes {
                return Err("the plan is damaged".to_owned());
            }
            bytes.extend_from_slice(&piece);
        }
        if checksum::sha256(&bytes) != item.sha256 {
            return Err("the plan is damaged".to_owned());
        }
        if place == 0 {
            work = serde_json::from_slice::<WorkItem>(&bytes).ok();
        } else {
            pack.files.insert(item.path.clone(), bytes);
        }
    }
    let work = work.ok_or_else(|| "the plan is damaged".to_owned())?;
    pack.scenario.clone_from(&work.scenario);
    pack.vars.clone_from(&work.vars);
    Ok((work, pack))
}

async fn piece(client: &Client, token: &str, of: &PieceOf) -> Result<Bytes, String> {
    let mut reason = String::new();
    for _ in 0..TRIES {
        let request = Request::new().payload(wire::json(of)).timeout(Some(PIECE_WITHIN));
        match client.send_request(wire::pieces(token), request).await {
            Ok(message) => return Ok(message.payload),
            Err(error) => reason = error.to_string(),
        }
        // The coordinator's subscription may still be on its way.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(format!("the plan does not come: {reason}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::load::{Executor, Load};

    #[test]
    fn a_plan_is_handed_out_in_pieces_that_make_it_whole() {
        let executor = Executor::Closed { users: 1, spawn_rate: 1.0, run_time: Duration::from_secs(1) };
        let work = WorkItem {
            scenario: "a.toml".into(),
            vars: Vec::new(),
            load: Load::of(executor, vec![0], Duration::ZERO),
            base_url: String::new(),
            seed: 1,
        };
        let large = vec![7; PIECE + 1];
        let pack = Pack { files: [("data.csv".into(), large.clone())].into(), ..Pack::default() };
        let plan = Plan::new(&work, &pack).unwrap();
        let item = &plan.items()[1];
        assert_eq!((item.path.to_str(), item.bytes), (Some("data.csv"), large.len() as u64));
        let piece = |from| plan.piece(&PieceOf { item: 1, from });
        let whole = [piece(0).unwrap(), piece(PIECE as u64).unwrap()].concat();
        assert_eq!(checksum::sha256(whole), item.sha256);
        assert_eq!(piece(large.len() as u64).unwrap().len(), 0);
        assert!(piece(u64::MAX).is_none() && plan.piece(&PieceOf { item: 2, from: 0 }).is_none());
    }
}
