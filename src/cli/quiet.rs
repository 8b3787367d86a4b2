//! How quiet the machine is: whether threads that make load would get a core when they need one.

use std::time::{Duration, Instant};

use crate::unit;
use crate::verdict::audit::{LAG_US, WAITING};

/// How long the machine is watched.
const WATCHED: Duration = Duration::from_secs(1);
/// A thread sleeps for so long and then works for so long, over and over: much as one that makes load.
const SLEEP: Duration = Duration::from_millis(1);
const WORK: Duration = Duration::from_micros(200);

/// What threads that wanted little came to, one on each core, for a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Watch {
    /// How late they woke at the 99th percentile, µs.
    late_us: f64,
    /// The share of the time in which they were ready and had no core; none where the system does not tell.
    waited: Option<f64>,
    cores: usize,
    /// Threads that ran or wanted to, over the last minute; none where the system does not tell.
    load_average: Option<f64>,
    /// The share of the last ten seconds in which some thread waited for a core; none where the system does not tell.
    pressure: Option<f64>,
}

impl Watch {
    /// Watches for a second.
    pub(super) fn now() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..cores).map(|_| std::thread::spawn(awake)).collect();
        let woken: Vec<Woken> = threads.into_iter().filter_map(|thread| thread.join().ok()).collect();
        let mut late_us: Vec<f64> = woken.iter().flat_map(|woken| woken.late_us.iter().copied()).collect();
        late_us.sort_by(f64::total_cmp);
        let waited: Option<Vec<f64>> = woken.iter().map(|woken| woken.waited_s).collect();
        let all_s = WATCHED.as_secs_f64() * woken.len().max(1) as f64;
        Self {
            late_us: late_us.get(late_us.len() * 99 / 100).copied().unwrap_or(0.0),
            waited: waited.map(|waited| waited.iter().sum::<f64>() / all_s),
            cores,
            load_average: read("/proc/loadavg").and_then(|text| number(text.split_whitespace().next()?)),
            pressure: read("/proc/pressure/cpu").and_then(|text| pressure(&text)),
        }
    }

    /// What was seen, in words.
    pub(super) fn seen(&self) -> String {
        let cores = if self.cores == 1 { "1 core".to_owned() } else { format!("{} cores", self.cores) };
        let mut seen = vec![format!("threads wake {} late (p99 of one second)", unit::time(self.late_us))];
        seen.extend(self.waited.map(|share| format!("wait for a core {} of the time", unit::share(share))));
        seen.extend(self.load_average.map(|load| format!("load average {} on {cores}", unit::plain(load))));
        seen.extend(self.pressure.map(|share| format!("CPU pressure {}", unit::share(share))));
        seen.join(", ")
    }

    /// What that means for runs, and what to do; none if the machine is quiet.
    pub(super) fn advice(&self) -> Option<String> {
        let waited = self.waited.unwrap_or(0.0);
        let others = self.load_average.is_some_and(|load| load > self.cores as f64);
        let means = if self.late_us >= LAG_US.1 || waited >= WAITING.1 {
            "runs made now would be INVALID"
        } else if self.late_us >= LAG_US.0 || waited >= WAITING.0 {
            "the audit of runs made now would say WARN"
        } else if others {
            "runs may be late"
        } else {
            return None;
        };
        let why = if others { "other processes take the cores" } else { "threads get a core too late" };
        Some(format!("{why}: {means}; stop them, wait, or make load from another machine"))
    }
}

/// What became of one thread.
struct Woken {
    late_us: Vec<f64>,
    waited_s: Option<f64>,
}

fn awake() -> Woken {
    let (begun, before) = (Instant::now(), waited_s());
    let mut late_us = Vec::new();
    while begun.elapsed() < WATCHED {
        let asleep = Instant::now();
        std::thread::sleep(SLEEP);
        late_us.push(asleep.elapsed().saturating_sub(SLEEP).as_secs_f64() * 1e6);
        let at_work = Instant::now();
        while at_work.elapsed() < WORK {
            std::hint::spin_loop();
        }
    }
    Woken { late_us, waited_s: before.zip(waited_s()).map(|(before, after)| after - before) }
}

/// How long this thread has been ready and had no core, s.
fn waited_s() -> Option<f64> {
    let text = read("/proc/thread-self/schedstat")?;
    Some(number(text.split_whitespace().nth(1)?)? / 1e9)
}

/// `some avg10=12.34 …`: a share of the time, in percent.
fn pressure(text: &str) -> Option<f64> {
    let some = text.lines().find(|line| line.starts_with("some "))?;
    let percent = some.split_whitespace().find_map(|word| word.strip_prefix("avg10="))?;
    Some(number(percent)? / 100.0)
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Watch =
        Watch { late_us: 120.0, waited: Some(0.01), cores: 2, load_average: Some(0.4), pressure: Some(0.02) };

    #[test]
    fn a_machine_whose_cores_others_take_is_not_called_fine() {
        assert_eq!(QUIET.advice(), None);
        let said = |watch: Watch| watch.advice().unwrap();
        let busy = Watch { load_average: Some(22.0), ..QUIET };
        assert!(said(busy).starts_with("other processes take the cores: runs may be late"));
        assert!(busy.seen().contains("load average 22 on 2 cores"), "{}", busy.seen());
        assert!(said(Watch { late_us: 2_500.0, ..busy }).contains("would say WARN"));
        assert!(said(Watch { waited: Some(0.6), ..QUIET }).contains("would be INVALID"));
        assert!(said(Watch { late_us: 30_000.0, waited: None, ..QUIET }).contains("would be INVALID"));
    }

    #[test]
    fn what_the_kernel_tells_is_read() {
        let text = "some avg10=12.50 avg60=1.00 avg300=0.00 total=9\nfull avg10=0.00 avg60=0.00\n";
        assert_eq!(pressure(text), Some(0.125));
        assert_eq!(pressure("nothing"), None);
    }
}
