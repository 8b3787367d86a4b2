//! The kinds of places that signals are read from, one file each.

mod control_group;
mod detached;
mod http;
mod log;
mod postgres;
mod redis;
mod sqlite;

use std::path::{Path, PathBuf};
use std::time::Duration;

use self::detached::Detached;
use crate::redact;
use crate::scenario::signal::{Question, Signal, SourcePlace};
use crate::unit;
use crate::web::{Client, shown};

/// Each signal's first question that has an answer.
fn first_answers(signals: &[Signal], answer: impl Fn(&Question) -> Option<f64>) -> Vec<Option<f64>> {
    signals.iter().map(|signal| signal.questions.iter().find_map(&answer)).collect()
}

/// The values of signals that are asked for one by one: what one of them cannot be asked, such as a table that is not
/// there, takes nothing from the others. If none could be asked, the first reason.
fn known(answers: Vec<Result<Option<f64>, String>>) -> Result<Vec<Option<f64>>, String> {
    let failure = answers.iter().find_map(|answer| answer.as_ref().err().cloned());
    match failure {
        Some(reason) if answers.iter().all(Result::is_err) => Err(reason),
        _ => Ok(answers.into_iter().map(|answer| answer.ok().flatten()).collect()),
    }
}

/// A place that is read again and again. Connections are kept between readings, and made anew after
/// a failure.
pub(super) struct Source {
    places: Vec<SourcePlace>,
    /// The place that has answered: from then on the others are not asked.
    chosen: Option<usize>,
    /// How long one reading may take: a source that hangs delays itself only.
    timeout: Duration,
    client: Client,
    postgres: postgres::Connection,
    redis: redis::Connection,
    log: log::Log,
    threads: Detached,
    /// A container's control group, once it is known.
    group: Option<PathBuf>,
}

impl Source {
    pub(super) fn new(places: Vec<SourcePlace>, timeout: Duration, client: Client) -> Self {
        Self {
            places,
            chosen: None,
            timeout,
            client,
            postgres: postgres::Connection::default(),
            redis: redis::Connection::default(),
            log: log::Log::default(),
            threads: Detached::default(),
            group: None,
        }
    }

    /// Its URLs or files as people may see them.
    pub(super) fn shown(&self) -> String {
        let places: Vec<String> =
            self.places.iter().map(|place| redact::command(&shown(place.text()))).collect();
        places.join(" or ")
    }

    /// The values of its signals now, in their order; none for one that is not there.
    ///
    /// # Errors
    /// Why nothing could be read, at any of its places.
    pub(super) async fn read(&mut self, signals: &[Signal]) -> Result<Vec<Option<f64>>, String> {
        if let Some(place) = self.chosen {
            return self.read_in_time(place, signals).await;
        }
        let mut failures = Vec::new();
        for place in 0..self.places.len() {
            match self.read_in_time(place, signals).await {
                Ok(values) => {
                    self.chosen = Some(place);
                    return Ok(values);
                }
                Err(error) if self.places.len() == 1 => return Err(error),
                Err(error) => failures.push(format!("{}: {error}", shown(self.places[place].text()))),
            }
        }
        Err(failures.join("; "))
    }

    async fn read_in_time(&mut self, place: usize, signals: &[Signal]) -> Result<Vec<Option<f64>>, String> {
        let timeout = self.timeout;
        let in_time = tokio::time::timeout(timeout, self.read_at(place, signals)).await;
        in_time.unwrap_or_else(|_| Err(format!("no answer within {}", unit::span(timeout.as_secs_f64()))))
    }

    async fn read_at(&mut self, place: usize, signals: &[Signal]) -> Result<Vec<Option<f64>>, String> {
        match &self.places[place] {
            SourcePlace::Prometheus(url) => http::prometheus(&self.client, url, signals).await,
            SourcePlace::Json(url) => http::json(&self.client, url, signals).await,
            SourcePlace::Sqlite(file) => sqlite::read(file, signals, &self.threads).await,
            SourcePlace::Postgres(url) => self.postgres.read(url, signals).await,
            SourcePlace::Redis(url) => self.redis.read(url, signals).await,
            SourcePlace::Log(path) => self.log.read(path, signals),
            SourcePlace::ControlGroup(folder) => control_group::read(Path::new(folder), signals),
            SourcePlace::Container(name) => {
                let name = name.clone();
                let group = match self.group.take() {
                    Some(group) => group,
                    // Off the runtime's thread: another program is asked.
                    None => self.threads.run(move || control_group::of_container(&name)).await?,
                };
                let values = control_group::read(&group, signals);
                // A container that was started anew has another group.
                self.group = values.is_ok().then_some(group);
                values
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::known;

    #[test]
    fn a_question_that_cannot_be_asked_takes_nothing_from_the_others() {
        let lost = || Err("no such table".to_owned());
        assert_eq!(known(vec![lost(), Ok(Some(3.0)), Ok(None)]), Ok(vec![None, Some(3.0), None]));
        assert_eq!(known(vec![lost(), lost()]), Err("no such table".to_owned()));
        assert_eq!(known(Vec::new()), Ok(Vec::new()));
    }
}
