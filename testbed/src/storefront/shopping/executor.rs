//! Carrying plans out. Before: gives up when an answer does not come. After: calls again, under an
//! idempotency key and behind circuit breakers, and takes back what it cannot finish.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{
    parties::{Call, OrderNumber, Parties, Party},
    plan::{Plan, Step},
};
use crate::storefront::{Form, breaker::Breaker};

/// Before the first repetition; doubled for each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(5);

/// Carries plans out, in one of two forms.
pub(super) struct Executor {
    form: Form,
    /// Most calls for one step, of the form after.
    attempts: u32,
    parties: Parties,
    breakers: [Breaker; Party::COUNT],
    orders: Mutex<BTreeMap<OrderNumber, Order>>,
    last: AtomicU64,
    retries: AtomicU64,
    opened: AtomicU64,
}

struct Order {
    plan: Plan,
    state: State,
}

/// What the executor says of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Executing,
    Completed,
    Abandoned,
}

/// An order as its parties' books have it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Seen {
    pub(super) order_id: String,
    pub(super) state: State,
    /// Items in the cart.
    items: usize,
    charged: bool,
    confirmed: bool,
}

/// What has happened so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) plans: u64,
    pub(super) completed: u64,
    pub(super) abandoned: u64,
    pub(super) calls: u64,
    pub(super) failures: u64,
    pub(super) retries: u64,
    pub(super) opened: u64,
    pub(super) duplicates: u64,
    pub(super) orphaned: u64,
}

impl Executor {
    pub(super) fn new(form: Form, attempts: u32, parties: Parties) -> Self {
        Self {
            form,
            attempts: attempts.max(1),
            parties,
            breakers: Default::default(),
            orders: Mutex::default(),
            last: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            opened: AtomicU64::new(0),
        }
    }

    /// Carries a plan out to its end, or as far as it comes.
    pub(super) async fn execute(&self, plan: Plan) -> OrderNumber {
        let order = self.last.fetch_add(1, Relaxed) + 1;
        self.lock().insert(order, Order { plan: plan.clone(), state: State::Executing });
        let mut state = State::Completed;
        for (place, step) in plan.steps.iter().enumerate() {
            let done = match self.form {
                Form::Before => self.parties.call(Call { order, step: place, has_key: false }).await.is_ok(),
                Form::After => self.insist(order, place, step).await,
            };
            if !done {
                state = State::Abandoned;
                break;
            }
        }
        if state == State::Abandoned && self.form == Form::After {
            self.take_back(order).await;
        }
        // Unknown after a reset.
        if let Some(order) = self.lock().get_mut(&order) {
            order.state = state;
        }
        order
    }

    /// Calls until an answer comes, at most `attempts` times.
    async fn insist(&self, order: OrderNumber, place: usize, step: &Step) -> bool {
        let breaker = &self.breakers[Party::of(step) as usize];
        for attempt in 0..self.attempts {
            if attempt > 0 {
                self.retries.fetch_add(1, Relaxed);
                tokio::time::sleep(FIRST_BACKOFF * 2_u32.pow(attempt - 1)).await;
            }
            if !breaker.allows(Instant::now()) {
                continue;
            }
            let answered = self.parties.call(Call { order, step: place, has_key: true }).await.is_ok();
            if breaker.note(answered, Instant::now()) {
                self.opened.fetch_add(1, Relaxed);
            }
            if answered {
                return true;
            }
        }
        false
    }

    async fn take_back(&self, order: OrderNumber) {
        for _ in 0..self.attempts {
            if self.parties.undo(order).await.is_ok() {
                return;
            }
        }
    }

    /// An order, in the state that the parties' books give it: completed means that every step of
    /// its plan had its effect.
    pub(super) fn order(&self, number: OrderNumber) -> Option<Seen> {
        let done = self.parties.done(number);
        let orders = self.lock();
        let Order { plan, state } = orders.get(&number)?;
        let is_done = |wanted: fn(&Step) -> bool| {
            plan.steps.iter().enumerate().any(|(place, step)| wanted(step) && done.contains(&place))
        };
        let in_cart =
            |(place, step): &(usize, &Step)| matches!(step, Step::AddToCart(_)) && done.contains(place);
        let state = match state {
            State::Completed if done.len() < plan.steps.len() => State::Abandoned,
            state => *state,
        };
        Some(Seen {
            order_id: text(number),
            state,
            items: plan.steps.iter().enumerate().filter(in_cart).count(),
            charged: is_done(|step| matches!(step, Step::ChargePayment)),
            confirmed: is_done(|step| matches!(step, Step::ConfirmOrder)),
        })
    }

    pub(super) fn counts(&self) -> Counts {
        let states: BTreeMap<OrderNumber, State> =
            self.lock().iter().map(|(number, order)| (*number, order.state)).collect();
        let count = |state| states.values().filter(|s| **s == state).count() as u64;
        Counts {
            plans: states.len() as u64,
            completed: count(State::Completed),
            abandoned: count(State::Abandoned),
            calls: self.parties.calls(),
            failures: self.parties.failures(),
            retries: self.retries.load(Relaxed),
            opened: self.opened.load(Relaxed),
            duplicates: self.parties.duplicates(),
            orphaned: self.parties.effects(|order| states.get(&order) == Some(&State::Abandoned)),
        }
    }

    /// Forgets everything; numbers of orders are not given again.
    pub(super) fn reset(&self) {
        self.lock().clear();
        self.parties.reset();
        self.breakers.iter().for_each(Breaker::reset);
        self.retries.store(0, Relaxed);
        self.opened.store(0, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrderNumber, Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `o-17`
pub(super) fn text(number: OrderNumber) -> String {
    format!("o-{number}")
}

/// The number of `o-17`.
pub(super) fn number(text: &str) -> Option<OrderNumber> {
    text.strip_prefix("o-")?.parse().ok()
}
