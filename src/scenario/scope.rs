//! What a user's templates can see, and how their functions find it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::{Object, Value};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::decimal::{Decimal, plain};
use crate::sample::Key;

/// The name under which a template's functions find their [`Scope`]; no TOML key can be it.
const SCOPE: &str = "\u{1}scope";

/// What a user's templates can see: its variables, and its random numbers.
///
/// Both sit behind locks because templates demand it; a scope belongs to one user on one thread,
/// so nobody ever waits for them.
#[derive(Debug)]
pub struct Scope {
    rng: Mutex<Pcg64Mcg>,
    /// What distinguishes identifiers from those of other runs with the same seed; 0 where none are left of those.
    salt: u64,
    variables: Mutex<BTreeMap<String, Value>>,
    /// How numbers were written, by the bits of what they are worth, where they would be written
    /// otherwise.
    written: Mutex<BTreeMap<u64, Arc<str>>>,
    place: Mutex<Place>,
    cookies: Mutex<Cookies>,
    /// Bytes that the functions of the template that is being rendered have made.
    spent: AtomicU64,
    /// The time, µs since 1970 (UTC): this module has no clock of its own.
    now: fn() -> i64,
}

/// The cookies of the request that is being put together, if its templates ask for any.
#[derive(Debug, Default)]
struct Cookies {
    /// Names and values.
    pairs: Vec<(String, String)>,
    /// The last that was asked for and is not there.
    missing: Option<String>,
}

/// Where in a load a journey stands.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    user: u32,
    journey: u32,
    /// What its requests are about.
    key: Key,
}

impl Scope {
    /// A scope without variables, whose draws depend on `seed` alone; `now` tells the time, µs since
    /// 1970 (UTC).
    pub fn new(seed: u64, now: fn() -> i64) -> Arc<Self> {
        Self::salted(seed, 0, now)
    }

    /// The same, but for identifiers, which depend on `salt` as well.
    pub fn salted(seed: u64, salt: u64, now: fn() -> i64) -> Arc<Self> {
        Arc::new(Self {
            rng: Mutex::new(Pcg64Mcg::seed_from_u64(seed)),
            salt,
            variables: Mutex::default(),
            written: Mutex::default(),
            place: Mutex::default(),
            cookies: Mutex::default(),
            spent: AtomicU64::new(0),
            now,
        })
    }

    /// Sets a variable.
    pub fn set(&self, name: &str, value: &Value) {
        let value = self.seen(value);
        let mut variables = lock(&self.variables);
        match variables.get_mut(name) {
            Some(slot) => *slot = value,
            None => {
                variables.insert(name.to_owned(), value);
            }
        }
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<Value> {
        lock(&self.variables).get(name).cloned()
    }

    /// Forgets a variable.
    pub fn unset(&self, name: &str) {
        lock(&self.variables).remove(name);
    }

    /// A value as templates see it; how its numbers were written is remembered.
    pub(super) fn seen(&self, value: &Value) -> Value {
        let mut note = |decimal: &Decimal| {
            lock(&self.written).insert(decimal.worth.to_bits(), Arc::clone(&decimal.written));
        };
        plain(value, &mut note)
    }

    /// A value as it is to be kept beyond this scope: a number with how it was written.
    pub(super) fn kept(&self, value: Value) -> Value {
        let is_decimal = value.is_number() && !value.is_integer();
        let worth = if is_decimal { f64::try_from(value.clone()).ok() } else { None };
        match worth.and_then(|worth| Some((worth, self.written(worth)?))) {
            Some((worth, written)) => Value::from_object(Decimal { written, worth }),
            None => value,
        }
    }

    /// How a number was written that came from an answer or a file, if not as templates write it.
    pub(super) fn written(&self, number: f64) -> Option<Arc<str>> {
        lock(&self.written).get(&number.to_bits()).cloned()
    }

    /// The time, µs since 1970 (UTC).
    pub(super) fn now(&self) -> i64 {
        (self.now)()
    }

    /// Starts over: draws that depend on `seed` alone, and no variables but these.
    pub fn reset(&self, seed: u64, variables: &[(String, Value)]) {
        *lock(&self.rng) = Pcg64Mcg::seed_from_u64(seed);
        lock(&self.written).clear();
        lock(&self.variables).clear();
        for (name, value) in variables {
            self.set(name, value);
        }
    }

    /// Sets the variables `user` and `iteration`, and forgets the key.
    pub fn place(&self, user: u32, iteration: u32) {
        *lock(&self.place) = Place { user, journey: iteration, key: Key::NONE };
    }

    /// Says what the requests from here on are about.
    pub fn set_key(&self, key: Key) {
        lock(&self.place).key = key;
    }

    /// What requests are about.
    pub fn key(&self) -> Key {
        lock(&self.place).key
    }

    /// A copy with other draws and its own variables: for work that goes on beside the user's.
    pub fn fork(&self, seed: u64) -> Arc<Self> {
        let variables = lock(&self.variables).clone();
        let written = lock(&self.written).clone();
        let place = *lock(&self.place);
        Arc::new(Self {
            rng: Mutex::new(Pcg64Mcg::seed_from_u64(seed)),
            salt: self.salt,
            variables: Mutex::new(variables),
            written: Mutex::new(written),
            place: Mutex::new(place),
            cookies: Mutex::default(),
            spent: AtomicU64::new(0),
            now: self.now,
        })
    }

    /// Runs `draw` with this user's random numbers.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Pcg64Mcg) -> T) -> T {
        draw(&mut lock(&self.rng))
    }

    /// The cookies that go with the request that is put together next: names and values.
    pub fn set_cookies(&self, pairs: Vec<(String, String)>) {
        *lock(&self.cookies) = Cookies { pairs, missing: None };
    }

    /// The value of one of them; it is noted if there is none.
    pub(super) fn cookie(&self, name: &str) -> Option<String> {
        let mut cookies = lock(&self.cookies);
        let found = cookies.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        if found.is_none() {
            cookies.missing = Some(name.to_owned());
        }
        found
    }

    /// The last cookie that was asked for and is not there.
    pub fn missing_cookie(&self) -> Option<String> {
        lock(&self.cookies).missing.clone()
    }

    /// The values of the cookies that templates could ask for: secrets, all of them.
    pub fn cookie_values(&self) -> Vec<String> {
        lock(&self.cookies).pairs.iter().map(|(_, value)| value.clone()).collect()
    }

    /// A template is about to be rendered: none of its functions has made anything yet.
    pub(super) fn begin(&self) {
        self.spent.store(0, Ordering::Relaxed);
    }

    /// Counts bytes that a function makes; gives those of all functions since [`Scope::begin`].
    pub(super) fn spend(&self, bytes: u64) -> u64 {
        self.spent.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes)
    }

    /// What distinguishes identifiers from those of other runs with the same seed.
    pub(super) fn salt(&self) -> u64 {
        self.salt
    }
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let Place { user, journey, .. } = *lock(&self.place);
        match name {
            SCOPE => return Some(Value::from_dyn_object(Arc::clone(self))),
            "user" => return Some(Value::from(user)),
            "iteration" => return Some(Value::from(journey)),
            _ => {}
        }
        lock(&self.variables).get(name).cloned()
    }
}

/// The scope for which a template is rendered, as a value.
pub(super) fn scope_value(state: &minijinja::State<'_, '_>) -> Result<Value, minijinja::Error> {
    state.lookup(SCOPE).ok_or_else(|| {
        minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, "needs a user: not usable here")
    })
}

/// Runs `read` with the scope for which a template is rendered.
pub(super) fn with_scope<T>(
    state: &minijinja::State<'_, '_>,
    read: impl FnOnce(&Scope) -> T,
) -> Result<T, minijinja::Error> {
    let value = scope_value(state)?;
    let scope = value.downcast_object_ref::<Scope>().ok_or_else(|| {
        minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, "the user's scope is hidden")
    })?;
    Ok(read(scope))
}

/// Runs `read` with the scope for which a template is rendered, if there is one.
pub(super) fn find_scope<T>(state: &minijinja::State<'_, '_>, read: impl FnOnce(&Scope) -> T) -> Option<T> {
    state.lookup(SCOPE).and_then(|value| value.downcast_object_ref::<Scope>().map(read))
}

/// Runs `draw` with the random numbers of the user for whom a template is rendered.
pub(super) fn with_rng<T>(
    state: &minijinja::State<'_, '_>,
    draw: impl FnOnce(&mut Pcg64Mcg) -> T,
) -> Result<T, minijinja::Error> {
    with_scope(state, |scope| scope.draw(draw))
}
