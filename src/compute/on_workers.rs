//! On workers: what waits for the upstream stays with the runtime's workers, also where a thread of the pool asks for it. Others
//! may wait for the same, whom long work must not hold up; and a thread that the runtime starts for it, such as one that looks
//! a name up or writes the ledger's file, would inherit its low priority.

use std::cell::Cell;

use tokio::task::JoinSet;

thread_local! {
    static IS_POOLED: Cell<bool> = const { Cell::new(false) };
}

/// Says that this thread belongs to a pool.
pub(super) fn enter_pool() {
    IS_POOLED.set(true);
}

/// Runs a future on the runtime's workers where this is polled by a thread of a pool, and here otherwise. It is dropped with
/// this, and a panic goes on here.
pub async fn on_workers<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    if !IS_POOLED.get() {
        return future.await;
    }
    let mut tasks = JoinSet::new();
    tasks.spawn(future);
    match tasks.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(ended)) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        // It went down with the runtime, as this does.
        _ => std::future::pending().await,
    }
}
