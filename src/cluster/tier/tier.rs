//! The tier: a connection that is there or not. Nothing waits for one that is away: a task connects again, and until then every
//! call fails at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use redis::{Cmd, Pipeline, Value};
use secrecy::SecretString;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::connector::{Connector, TierInfo};
use super::error::TierError;
use super::link::{CallError, Link};
use crate::model::Clock;
use crate::telemetry::{Metrics, Span, Trace, attribute};

/// How long is waited before it is tried to connect again, at first and at most.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));
/// An answer that holds figures only.
const SMALL: usize = 1 << 20;

/// A connection to the tier that is made again when it is lost.
pub struct Tier {
    connector: Connector,
    link: Mutex<Option<Link>>,
    /// Notified when a connection was found to be broken, and when there is another one.
    broken: Notify,
    restored: Notify,
    wait: Duration,
    metrics: Arc<Metrics>,
    /// Round trips, for tests and metrics.
    calls: AtomicU64,
}

impl Tier {
    /// The tier at this address; it is connected to by [`connect`](Self::connect). `wait` is how long an answer may take.
    ///
    /// # Errors
    /// When the address or the certificates cannot be read.
    pub fn new(
        url: &str,
        sentinels: &[String],
        password: Option<&SecretString>,
        ca_pem: Option<&[u8]>,
        wait: Duration,
        metrics: Arc<Metrics>,
    ) -> Result<Self, TierError> {
        let (broken, restored) = (Notify::new(), Notify::new());
        let connector = Connector::new(url, sentinels, password, ca_pem)?;
        Ok(Self { connector, link: Mutex::new(None), broken, restored, wait, metrics, calls: AtomicU64::new(0) })
    }

    /// Connects once, and says what the tier is.
    ///
    /// # Errors
    /// When it is away, or cannot be used.
    pub async fn connect(&self) -> Result<TierInfo, TierError> {
        let (link, info) = self.connector.connect().await?;
        *self.link.lock() = Some(link);
        self.restored.notify_waiters();
        Ok(info)
    }

    /// Keeps the tier connected until it is dropped. The log has one line when it goes, and one when it comes.
    pub fn keep_connected(self: &Arc<Self>, name: &'static str) {
        let tier = Arc::downgrade(self);
        #[expect(clippy::disallowed_methods, reason = "one for a connection, and it ends with the service")]
        tokio::spawn(async move {
            let (mut pause, mut away) = (RECONNECT.0, None);
            while let Some(tier) = tier.upgrade() {
                if tier.is_up() {
                    if away.take().is_some() {
                        tracing::info!(connection = name, "the cluster's tier is back");
                    }
                    tier.metrics.tier_up(name, true);
                    pause = RECONNECT.0;
                    // Looked at now and then, too: a connection may end unnoticed.
                    tokio::select! {
                        () = tier.broken.notified() => {}
                        () = sleep(RECONNECT.1) => {}
                    }
                    continue;
                }
                tier.metrics.tier_up(name, false);
                *tier.link.lock() = None;
                if let Err(error) = tier.connect().await {
                    if away.as_ref() != Some(&error) {
                        tracing::warn!(
                            connection = name,
                            reason = %error,
                            "the cluster's tier cannot be used: calls are made under leases that are held, and no others"
                        );
                        away = Some(error);
                    }
                    drop(tier);
                    sleep(pause).await;
                    pause = (pause * 2).min(RECONNECT.1);
                }
            }
        });
    }

    /// How long an answer may take.
    #[must_use]
    pub const fn wait(&self) -> Duration {
        self.wait
    }

    /// Whether there is a connection, as far as is known.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.link.lock().as_ref().is_some_and(|link| !link.is_broken())
    }

    /// Completes when the tier was connected to again since this was called.
    pub async fn restored(&self) {
        self.restored.notified().await;
    }

    /// Round trips that were made.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Makes one command, whose answer has at most `limit` bytes.
    pub(in crate::cluster) async fn call(&self, command: &Cmd, limit: usize) -> Result<Value, TierError> {
        let link = self.link()?;
        let trip = RoundTrip::begin(name_of(command), 1);
        let answer = link.call(command, limit, self.wait).await;
        self.observe(&link, trip, answer).map_err(TierError::from)
    }

    /// Makes several commands in one round trip.
    pub(in crate::cluster) async fn call_all(
        &self,
        commands: &Pipeline,
        limit: usize,
    ) -> Result<Vec<Value>, TierError> {
        let link = self.link()?;
        let trip = RoundTrip::begin("PIPELINE", commands.len());
        let answer = link.call_all(commands, limit, self.wait).await;
        self.observe(&link, trip, answer).map_err(TierError::from)
    }

    /// Runs a script, and waits until so many copies have what it wrote; says how many do. A tier that does not have the script
    /// is given it.
    pub(in crate::cluster) async fn run(
        &self,
        script: &redis::Script,
        code: &str,
        keys: &[&str],
        arguments: &[String],
        copies: u32,
    ) -> Result<(Value, u32), TierError> {
        let link = self.link()?;
        let commands = |name: &str, script: &str| {
            let mut commands = redis::pipe();
            commands.cmd(name).arg(script).arg(keys.len()).arg(keys).arg(arguments);
            if copies > 0 {
                let wait = u64::try_from(self.wait.as_millis() / 2).unwrap_or(u64::MAX).max(1);
                commands.cmd("WAIT").arg(copies).arg(wait);
            }
            commands
        };
        let trip = RoundTrip::begin("EVALSHA", 1);
        let mut answer = link.call_all(&commands("EVALSHA", script.get_hash()), SMALL, self.wait).await;
        if answer == Err(CallError::NoScript) {
            answer = link.call_all(&commands("EVAL", code), SMALL, self.wait).await;
        }
        let mut values = self.observe(&link, trip, answer).map_err(TierError::from)?.into_iter();
        let value = values.next().ok_or(TierError::Garbage)?;
        let confirmed = match values.next() {
            Some(Value::Int(count)) => u32::try_from(count).unwrap_or(0),
            _ => 0,
        };
        Ok((value, confirmed))
    }

    fn link(&self) -> Result<Link, TierError> {
        let link = self.link.lock().clone().filter(|link| !link.is_broken());
        link.ok_or(TierError::Away)
    }

    fn observe<T>(&self, link: &Link, trip: RoundTrip, answer: Result<T, CallError>) -> Result<T, CallError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.metrics.tier_called(answer.is_ok(), Clock::elapsed_since(trip.asked));
        trip.end(answer.is_ok());
        if link.is_broken() {
            self.broken.notify_one();
        }
        answer
    }
}

/// A round trip under way, and its span, where a request waits for it and is recorded.
struct RoundTrip {
    asked: Instant,
    span: Option<Span>,
}

impl RoundTrip {
    /// Begins one of so many commands. Their keys and values are not told.
    fn begin(name: &'static str, commands: usize) -> Self {
        let span = Trace::call(name);
        if let Some(span) = &span {
            span.write(|recorder| {
                recorder.set(attribute::DB_SYSTEM, "redis");
                recorder.set(attribute::DB_OPERATION, name);
                if commands > 1 {
                    recorder.set(attribute::DB_BATCH_SIZE, i64::try_from(commands).unwrap_or(i64::MAX));
                }
            });
        }
        Self { asked: Clock::instant(), span }
    }

    fn end(self, ok: bool) {
        let Some(span) = self.span else { return };
        span.write(|recorder| {
            recorder.set(attribute::OUTCOME, if ok { "ok" } else { "failed" });
            if !ok {
                recorder.fail(Some("failed"));
            }
        });
        span.end();
    }
}

/// The name of a command, as spans have it.
fn name_of(command: &Cmd) -> &'static str {
    let name = command.args_iter().next();
    let known = ["EVAL", "PING", "SET"];
    let is_meant = |known: &&&str| matches!(name, Some(redis::Arg::Simple(name)) if name == known.as_bytes());
    known.iter().find(is_meant).copied().unwrap_or("COMMAND")
}
