//! Arguments of the gateway.

use std::{io, path::PathBuf, time::Duration};

use clap::builder::FalseyValueParser;
use humantime::parse_duration;
use testbed::{
    gateway::{self, Config, DEV_SECRET, Running},
    server::bind,
};

/// A gateway for messages of sessions, with a write-through and its log, or an outbox.
#[derive(clap::Args)]
pub(crate) struct GatewayArgs {
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = 8010)]
    port: u16,
    /// Requests write to memory and log themselves; without it they use the outbox
    #[arg(long, env = "GATEWAY_WRITE_THROUGH", value_parser = FalseyValueParser::new())]
    write_through: bool,
    /// Requests need a token (JWT, HS256)
    #[arg(long, env = "GATEWAY_REQUIRE_AUTH", value_parser = FalseyValueParser::new())]
    require_auth: bool,
    /// The secret that tokens are signed with
    #[arg(long, env = "GATEWAY_JWT_SECRET", hide_env_values = true, default_value = DEV_SECRET)]
    jwt_secret: String,
    /// How long the memory service takes for a write
    #[arg(long, value_parser = parse_duration, default_value = "2ms")]
    memory_cost: Duration,
    /// Share of the writes that the memory service fails
    #[arg(long, default_value_t = 0.0)]
    memory_failures: f64,
    /// What applying a batch of the log costs outside of the gateway
    #[arg(long, value_parser = parse_duration, default_value = "0s")]
    apply_cost: Duration,
    /// Folder of log and replica [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Keep the replica on this server, as `gateway_db`; an empty URL stands for a file
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
}

impl GatewayArgs {
    /// Starts the gateway.
    pub(crate) fn start(self) -> io::Result<Running> {
        let listener = bind(self.port)?;
        gateway::start(
            listener,
            Config {
                write_through: self.write_through,
                require_auth: self.require_auth,
                jwt_secret: self.jwt_secret,
                memory_cost: self.memory_cost,
                memory_failures: self.memory_failures,
                apply_cost: self.apply_cost,
                data: self.data,
                postgres: self.postgres.filter(|url| !url.is_empty()),
            },
        )
    }
}
