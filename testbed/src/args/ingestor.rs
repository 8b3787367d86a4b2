//! Arguments of the ingestor.

use std::{io, num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::ValueEnum;
use humantime::parse_duration;
use testbed::{
    ingestor::{self, Config, Running},
    server::bind,
};

/// A message ingestor: an API, a queue, and workers that batch messages into a database.
#[derive(clap::Args)]
pub(crate) struct IngestorArgs {
    /// What this process is: parts in several processes share a Redis and a database
    #[arg(long, value_enum, default_value = "all")]
    part: Part,
    /// Port of the API; 0 takes a free one
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// Most messages of a batch
    #[arg(long, env = "BATCH_SIZE", value_parser = batch_size, default_value = "50")]
    batch_size: NonZeroUsize,
    /// How long the first message of a batch waits for others at most: `2`, `0.5` (s), `500ms`
    #[arg(long, env = "BATCH_TIMEOUT", value_parser = seconds, default_value = "2")]
    batch_timeout: Duration,
    /// Workers of this process
    #[arg(long, default_value = "1")]
    workers: NonZeroUsize,
    /// Name of this process among those whose workers share a queue
    #[arg(long, default_value = "worker")]
    name: String,
    /// What a commit costs outside of the ingestor, whatever the size of the batch
    #[arg(long, value_parser = parse_duration, default_value = "0s")]
    commit_cost: Duration,
    /// What taking a message in costs outside of the ingestor
    #[arg(long, value_parser = parse_duration, default_value = "0s")]
    receive_cost: Duration,
    /// How many messages are taken in at a time
    #[arg(long, default_value = "1000")]
    receivers: NonZeroUsize,
    /// Refuse messages with 503 while so many wait [default: no limit]
    #[arg(long, value_name = "MESSAGES")]
    queue_limit: Option<u64>,
    /// Folder of the database [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Keep the database on this server, as `messages_db`; an empty URL stands for a file
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Keep the queue in this Redis, as `pending_messages`; an empty URL stands for the process
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// Append a line per batch to this file [default: print it]
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// API and workers
    All,
    /// The API only
    Api,
    /// Workers only
    Worker,
}

/// SQL statements and scripts of a Redis take no more than this.
const LARGEST_BATCH: usize = 5000;

fn batch_size(text: &str) -> Result<NonZeroUsize, String> {
    let size: NonZeroUsize = text.parse().map_err(|error| format!("{error}"))?;
    if size.get() > LARGEST_BATCH { Err(format!("at most {LARGEST_BATCH}")) } else { Ok(size) }
}

/// Reads seconds, as containers are told them, or a duration with its unit.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string()),
        Err(_) => parse_duration(text).map_err(|error| error.to_string()),
    }
}

impl IngestorArgs {
    /// Starts the part that is asked for.
    pub(crate) fn start(self) -> io::Result<Running> {
        let is_apart = self.part != Part::All;
        let config = self.config();
        if is_apart && (config.redis.is_none() || (config.postgres.is_none() && config.data.is_none())) {
            let message = "parts in several processes need --redis, and --postgres or --data";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let api = (self.part != Part::Worker).then(|| bind(self.port)).transpose()?;
        ingestor::start(api, config)
    }

    fn config(&self) -> Config {
        let url = |url: &Option<String>| url.clone().filter(|url| !url.is_empty());
        Config {
            batch_size: self.batch_size,
            batch_timeout: self.batch_timeout,
            workers: if self.part == Part::Api { 0 } else { self.workers.get() },
            name: self.name.clone(),
            commit_cost: self.commit_cost,
            receive_cost: self.receive_cost,
            receivers: self.receivers,
            queue_limit: self.queue_limit,
            data: self.data.clone(),
            postgres: url(&self.postgres),
            redis: url(&self.redis),
            log: self.log.clone(),
        }
    }
}
