//! The audit log: lines that a thread of its own writes, in order, from a queue that is bounded in bytes.
//!
//! Adding a line never waits. One that finds no room, or that cannot be written, is dropped and counted, and the log says
//! so once a minute at most. Another target has a thread of its own, so that one which takes nothing holds up no other.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::time::Instant;

use super::audit_target::OpenTarget;
use super::metrics::Metrics;
use crate::config::AuditTarget;
use crate::model::Clock;

/// How often the log says at most that records were dropped.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

/// A write that has taken so long is said to hang.
const LONG_WRITE: Duration = Duration::from_secs(1);

/// The most threads that may be left behind, each with as many lines as may wait.
const LEFT_LIMIT: usize = 4;

/// How much of the queue a line may fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueShare {
    /// All of it.
    Whole,
    /// Half: lines of callers who were not let in, who may be as many as they like.
    Half,
}

/// The audit log. Cheap to clone; its lines are written until the last clone is gone.
#[derive(Clone)]
pub struct AuditLog(Arc<Handle>);

struct Handle(Arc<SharedAuditLog>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct SharedAuditLog {
    state: Mutex<AuditLogState>,
    /// There is something to write, nothing more comes, or another writer goes on.
    filled: Condvar,
    /// A writer has written what it had.
    written: Condvar,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct AuditLogState {
    /// Whole lines.
    lines: Vec<u8>,
    limit: usize,
    /// Where they go.
    target: Option<AuditTarget>,
    /// The number of the thread that writes them; 0 where there is none. Others have been left behind, and end with their write.
    writer: u64,
    /// Writes under way, by their threads' numbers.
    writes: BTreeMap<u64, Write>,
    is_closed: bool,
    /// When the log said last that there was no room.
    warned: Option<Instant>,
}

/// A write under way.
struct Write {
    since: Instant,
    records: u64,
    /// Whether the log has said that it hangs.
    is_told: bool,
}

impl AuditLogState {
    fn is_pending(&self) -> bool {
        !self.writes.is_empty() || (self.writer > 0 && !self.lines.is_empty())
    }

    /// The records of a former thread's write that hangs, once.
    fn newly_hanging(&mut self) -> Option<u64> {
        let mut former = self.writes.range_mut(..self.writer).map(|(_, write)| write);
        let write = former.find(|write| !write.is_told && Clock::elapsed_since(write.since) >= LONG_WRITE)?;
        write.is_told = true;
        Some(write.records)
    }

    /// The number of lines that are lost if nothing more is written.
    fn unwritten(&self) -> u64 {
        count(&self.lines) + self.writes.values().map(|write| write.records).sum::<u64>()
    }
}

/// The audit log cannot go to another target.
#[derive(Debug, thiserror::Error)]
pub enum TargetNotTaken {
    /// There can be no thread for it.
    #[error("there can be no thread for it: {0}")]
    NoThread(std::io::Error),
    /// Threads that wait for former ones are as many as there may be.
    #[error("{LEFT_LIMIT} former targets take nothing, and each holds a thread; only a restart helps")]
    TooManyLeft,
}

impl AuditLog {
    /// A log without a target, which takes nothing.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let (state, filled, written) = (Mutex::default(), Condvar::new(), Condvar::new());
        Self(Arc::new(Handle(Arc::new(SharedAuditLog { state, filled, written, metrics }))))
    }

    /// From now on lines go there, also those that wait, and so many bytes of them may wait. A thread that writes to a former
    /// target which takes nothing is left behind with what it is writing.
    ///
    /// # Errors
    /// When there can be no thread for it. Lines go on to the former target then.
    pub fn set(&self, target: OpenTarget, limit: usize) -> Result<(), TargetNotTaken> {
        let shared = &self.0.0;
        let mut state = shared.state.lock();
        state.limit = limit;
        if state.target.as_ref() == Some(target.target()) {
            // Its thread follows it.
            return Ok(());
        }
        if state.writes.len() > LEFT_LIMIT {
            return Err(TargetNotTaken::TooManyLeft);
        }
        let (number, next, writer) = (state.writer + 1, target.target().clone(), shared.clone());
        let thread = std::thread::Builder::new().name("audit".to_owned());
        thread.spawn(move || writer.run(number, LineWriter::new(target))).map_err(TargetNotTaken::NoThread)?;
        (state.writer, state.target) = (number, Some(next));
        shared.filled.notify_all();
        let hanging = state.newly_hanging();
        // Writing to the log may wait, and no request must wait for that.
        drop(state);
        hanging.into_iter().for_each(tell_hanging);
        Ok(())
    }

    /// Adds a line, which ends with a line feed. Never waits.
    pub fn append(&self, line: &[u8], share: QueueShare) {
        let shared = &self.0.0;
        let mut state = shared.state.lock();
        let limit = match share {
            QueueShare::Whole => state.limit,
            QueueShare::Half => state.limit / 2,
        };
        let has_room = state.lines.len() + line.len() <= limit && !state.is_closed;
        if has_room {
            state.lines.extend_from_slice(line);
            shared.filled.notify_one();
        } else {
            shared.metrics.audit().queue_full(1);
        }
        let (is_due, hanging) = (!has_room && is_due(&mut state.warned), state.newly_hanging());
        drop(state);
        hanging.into_iter().for_each(tell_hanging);
        if is_due {
            tracing::warn!("the audit log has no room for a record: it is written more slowly than requests come");
        }
    }

    /// Takes no more lines, and waits until those that it has are written, at most so long. Returns whether they are.
    pub fn close(&self, limit: Duration) -> bool {
        let shared = &self.0.0;
        shared.close();
        let mut state = shared.state.lock();
        shared.written.wait_while_for(&mut state, |state| state.is_pending(), limit);
        if !state.is_pending() {
            return true;
        }
        shared.metrics.audit().queue_full(count(&state.lines));
        let records = state.unwritten();
        drop(state);
        tracing::error!(records, "the audit log was not written to its end in time");
        false
    }
}

impl SharedAuditLog {
    fn close(&self) {
        self.state.lock().is_closed = true;
        self.filled.notify_all();
    }

    /// Writes until nothing more comes, or another thread goes on.
    fn run(&self, number: u64, mut writer: LineWriter) {
        let mut lines = Vec::new();
        loop {
            let mut state = self.state.lock();
            state.writes.remove(&number);
            self.written.notify_all();
            let waits =
                |state: &mut AuditLogState| state.writer == number && state.lines.is_empty() && !state.is_closed;
            self.filled.wait_while(&mut state, waits);
            if state.writer != number || state.lines.is_empty() {
                return;
            }
            std::mem::swap(&mut state.lines, &mut lines);
            state.writes.insert(number, Write { since: Clock::instant(), records: count(&lines), is_told: false });
            drop(state);
            writer.write(&lines, &self.metrics);
            lines.clear();
        }
    }
}

/// Writes whole lines to a target that may fail, and be there again.
struct LineWriter {
    target: OpenTarget,
    /// Whether the last line was broken off.
    is_mid_line: bool,
    has_failed: bool,
    warned: Option<Instant>,
}

impl LineWriter {
    fn new(target: OpenTarget) -> Self {
        Self { target, is_mid_line: false, has_failed: false, warned: None }
    }

    fn write(&mut self, lines: &[u8], metrics: &Metrics) {
        let (written, result) = self.try_write(lines);
        let kept = count(&lines[..written]);
        metrics.audit().written(kept);
        metrics.audit().write_failed(count(lines) - kept);
        match result {
            Ok(()) if std::mem::take(&mut self.has_failed) => tracing::info!("the audit log is written again"),
            Ok(()) => {}
            Err(problem) => {
                self.has_failed = true;
                if is_due(&mut self.warned) {
                    tracing::error!(%problem, "the audit log cannot be written; records are dropped");
                }
            }
        }
    }

    /// How many bytes were written, and what kept the rest from it.
    fn try_write(&mut self, lines: &[u8]) -> (usize, std::io::Result<()>) {
        if let Err(error) = self.target.follow() {
            return (0, Err(error));
        }
        let mut file = self.target.file();
        if self.is_mid_line {
            // What was broken off must not spoil the line after it.
            if let Err(error) = file.write_all(b"\n") {
                return (0, Err(error));
            }
            self.is_mid_line = false;
        }
        let mut written = 0;
        while written < lines.len() {
            match file.write(&lines[written..]) {
                Ok(0) => return (written, Err(ErrorKind::WriteZero.into())),
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.is_mid_line = written > 0 && lines[written - 1] != b'\n';
                    return (written, Err(error));
                }
            }
        }
        (written, Ok(()))
    }
}

fn tell_hanging(records: u64) {
    tracing::warn!(records, "the audit log's former target takes nothing: a thread waits on with these records");
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Whether something may be said that was said then.
fn is_due(said: &mut Option<Instant>) -> bool {
    let due = said.is_none_or(|said| Clock::elapsed_since(said) >= WARN_INTERVAL);
    if due {
        *said = Some(Clock::instant());
    }
    due
}
