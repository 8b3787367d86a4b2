//! Real neighbours of the systems: databases and a Redis.

pub(crate) mod link;
mod problem;
pub(crate) mod server;
pub(crate) mod shared;
pub(crate) mod sql;

pub(crate) use self::problem::Problem;
