//! An agent: waits for coordinators, makes its share of their runs, and delivers what it has made.

use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_nats::{Client, Message};
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::task::LocalSet;

use super::delivery::{Progress, deliver};
use super::orders::Desk;
use super::say::Say;
use super::spool::{self, Kept};
use super::wire::{self, Answer, Call, Introduction, Order, PROTOCOL};
use super::{AgentsError, connection};

/// How an agent works.
pub struct AgentOptions {
    /// The NATS server.
    pub url: String,
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// The machine: its name, processor and kernel.
    pub machine: [String; 3],
    /// The folder of its spools.
    pub spool: PathBuf,
    /// Threads that make load.
    pub workers: u16,
    /// Cores that it may use.
    pub cores: u32,
    /// Whether it ends after the first coordinator that it has worked for.
    pub once: bool,
    /// Becomes true when the user wants to end it.
    pub interrupt: watch::Receiver<bool>,
    /// Hears what it does.
    pub say: Say,
}

/// Works as an agent until it is ended.
///
/// # Errors
/// If the server cannot be reached by any means, or the spool folder not be used.
pub fn serve(options: &AgentOptions) -> Result<(), AgentsError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = LocalSet::new().block_on(&runtime, work(options));
    // Whatever is still being delivered is in the spool.
    runtime.shutdown_background();
    result
}

async fn work(options: &AgentOptions) -> Result<(), AgentsError> {
    let (_lock, left) = spools(&options.spool, &options.say)?;
    let say = Arc::clone(&options.say);
    let client = connection::await_server(&options.url, move |text| say(text)).await?;
    let id = format!("{}-{:016x}", options.name, fresh());
    for kept in left {
        tokio::task::spawn_local(deliver_again(client.clone(), kept, id.clone(), Arc::clone(&options.say)));
    }
    let subscribed = |error: async_nats::SubscribeError| AgentsError::Connection(error.to_string());
    let mut calls = client.subscribe(wire::CALLS).await.map_err(subscribed)?;
    let mut orders = client.subscribe(wire::orders(&id)).await.map_err(subscribed)?;
    let (folder, say) = (options.spool.clone(), Arc::clone(&options.say));
    let mut desk = Desk::new(client.clone(), id.clone(), options.workers, folder, say);
    let mut interrupt = options.interrupt.clone();
    loop {
        let ended = tokio::select! {
            call = calls.next() => match call {
                Some(call) => {
                    introduce(&client, &call, options, &id, desk.is_busy()).await;
                    false
                }
                None => return Err(AgentsError::Connection("the connection has ended".to_owned())),
            },
            order = orders.next() => match order {
                Some(order) => carry_out(&client, &order, &mut desk).await && options.once,
                None => return Err(AgentsError::Connection("the connection has ended".to_owned())),
            },
            wanted = interrupt.wait_for(|wanted| *wanted) => {
                drop(wanted);
                true
            }
        };
        if ended {
            desk.wind_up().await;
            let _ = client.flush().await;
            return Ok(());
        }
    }
}

/// The folder of the spools, and those that earlier processes have left there. One process has it to itself.
fn spools(folder: &Path, say: &Say) -> Result<(File, Vec<Kept>), AgentsError> {
    let failed = |reason: String| AgentsError::Spool { folder: folder.to_owned(), reason };
    std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
    let lock = File::create(folder.join("lock")).map_err(|error| failed(error.to_string()))?;
    lock.try_lock().map_err(|_| {
        failed(
            "another agent uses it\n  hint: give each agent of a machine a --name or a --spool of its own"
                .to_owned(),
        )
    })?;
    let (left, damaged) = spool::left_in(folder).map_err(|error| failed(error.to_string()))?;
    for text in &damaged {
        say(text);
    }
    for kept in &left {
        say(&format!(
            "holds {} batches of run {}, which its coordinator has not sealed",
            kept.count(),
            kept.header().token
        ));
    }
    Ok((lock, left))
}

/// Delivers what an earlier process has left, as soon as somebody wants it.
async fn deliver_again(client: Client, kept: Kept, id: String, say: Say) {
    let kept = Arc::new(kept);
    let token = kept.header().token.clone();
    let progress = Progress::new(kept.header().agent, &id);
    match kept.finished() {
        Ok(finished) => progress.note(|state| (state.users_done, state.finished) = (true, Some(finished))),
        Err(error) => progress.note(|state| state.error = Some(format!("cannot read the spool: {error}"))),
    }
    match deliver(&client, &kept, &progress).await {
        Ok(()) => say(&format!("run {token}: stored and sealed by the coordinator")),
        Err(error) => say(&format!("run {token}: {error}")),
    }
}

async fn introduce(client: &Client, call: &Message, options: &AgentOptions, id: &str, is_busy: bool) {
    let (Some(reply), Some(_)) = (&call.reply, wire::read::<Call>(&call.payload)) else { return };
    let [machine, processor, kernel] = options.machine.clone();
    let introduction = Introduction {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        id: id.to_owned(),
        name: options.name.clone(),
        machine,
        processor,
        kernel,
        cores: options.cores,
        workers: options.workers,
        is_busy,
    };
    // A coordinator that hears nothing calls again.
    let _ = client.publish(reply.clone(), wire::json(&introduction)).await;
}

/// Carries an order out, and answers; whether it was the last one of its coordinator.
async fn carry_out(client: &Client, message: &Message, desk: &mut Desk) -> bool {
    let (answer, is_last) = match wire::read::<Order>(&message.payload) {
        Some(order) => desk.take(order).await,
        None => (Answer::Refused("the order is not a valid one".to_owned()), false),
    };
    if let Some(reply) = &message.reply {
        // A coordinator that hears nothing asks again, or gives up.
        let _ = client.publish(reply.clone(), wire::json(&answer)).await;
    }
    is_last
}

/// A number that no other process draws.
pub(super) fn fresh() -> u64 {
    // The standard library's hasher is seeded by the system.
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish()
}
