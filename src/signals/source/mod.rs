//! The kinds of places that signals are read from, one file each.

mod control_group;
mod http;
mod log;
mod postgres;
mod redis;
mod sqlite;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::redact;
use crate::scenario::signal::{Question, Signal, SourcePlace};
use crate::unit;
use crate::web::{Client, shown};

/// Each signal's first question that has an answer.
fn first_answers(signals: &[Signal], answer: impl Fn(&Question) -> Option<f64>) -> Vec<Option<f64>> {
    signals.iter().map(|signal| signal.questions.iter().find_map(&answer)).collect()
}

/// A place that is read again and again. Connections are kept between readings, and made anew after
/// a failure.
pub(super) struct Source {
    place: SourcePlace,
    /// How long one reading may take: a source that hangs delays itself only.
    timeout: Duration,
    client: Client,
    postgres: postgres::Connection,
    redis: redis::Connection,
    log: log::Log,
    /// A container's control group, once it is known.
    group: Option<PathBuf>,
}

impl Source {
    pub(super) fn new(place: SourcePlace, timeout: Duration, client: Client) -> Self {
        Self {
            place,
            timeout,
            client,
            postgres: postgres::Connection::default(),
            redis: redis::Connection::default(),
            log: log::Log::default(),
            group: None,
        }
    }

    /// Its URL or file as people may see it.
    pub(super) fn shown(&self) -> String {
        redact::command(&shown(self.place.text()))
    }

    /// The values of its signals now, in their order; none for one that is not there.
    ///
    /// # Errors
    /// Why nothing could be read.
    pub(super) async fn read(&mut self, signals: &[Signal]) -> Result<Vec<Option<f64>>, String> {
        let reading = async {
            match &self.place {
                SourcePlace::Prometheus(url) => http::prometheus(&self.client, url, signals).await,
                SourcePlace::Json(url) => http::json(&self.client, url, signals).await,
                SourcePlace::Sqlite(file) => sqlite::read(file, signals).await,
                SourcePlace::Postgres(url) => self.postgres.read(url, signals).await,
                SourcePlace::Redis(url) => self.redis.read(url, signals).await,
                SourcePlace::Log(path) => self.log.read(path, signals),
                SourcePlace::ControlGroup(folder) => control_group::read(Path::new(folder), signals),
                SourcePlace::Container(name) => {
                    let name = name.clone();
                    let group = match self.group.take() {
                        Some(group) => group,
                        // Off the runtime's thread: another program is asked.
                        None => tokio::task::spawn_blocking(move || control_group::of_container(&name))
                            .await
                            .map_err(|e| e.to_string())??,
                    };
                    let values = control_group::read(&group, signals);
                    // A container that was started anew has another group.
                    self.group = values.is_ok().then_some(group);
                    values
                }
            }
        };
        let in_time = tokio::time::timeout(self.timeout, reading).await;
        let late = || format!("no answer within {}", unit::span(self.timeout.as_secs_f64()));
        in_time.unwrap_or_else(|_| Err(late()))
    }
}
