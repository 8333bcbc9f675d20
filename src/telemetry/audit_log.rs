//! The audit log: lines that a thread of its own writes, in order, from a queue that is bounded in bytes.
//!
//! Adding a line never waits. One that finds no room, or that cannot be written, is dropped and counted, and the log says
//! so once a minute at most.

use std::io::{ErrorKind, Write as _};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::time::Instant;

use super::audit_target::OpenTarget;
use super::metrics::Metrics;

/// How often the log says at most that records were dropped.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

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

struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Shared {
    queue: Mutex<Queue>,
    /// There is something to write, or nothing more comes.
    filled: Condvar,
    /// All that was to be written is.
    written: Condvar,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Queue {
    /// Whole lines.
    lines: Vec<u8>,
    limit: usize,
    /// A target that takes the place of the one in use.
    next_target: Option<OpenTarget>,
    has_writer: bool,
    is_writing: bool,
    is_closed: bool,
    /// When the log said last that there was no room.
    warned: Option<Instant>,
}

impl Queue {
    fn is_pending(&self) -> bool {
        self.has_writer && (self.is_writing || !self.lines.is_empty())
    }
}

impl AuditLog {
    /// A log without a target, which takes nothing.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let (queue, filled, written) = (Mutex::default(), Condvar::new(), Condvar::new());
        Self(Arc::new(Handle(Arc::new(Shared { queue, filled, written, metrics }))))
    }

    /// From now on lines go there, and so many bytes of them may wait.
    ///
    /// # Errors
    /// When there can be no thread for it.
    pub fn set(&self, target: OpenTarget, limit: usize) -> std::io::Result<()> {
        let shared = &self.0.0;
        let mut queue = shared.queue.lock();
        queue.limit = limit;
        queue.next_target = Some(target);
        if !queue.has_writer {
            let writer = shared.clone();
            std::thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run())?;
            queue.has_writer = true;
        }
        shared.filled.notify_one();
        Ok(())
    }

    /// Adds a line, which ends with a line feed. Never waits.
    pub fn append(&self, line: &[u8], share: QueueShare) {
        let shared = &self.0.0;
        let mut queue = shared.queue.lock();
        let limit = match share {
            QueueShare::Whole => queue.limit,
            QueueShare::Half => queue.limit / 2,
        };
        if queue.lines.len() + line.len() <= limit && !queue.is_closed {
            queue.lines.extend_from_slice(line);
            shared.filled.notify_one();
            return;
        }
        shared.metrics.audit().queue_full(1);
        if is_due(&mut queue.warned) {
            drop(queue);
            tracing::warn!("the audit log has no room for a record: it is written more slowly than requests come");
        }
    }

    /// Takes no more lines, and waits until those that it has are written, at most so long. Returns whether they are.
    pub fn close(&self, limit: Duration) -> bool {
        let shared = &self.0.0;
        shared.close();
        let mut queue = shared.queue.lock();
        shared.written.wait_while_for(&mut queue, |queue| queue.is_pending(), limit);
        if !queue.is_pending() {
            return true;
        }
        shared.metrics.audit().queue_full(count(&queue.lines));
        tracing::error!(records = count(&queue.lines), "the audit log was not written to its end in time");
        false
    }
}

impl Shared {
    fn close(&self) {
        self.queue.lock().is_closed = true;
        self.filled.notify_one();
    }

    /// Writes until nothing more comes.
    fn run(&self) {
        let (mut writer, mut lines) = (Writer::default(), Vec::new());
        loop {
            let mut queue = self.queue.lock();
            queue.is_writing = false;
            self.written.notify_all();
            self.filled.wait_while(&mut queue, |queue| queue.lines.is_empty() && !queue.is_closed);
            if queue.lines.is_empty() {
                return;
            }
            if let Some(target) = queue.next_target.take() {
                writer.target = Some(target);
            }
            std::mem::swap(&mut queue.lines, &mut lines);
            queue.is_writing = true;
            drop(queue);
            writer.write(&lines, &self.metrics);
            lines.clear();
        }
    }
}

/// Writes whole lines to a target that may fail, and be there again.
#[derive(Default)]
struct Writer {
    target: Option<OpenTarget>,
    /// Whether the last line was broken off.
    is_mid_line: bool,
    has_failed: bool,
    warned: Option<Instant>,
}

impl Writer {
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
        let Some(target) = &mut self.target else { return (0, Err(ErrorKind::NotFound.into())) };
        if let Err(error) = target.follow() {
            return (0, Err(error));
        }
        let mut file = target.file();
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

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Whether something may be said that was said then.
#[expect(clippy::disallowed_methods, reason = "telemetry stands below model, whose clock it cannot ask")]
fn is_due(said: &mut Option<Instant>) -> bool {
    let now = Instant::now();
    let due = said.is_none_or(|said| now.duration_since(said) >= WARN_INTERVAL);
    if due {
        *said = Some(now);
    }
    due
}
