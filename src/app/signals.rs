//! Signals: SIGTERM and SIGINT stop the service, a second one ends the process at once, and SIGHUP reads the configuration again.
//!
//! They are watched on a thread of their own, which nothing that is computed can hold up.

use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::http::Health;
use crate::telemetry::flush_logs;

/// The watch over the process's signals.
pub struct Signals {
    stopping: watch::Receiver<bool>,
    /// How often SIGHUP has come.
    hangups: watch::Receiver<u64>,
    /// Knows the requests under way, once there is a service.
    health: Arc<OnceLock<Arc<Health>>>,
}

impl Signals {
    /// Watches from now on. To be called before anything else is started, because SIGHUP ends a process that does not.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn install() -> Result<Self> {
        let cannot = "cannot watch for signals";
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().context(cannot)?;
        let (mut terminate, mut interrupt, mut hangup) = {
            let _context = runtime.enter();
            let watch = |kind| signal(kind).context(cannot);
            (watch(SignalKind::terminate())?, watch(SignalKind::interrupt())?, watch(SignalKind::hangup())?)
        };
        let (sender, stopping) = watch::channel(false);
        let (hangup_sender, hangups) = watch::channel(0);
        let health: Arc<OnceLock<Arc<Health>>> = Arc::default();
        let service = health.clone();
        let watching = async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = hangup.recv() => {
                        hangup_sender.send_modify(|count| *count += 1);
                        continue;
                    }
                }
                if sender.send_replace(true) {
                    let cut = service.get().map_or(0, |health| health.requests());
                    tracing::warn!(cut, "ended by a second signal");
                    flush_logs();
                    std::process::exit(i32::from(cut > 0));
                }
            }
        };
        let thread = std::thread::Builder::new().name("signals".to_owned());
        thread.spawn(move || runtime.block_on(watching)).context(cannot)?;
        Ok(Self { stopping, hangups, health })
    }

    /// Waits until the process is asked to stop.
    pub async fn stopping(&mut self) {
        let _ = self.stopping.wait_for(|stopping| *stopping).await;
    }

    /// From now on a second signal knows what it would cut off.
    pub(super) fn watch(&self, health: &Arc<Health>) {
        let _ = self.health.set(health.clone());
    }

    /// Waits for the next signal. Several of SIGHUP that come together are one. Cancelling the wait loses nothing.
    pub(super) async fn next(&mut self) -> Signal {
        // The senders live as long as the process.
        tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stopping| *stopping) => Signal::Stop,
            _ = self.hangups.changed() => Signal::Reload,
        }
    }
}

/// The action that a signal asks for.
pub(super) enum Signal {
    /// The end of the service.
    Stop,
    /// The configuration is to be read again.
    Reload,
}
