//! The kinds of places that signals are read from, one file each.

mod http;
mod postgres;
mod redis;
mod sqlite;

use std::time::Duration;

use reqwest::Client;

use crate::scenario::signal::{Signal, SourcePlace};
use crate::web::shown;

/// How long one reading may take: a source that hangs delays itself only.
pub(super) const READING: Duration = Duration::from_secs(2);

/// A place that is read again and again. Connections are kept between readings, and made anew after
/// a failure.
pub(super) struct Source {
    place: SourcePlace,
    client: Client,
    postgres: postgres::Connection,
    redis: redis::Connection,
}

impl Source {
    pub(super) fn new(place: SourcePlace, client: Client) -> Self {
        Self { place, client, postgres: postgres::Connection::default(), redis: redis::Connection::default() }
    }

    /// Its URL or file as people may see it.
    pub(super) fn shown(&self) -> String {
        shown(self.place.text())
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
            }
        };
        let in_time = tokio::time::timeout(READING, reading).await;
        in_time.unwrap_or_else(|_| Err(format!("no answer within {} s", READING.as_secs())))
    }
}
