//! Telling the people beside an agent what it does.

use std::sync::Arc;

/// Tells people something.
pub(super) type Say = Arc<dyn Fn(&str) + Send + Sync>;
