//! Why a database or a broker did not do what was asked of it.

use std::error::Error;

/// Any failure, in the words of whoever has reported it.
pub(crate) type Problem = Box<dyn Error + Send + Sync>;
