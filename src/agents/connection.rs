//! Connections to a NATS server.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event};

use super::AgentsError;
use crate::web;

/// How long connecting may take.
const WITHIN: Duration = Duration::from_secs(5);
/// How often the server is asked whether it is there: a connection that was cut without a word is noticed after two.
const PING: Duration = Duration::from_secs(3);

/// A client of a server that is there.
pub(super) async fn connect(url: &str) -> Result<Client, AgentsError> {
    let unreachable = |reason: String| AgentsError::Unreachable { url: web::shown(url), reason };
    let connecting = options().connect(url);
    match tokio::time::timeout(WITHIN, connecting).await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(unreachable(error.kind().to_string())),
        Err(_) => Err(unreachable(format!("no answer within {} s", WITHIN.as_secs()))),
    }
}

/// A client of a server that may come later. `say`: hears when it is there, and when it is gone.
pub(super) async fn await_server(
    url: &str,
    say: impl Fn(&str) + Send + Sync + 'static,
) -> Result<Client, AgentsError> {
    let options = options().retry_on_initial_connect().event_callback(move |event| {
        match event {
            Event::Connected => say("connected to the NATS server"),
            Event::Disconnected => say("the NATS server is away"),
            _ => {}
        }
        std::future::ready(())
    });
    options
        .connect(url)
        .await
        .map_err(|error| AgentsError::Unreachable { url: web::shown(url), reason: error.kind().to_string() })
}

fn options() -> ConnectOptions {
    ConnectOptions::new().name("loadproof").connection_timeout(WITHIN).ping_interval(PING)
}
