//! Ids of a run's rows: `run << 32 | place`. They stand together on disk, and are found by a range of ids, without an index
//! that would have to be kept while they are written.

use crate::run::RunId;

/// A run's rows have ids from `run << RUN_SHIFT` on.
pub(super) const RUN_SHIFT: u32 = 32;

/// The first id of a run's rows, and that after the last one.
pub(super) fn id_range(run: RunId) -> [i64; 2] {
    [run.0 << RUN_SHIFT, (run.0 + 1) << RUN_SHIFT]
}
