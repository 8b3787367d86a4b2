//! What the shop remembers: sessions, tokens and orders. Of each the newest, so that memory is bounded.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::HeaderMap;
use lru::LruCache;
use uuid::Uuid;

use super::{
    catalogue::Catalogue,
    config::Config,
    cookies,
    counters::{Count, Counters},
};

/// Most sessions, tokens and orders that are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(100_000).expect("it is not zero");

/// The first order has the number after this one: 20 digits, beyond what a float or an `i64` holds.
const FIRST_ORDER: u64 = 10_000_000_000_000_000_000;

/// An order that was placed.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) user: String,
    pub(crate) item: u64,
    pub(crate) quantity: u32,
    pub(crate) total_cents: u64,
}

/// A shop: what it sells, and what has happened in it.
pub(crate) struct Site {
    pub(crate) config: Config,
    pub(crate) catalogue: Catalogue,
    pub(crate) counters: Arc<Counters>,
    users: Newest<String, String>,
    tokens: Newest<String, Instant>,
    orders: Newest<u64, Order>,
    placed: Count,
}

impl Site {
    pub(crate) fn new(config: Config, counters: Arc<Counters>) -> Site {
        Site {
            catalogue: Catalogue::new(config.items),
            config,
            counters,
            users: Newest::new(),
            tokens: Newest::new(),
            orders: Newest::new(),
            placed: Count::default(),
        }
    }

    /// The user of a request's session, if one has logged in.
    pub(crate) fn user(&self, headers: &HeaderMap) -> Option<String> {
        self.users.get(cookies::read(headers, cookies::SESSION)?)
    }

    /// Begins a session of `user` in place of the request's; returns its id.
    pub(crate) fn log_in(&self, headers: &HeaderMap, user: &str) -> String {
        self.log_out(headers);
        let id = secret();
        self.users.put(id.clone(), user.to_owned());
        id
    }

    /// Ends the request's session.
    pub(crate) fn log_out(&self, headers: &HeaderMap) {
        if let Some(id) = cookies::read(headers, cookies::SESSION) {
            self.users.forget(id);
        }
    }

    /// A new access token, and how long it is valid.
    pub(crate) fn issue_token(&self) -> (String, Duration) {
        let token = secret();
        let lifetime = self.config.token_lifetime;
        self.counters.tokens.add();
        self.tokens.put(token.clone(), Instant::now() + lifetime);
        (token, lifetime)
    }

    /// When an access token expires or has expired; none for one that was not issued.
    pub(crate) fn token_expires(&self, token: &str) -> Option<Instant> {
        self.tokens.get(token)
    }

    /// Places an order: gives it its number.
    pub(crate) fn place(&self, order: impl FnOnce(u64) -> Order) -> Order {
        let order = order(FIRST_ORDER + self.placed.add());
        self.orders.put(order.id, order.clone());
        self.counters.orders.add();
        order
    }

    /// An order that was placed.
    pub(crate) fn order(&self, id: u64) -> Option<Order> {
        self.orders.get(&id)
    }

    /// Forgets everything.
    pub(crate) fn reset(&self) {
        self.users.clear();
        self.tokens.clear();
        self.orders.clear();
        self.counters.reset();
    }
}

/// Text that nobody guesses.
pub(crate) fn secret() -> String {
    Uuid::new_v4().simple().to_string()
}

/// The values that were used last, by key.
struct Newest<K: std::hash::Hash + Eq, V>(Mutex<LruCache<K, V>>);

impl<K: std::hash::Hash + Eq, V: Clone> Newest<K, V> {
    fn new() -> Newest<K, V> {
        // Not with its whole capacity: that would take room for all of them at once.
        let mut cache = LruCache::unbounded();
        cache.resize(REMEMBERED);
        Newest(Mutex::new(cache))
    }

    fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: std::hash::Hash + Eq + ?Sized,
    {
        self.lock().get(key).cloned()
    }

    fn put(&self, key: K, value: V) {
        self.lock().put(key, value);
    }

    fn forget<Q>(&self, key: &Q)
    where
        K: std::borrow::Borrow<Q>,
        Q: std::hash::Hash + Eq + ?Sized,
    {
        self.lock().pop(key);
    }

    fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
