//! Facts of a run's environment that others ask for: of its machine, and of what its requests took from the environment.

/// Facts that make a machine, by their names in the environment: where one differs, times are not compared.
pub const HARDWARE: [&str; 4] = ["processor", "memory", "cores", "load workers"];

/// Facts that an update changes on a machine that stays the same.
pub const SOFTWARE: [&str; 2] = ["operating system", "kernel"];

/// How the name of a fact begins that tells values of a variable apart which the run's requests ask for.
pub const VARIABLE: &str = "variable ";

/// Share by which the memory of a machine may differ from run to run: what firmware and kernel keep for themselves is
/// not the same after each start.
const MEMORY_WITHIN: f64 = 0.01;

/// Whether two values of a fact are the same: memory within 1 %, anything else to the letter.
pub fn is_alike(fact: &str, a: &str, b: &str) -> bool {
    let memory = || Some((amount(a)?, amount(b)?));
    match memory().filter(|_| fact == "memory") {
        Some(((a, unit), (b, other))) if unit == other => (a - b).abs() <= MEMORY_WITHIN * a.max(b),
        _ => a == b,
    }
}

/// `16013 MiB` as a number and its unit.
fn amount(text: &str) -> Option<(f64, &str)> {
    let (number, unit) = text.split_once(' ')?;
    Some((number.parse::<f64>().ok().filter(|n| n.is_finite())?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_differs_by_what_the_kernel_keeps_and_nothing_else_does() {
        assert!(is_alike("memory", "16013 MiB", "16012 MiB"));
        assert!(is_alike("memory", "16013 MiB", "15900 MiB"));
        assert!(!is_alike("memory", "16013 MiB", "15000 MiB"));
        assert!(!is_alike("memory", "16 GiB", "16 MiB"));
        assert!(!is_alike("memory", "", "16013 MiB"));
        assert!(is_alike("memory", "", ""));
        // Versions look like numbers, and are none.
        assert!(!is_alike("kernel", "6.10", "6.11"));
        assert!(!is_alike("cores", "128", "127"));
    }
}
