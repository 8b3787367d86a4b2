//! Real neighbours of the systems: databases and a Redis, and answers over work that waits for them.

mod answer;
pub(crate) mod link;
mod problem;
pub(crate) mod server;
pub(crate) mod shared;
pub(crate) mod sql;

pub(crate) use self::{
    answer::{broken, detail, off_the_runtime},
    problem::Problem,
};
