//! The command line, and the values that it stands for.

mod faults;
mod gateway;
mod ingestor;
mod site;
mod storefront;

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use humantime::parse_duration;
use testbed::{
    known::{ServiceTime, Stalls, Truth},
    shopstream::{self, Bug, CONTEXTS, Engines},
};

use self::{
    faults::FaultArgs, gateway::GatewayArgs, ingestor::IngestorArgs, site::SiteArgs,
    storefront::StorefrontArgs,
};

/// Serves a small real system on 127.0.0.1 for load tests to measure, until SIGTERM or SIGINT.
#[derive(Parser)]
#[command(name = "testbed", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) system: System,
}

#[derive(Subcommand)]
pub(crate) enum System {
    Shopstream(ShopstreamArgs),
    Known(KnownArgs),
    Ingestor(IngestorArgs),
    Gateway(GatewayArgs),
    Site(SiteArgs),
    Storefront(StorefrontArgs),
}

/// A shop with outbox, streams, engines and read models; the switch is priority lanes.
#[derive(clap::Args)]
pub(crate) struct ShopstreamArgs {
    /// Whether events of negative priority wait in streams of their own
    #[arg(long, value_enum, default_value = "off")]
    lanes: Switch,
    /// Port of the API; 0 takes a free one
    #[arg(long, default_value_t = 8000)]
    pub(crate) port: u16,
    /// Port of the metrics and queue depths; 0 takes a free one
    #[arg(long, default_value_t = 9000)]
    pub(crate) observatory_port: u16,
    /// Folder of the database [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Threads that handle events: `4` for all contexts together, or `identity=3,catalogue=2,…`
    #[arg(long, value_parser = engines, default_value = "1")]
    engines: Engines,
    /// What handling one event costs outside of the shop
    #[arg(long, value_parser = parse_duration, default_value = "15ms")]
    event_cost: Duration,
    /// What deciding a command costs outside of the shop: the longer, the more commands conflict
    #[arg(long, value_parser = parse_duration, default_value = "0s")]
    command_cost: Duration,
    /// Keep a database per context on this server, in place of files; an empty URL stands for none
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Keep the streams in this Redis, in place of the process; an empty URL stands for none
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// A defect that a load test should find
    #[arg(long, value_enum)]
    bug: Option<BugName>,
    /// Whether the header X-Processing-Priority is read
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    honour_priority: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum BugName {
    /// Reservations ignore what others have reserved meanwhile
    Oversell,
}

#[derive(Clone, Copy, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// A server whose service time, stalls, errors and faults are known exactly.
#[derive(clap::Args)]
pub(crate) struct KnownArgs {
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = 8000)]
    pub(crate) port: u16,
    /// How long a request takes: `1ms`, `uniform:1ms..3ms` or `lognormal:1ms,0.5` (median, sigma)
    #[arg(long, default_value = "1ms")]
    service_time: ServiceTime,
    /// Multiplies every service time
    #[arg(long, default_value_t = 1.0)]
    slowdown: f64,
    /// From the start of a stall to the start of the next; the first comes after one such time
    #[arg(long, value_parser = parse_duration, requires = "stall_for")]
    stall_every: Option<Duration>,
    /// How long a stall lasts
    #[arg(long, value_parser = parse_duration, requires = "stall_every")]
    stall_for: Option<Duration>,
    /// Share of the requests that are answered with the error status
    #[arg(long, default_value_t = 0.0)]
    errors: f64,
    /// Status of such an answer
    #[arg(long, default_value_t = 500)]
    error_status: u16,
    /// Status of every other answer
    #[arg(long, default_value_t = 200)]
    status: u16,
    /// Body of an answer
    #[arg(long, default_value = "ok")]
    body: String,
    /// From the answer that accepts a job to the job being visible
    #[arg(long, value_parser = parse_duration, default_value = "0s")]
    effect_delay: Duration,
    /// Which sequence of service times, errors and faults it is
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    faults: FaultArgs,
}

impl ShopstreamArgs {
    /// The configuration that these arguments stand for.
    pub(crate) fn config(self) -> shopstream::Config {
        shopstream::Config {
            lanes: matches!(self.lanes, Switch::On),
            honour_priority: self.honour_priority,
            engines: self.engines,
            event_cost: self.event_cost,
            command_cost: self.command_cost,
            data: self.data,
            postgres: self.postgres.filter(|url| !url.is_empty()),
            redis: self.redis.filter(|url| !url.is_empty()),
            bug: self.bug.map(|BugName::Oversell| Bug::Oversell),
        }
    }
}

/// Reads `4`, or `identity=3,catalogue=2`; contexts that are not named have one engine.
fn engines(text: &str) -> Result<Engines, String> {
    if let Ok(count) = text.parse() {
        return Ok(Engines::Shared(count));
    }
    let mut counts = [1; CONTEXTS.len()];
    for part in text.split(',') {
        let (context, count) = part.split_once('=').ok_or("say a number, or context=number,…")?;
        let place = CONTEXTS.iter().position(|known| *known == context.trim());
        let place = place.ok_or_else(|| format!("{context} is none of {}", CONTEXTS.join(", ")))?;
        counts[place] = count.trim().parse().map_err(|error| format!("{count}: {error}"))?;
    }
    Ok(Engines::PerContext(counts))
}

impl KnownArgs {
    /// The truth that these arguments stand for.
    pub(crate) fn truth(self) -> Truth {
        let stalls = self.stall_every.zip(self.stall_for);
        Truth {
            service_time: self.service_time,
            slowdown: self.slowdown,
            stalls: stalls.map(|(period, length)| Stalls { period, length }),
            errors: self.errors,
            error_status: self.error_status,
            status: self.status,
            body: self.body,
            effect_delay: self.effect_delay,
            seed: self.seed,
            faults: self.faults.faults(),
        }
    }
}
