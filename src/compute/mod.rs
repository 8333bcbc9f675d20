//! Compute: long CPU work, done beside the runtime's workers.
//!
//! A leaf: it knows nothing of requests but whose they are (`ticket`). Work waits in one bounded queue that serves callers in
//! turn (`queue`), and runs on as many threads as there are cores but one (`pool`), at the lowest priority where its caller has
//! more of it under way (`callers`). A future runs there poll by poll (`task`), and has what waits for the upstream done
//! elsewhere (`on_workers`). Of a job that is long by itself an idle thread does a part (`assist`). What work makes takes
//! memory of its caller's (`room`).
//! Invariant: a runtime worker never runs a job, and what a job holds is released when the job has really ended.

mod assist;
mod callers;
mod lane;
mod on_workers;
mod pool;
mod queue;
mod room;
mod task;
mod threads;
mod ticket;

pub use assist::Assistance;
pub use lane::Lane;
pub use on_workers::on_workers;
pub use pool::ComputePool;
pub use room::{Hold, ReservedRoom, Room};
pub use threads::ComputeError;
pub use ticket::Ticket;
