//! The process ids of services by their names, as of now: faults change them while a run goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The process ids of a system's services, shared by all who have to know them.
#[derive(Clone, Debug, Default)]
pub struct Pids(Arc<Mutex<BTreeMap<String, u32>>>);

impl Pids {
    /// That of a service; none if it does not run.
    pub fn of(&self, service: &str) -> Option<u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(service).copied()
    }

    /// All of them by name.
    pub fn all(&self) -> BTreeMap<String, u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that a service runs as this process, or runs no more.
    pub(super) fn note(&self, service: &str, process: Option<u32>) {
        let mut pids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match process {
            Some(process) => pids.insert(service.to_owned(), process),
            None => pids.remove(service),
        };
    }

    /// What a command is told of them: `LOADPROOF_PID_` with the service's name in capitals, where other signs than letters
    /// and digits are `_`.
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        let name = |service: &str| {
            let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
            format!("LOADPROOF_PID_{}", service.chars().map(word).collect::<String>())
        };
        self.all().iter().map(|(service, process)| (name(service), process.to_string())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_process_ids_by_the_names_of_services() {
        let pids = Pids::default();
        pids.note("order-api 2", Some(77));
        pids.note("gone", Some(78));
        pids.note("gone", None);
        let told: Vec<(String, String)> = pids.variables().into_iter().collect();
        assert_eq!(told, [("LOADPROOF_PID_ORDER_API_2".to_owned(), "77".to_owned())]);
    }
}
