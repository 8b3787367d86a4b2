//! Putting the system into its initial state.

use std::time::Duration;

use super::SystemError;
use super::hook::{self, Around};
use crate::scenario::hook::Moment;
use crate::scenario::profile::{Profile, Reset};
use crate::web::{Client, Redirects, Way, shown};

/// How long a request may take: it may have to empty large tables.
const RESET: Duration = Duration::from_secs(120);
/// Statuses from here on say that a request was not carried out.
const REFUSED: u16 = 400;

/// Puts the system into its initial state: sends a profile's reset requests and runs its commands, in order.
///
/// # Errors
/// If a request is not answered with a status below 400, or a command does not end with exit code 0 in time.
pub async fn reset(profile: &Profile, around: &Around, way: &Way) -> Result<(), SystemError> {
    for step in &profile.reset {
        match step {
            Reset::Request { method, url } => request(method, url, &around.base_url, way).await?,
            Reset::Command(command) => {
                let commands = std::slice::from_ref(command);
                hook::run_all(commands, Moment::Before, around, &mut Vec::new()).await?;
            }
        }
    }
    Ok(())
}

async fn request(method: &str, url: &str, base_url: &str, way: &Way) -> Result<(), SystemError> {
    let url = if url.starts_with('/') { format!("{base_url}{url}") } else { url.to_owned() };
    let failed = |reason| SystemError::Reset { method: method.to_owned(), url: shown(&url), reason };
    let client = Client::new(RESET, Redirects::Kept, way).map_err(failed)?;
    let answer = client.ask(method, &url).await.map_err(failed)?;
    answer.below(REFUSED).map_err(failed)?;
    Ok(())
}
