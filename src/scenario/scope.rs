//! What a user's templates can see, and how their functions find it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Object, Value};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

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
    variables: Mutex<BTreeMap<String, Value>>,
    place: Mutex<Place>,
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
    /// A scope without variables, whose draws depend on `seed` alone.
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            rng: Mutex::new(Pcg64Mcg::seed_from_u64(seed)),
            variables: Mutex::new(BTreeMap::new()),
            place: Mutex::default(),
        })
    }

    /// Sets a variable.
    pub fn set(&self, name: &str, value: Value) {
        let mut variables = self.variables.lock().unwrap_or_else(PoisonError::into_inner);
        match variables.get_mut(name) {
            Some(slot) => *slot = value,
            None => {
                variables.insert(name.to_owned(), value);
            }
        }
    }

    /// Starts over: draws that depend on `seed` alone, and no variables but these.
    pub fn reset(&self, seed: u64, variables: &[(String, Value)]) {
        *self.rng.lock().unwrap_or_else(PoisonError::into_inner) = Pcg64Mcg::seed_from_u64(seed);
        let mut own = self.variables.lock().unwrap_or_else(PoisonError::into_inner);
        own.clear();
        own.extend(variables.iter().cloned());
    }

    /// Sets the variables `user` and `iteration`, and forgets the key.
    pub fn place(&self, user: u32, iteration: u32) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) =
            Place { user, journey: iteration, key: Key::NONE };
    }

    /// Says what the requests from here on are about.
    pub fn set_key(&self, key: Key) {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).key = key;
    }

    /// What requests are about.
    pub fn key(&self) -> Key {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).key
    }

    /// A copy with other draws and its own variables: for work that goes on beside the user's.
    pub fn fork(&self, seed: u64) -> Arc<Self> {
        let variables = self.variables.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let place = *self.place.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::new(Self {
            rng: Mutex::new(Pcg64Mcg::seed_from_u64(seed)),
            variables: Mutex::new(variables),
            place: Mutex::new(place),
        })
    }

    /// Runs `draw` with this user's random numbers.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Pcg64Mcg) -> T) -> T {
        draw(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let Place { user, journey, .. } = *self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match name {
            SCOPE => return Some(Value::from_dyn_object(Arc::clone(self))),
            "user" => return Some(Value::from(user)),
            "iteration" => return Some(Value::from(journey)),
            _ => {}
        }
        self.variables.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

/// The scope for which a template is rendered, as a value.
pub(super) fn scope_value(state: &minijinja::State<'_, '_>) -> Result<Value, minijinja::Error> {
    state.lookup(SCOPE).ok_or_else(|| {
        minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, "needs a user: not usable here")
    })
}

/// Runs `draw` with the random numbers of the user for whom a template is rendered.
pub(super) fn with_rng<T>(
    state: &minijinja::State<'_, '_>,
    draw: impl FnOnce(&mut Pcg64Mcg) -> T,
) -> Result<T, minijinja::Error> {
    let value = scope_value(state)?;
    let scope = value.downcast_object_ref::<Scope>().ok_or_else(|| {
        minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, "the user's scope is hidden")
    })?;
    Ok(draw(&mut scope.rng.lock().unwrap_or_else(PoisonError::into_inner)))
}
