//! The addresses of a server: looked up for new connections, at most every few seconds, and used
//! in turn.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer of the name service is used. A name that moves is followed, and the name
/// service is not loaded.
const FRESH: Duration = Duration::from_secs(5);

/// A host and a port, with their addresses as they were last known.
pub(super) struct Addresses {
    host: String,
    port: u16,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    list: Arc<[SocketAddr]>,
    /// When they were asked for; none for a host that is an address itself.
    since: Option<Instant>,
    /// How many connections were given one.
    given: usize,
}

impl Addresses {
    /// `host`: a name, or an address without brackets.
    pub(super) fn new(host: String, port: u16) -> Self {
        let fixed: Option<IpAddr> = host.parse().ok();
        let list = fixed.map(|ip| SocketAddr::new(ip, port)).into_iter().collect();
        Self { host, port, known: Mutex::new(Known { list, since: None, given: 0 }) }
    }

    /// Where to connect, in this order; each call begins with the next address.
    ///
    /// # Errors
    /// If the host's name is not known.
    pub(super) async fn next(&self) -> std::io::Result<Vec<SocketAddr>> {
        if let Some(turn) = self.turn(Instant::now()) {
            return Ok(turn);
        }
        let found: Vec<SocketAddr> =
            tokio::net::lookup_host((self.host.as_str(), self.port)).await?.collect();
        if found.is_empty() {
            return Err(std::io::Error::other("the name has no address"));
        }
        let now = Instant::now();
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.list = found.clone().into();
            known.since = Some(now);
        }
        Ok(self.turn(now).unwrap_or(found))
    }

    /// The addresses from the next one on, if they are known well enough.
    fn turn(&self, now: Instant) -> Option<Vec<SocketAddr>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = known.since.is_none_or(|since| now.duration_since(since) < FRESH);
        if known.list.is_empty() || !is_fresh {
            return None;
        }
        let turn = in_turn(&known.list, known.given);
        known.given = known.given.wrapping_add(1);
        Some(turn)
    }
}

/// The addresses of the family that the system prefers, from the one at `given` on, around; the
/// others behind them, for a server that is not reached by those.
fn in_turn(list: &[SocketAddr], given: usize) -> Vec<SocketAddr> {
    let Some(first) = list.first() else { return Vec::new() };
    let (mut preferred, others): (Vec<_>, Vec<_>) = list.iter().partition(|a| a.is_ipv4() == first.is_ipv4());
    let by = given % preferred.len();
    preferred.rotate_left(by);
    preferred.extend(others);
    preferred
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_of_the_preferred_family_are_used_in_turn() {
        let list: Vec<SocketAddr> =
            ["127.0.0.1:1", "127.0.0.2:1", "127.0.0.3:1", "[::1]:1"].map(|a| a.parse().unwrap()).into();
        let firsts: Vec<String> = (0..4).map(|given| in_turn(&list, given)[0].ip().to_string()).collect();
        assert_eq!(firsts, ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1"]);
        assert_eq!(in_turn(&list, 1).last(), Some(&list[3]), "the other family comes last");
        assert_eq!(in_turn(&list, 1).len(), 4);
    }

    #[tokio::test]
    async fn an_address_is_itself_for_good_and_a_name_is_asked_for_again() {
        let fixed = Addresses::new("127.0.0.1".to_owned(), 80);
        assert_eq!(fixed.next().await.unwrap(), ["127.0.0.1:80".parse().unwrap()]);
        let later = Instant::now() + FRESH * 2;
        assert!(fixed.turn(later).is_some());
        let name = Addresses::new("localhost".to_owned(), 80);
        assert!(!name.next().await.unwrap().is_empty());
        assert!(name.turn(Instant::now()).is_some());
        assert!(name.turn(later).is_none(), "known for too long");
    }
}
