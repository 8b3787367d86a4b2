//! What is read from the system under test: values of signals, on the samples' clock.

/// Name of the signal of how long answers that had come waited until loadproof read them, µs; a reading stands at the time
/// at which its answer was complete.
pub const RECEIVE_DELAY: &str = "loadproof receive delay";
/// Name of the counter of the time in which workers did nothing but spin until something was due.
pub const SPINNING: &str = "loadproof spinning";

/// What a signal is called and means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalInfo {
    /// Its name.
    pub name: String,
    /// `messages`, `bytes`, `s`; empty if not given.
    pub unit: String,
    /// Whether it is a total that only grows.
    pub is_counter: bool,
    /// Where it is read.
    pub source: String,
}

/// A signal by its place in a run's list of [`SignalInfo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignalId(pub u16);

/// A value of a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Which signal.
    pub signal: SignalId,
    /// When it was read, µs since the run's start: the middle of the question.
    pub at_us: i64,
    /// Its value.
    pub value: f64,
}

/// The readings of one signal.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalColumn {
    /// Its name.
    pub name: String,
    /// Its unit, empty if none is known.
    pub unit: String,
    /// Whether it is a total that only grows.
    pub is_counter: bool,
    /// `(µs since the run's start, value)`, in order of time.
    pub readings: Vec<(i64, f64)>,
}
