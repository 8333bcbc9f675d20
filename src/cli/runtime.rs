//! The Tokio runtime of the commands that serve or call the upstream.

/// Runs `work` on a multi-threaded runtime.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // Dropping the runtime would wait for what is computed, however long that takes.
    runtime.shutdown_background();
    result
}
