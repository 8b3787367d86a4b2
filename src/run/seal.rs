//! Whether what is stored of a run, or of an experiment, is what was written.

/// What its seal says of something that is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Seal {
    /// Nobody has looked.
    #[default]
    Unread,
    /// It has none: it has not ended as things do that are sealed.
    None,
    /// All is as it was written.
    Whole {
        /// The seal: SHA-256, in hex.
        sha256: String,
    },
    /// Its samples were pruned; what was kept of it is as it was written.
    Pruned,
    /// Something was changed since.
    Broken {
        /// What, in words; at least one.
        changed: Vec<String>,
    },
}

/// Changes that are told one by one.
const MOST_TOLD: usize = 3;

impl Seal {
    /// What is said where a seal is missing.
    pub fn gone(what: &str) -> Self {
        Self::Broken { changed: vec![format!("the seal of {what} is gone, or was never made")] }
    }

    /// What is said of a form that this program does not write.
    pub fn of_form(what: &str, form: i64) -> Self {
        let text = format!("the seal of {what} has the form {form} (changed, or written by a newer version)");
        Self::Broken { changed: vec![text] }
    }

    /// The seal of what is as it was written.
    pub fn sha256(&self) -> Option<&str> {
        match self {
            Self::Whole { sha256 } => Some(sha256),
            _ => None,
        }
    }

    /// What was changed; none if nothing is known to have been.
    pub fn changed(&self) -> &[String] {
        match self {
            Self::Broken { changed } => changed,
            _ => &[],
        }
    }

    /// What was changed, in a sentence; none if nothing is known to have been.
    pub fn breach(&self) -> Option<String> {
        let changed = self.changed();
        let told: Vec<&str> = changed.iter().take(MOST_TOLD).map(String::as_str).collect();
        let more = match changed.len().saturating_sub(MOST_TOLD) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        (!told.is_empty()).then(|| format!("changed after it was stored: {}{more}", told.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::Seal;

    #[test]
    fn the_first_changes_are_told() {
        let broken = |n: usize| Seal::Broken { changed: (1..=n).map(|i| format!("block {i}")).collect() };
        assert_eq!(Seal::None.breach(), None);
        assert_eq!(broken(1).breach().unwrap(), "changed after it was stored: block 1");
        assert_eq!(
            broken(5).breach().unwrap(),
            "changed after it was stored: block 1, block 2, block 3, and 2 more"
        );
    }
}
