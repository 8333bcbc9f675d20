//! One connection to the tier. A call that gets no answer in time gives the connection up: what comes later would be taken for
//! the answer to something else, or never come.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::{Cmd, Pipeline, Value};
use tokio::task::JoinHandle;
use tokio::time::error::Elapsed;
use tokio::time::{timeout, timeout_at};

use super::allowance::Allowance;
use super::error::{TierError, classify};
use crate::model::Clock;

#[derive(Clone)]
pub(super) struct Link(Arc<LinkState>);

struct LinkState {
    connection: MultiplexedConnection,
    allowance: Arc<Allowance>,
    driver: JoinHandle<()>,
    broken: AtomicBool,
}

impl Drop for LinkState {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Why a call brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CallError {
    /// The tier does not have the script.
    NoScript,
    Tier(TierError),
}

impl From<CallError> for TierError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoScript => Self::Garbage,
            CallError::Tier(error) => error,
        }
    }
}

impl Link {
    pub(super) fn new(connection: MultiplexedConnection, allowance: Arc<Allowance>, driver: JoinHandle<()>) -> Self {
        Self(Arc::new(LinkState { connection, allowance, driver, broken: AtomicBool::new(false) }))
    }

    pub(super) fn is_broken(&self) -> bool {
        self.0.broken.load(Ordering::Acquire) || self.0.driver.is_finished()
    }

    /// Makes one command, whose answer has at most `limit` bytes.
    pub(super) async fn call(&self, command: &Cmd, limit: usize, wait: Duration) -> Result<Value, CallError> {
        let mut connection = self.0.connection.clone();
        let _awaited = self.0.allowance.expect(limit);
        let answer = in_time(wait, connection.req_packed_command(command)).await;
        self.settle(answer.map(|answer| answer.and_then(refused)))
    }

    /// Makes several commands in one round trip.
    pub(super) async fn call_all(
        &self,
        commands: &Pipeline,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Value>, CallError> {
        let mut connection = self.0.connection.clone();
        let _awaited = self.0.allowance.expect(limit);
        let answers = in_time(wait, connection.req_packed_commands(commands, 0, commands.len())).await;
        self.settle(answers.map(|answers| answers.and_then(|values| values.into_iter().map(refused).collect())))
    }

    fn settle<T>(&self, answer: Result<redis::RedisResult<T>, Elapsed>) -> Result<T, CallError> {
        let error = match answer {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error,
            Err(_) => {
                self.0.broken.store(true, Ordering::Release);
                return Err(CallError::Tier(TierError::Away));
            }
        };
        if error.kind() == redis::ErrorKind::Server(redis::ServerErrorKind::NoScript) {
            return Err(CallError::NoScript);
        }
        let known = classify(&error);
        // Another primary may be behind the address now; and a tier that makes no sense is asked again from the start.
        if error.is_io_error() || error.is_unrecoverable_error() || known == TierError::Copy || known == TierError::Away
        {
            self.0.broken.store(true, Ordering::Release);
        }
        Err(CallError::Tier(known))
    }
}

/// The answer, if it comes in time. A process that is late itself gives the answer as much longer, at most as long again: what
/// it has not looked at may be there.
async fn in_time<T>(wait: Duration, answer: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut answer = pin!(answer);
    let due = Clock::instant() + wait;
    match timeout_at(due, &mut answer).await {
        Ok(answer) => Ok(answer),
        Err(_) => timeout(Clock::elapsed_since(due).min(wait), &mut answer).await,
    }
}

/// An answer that says no is an error.
fn refused(value: Value) -> redis::RedisResult<Value> {
    match value {
        Value::ServerError(error) => Err(error.into()),
        value => Ok(value),
    }
}
