//! The buffer of log lines: lines are added to memory, and a thread of its own writes them to standard error.
//!
//! Adding a line never waits for the reader of standard error, and wakes the thread only where nothing else is about to: for the
//! first line of an interval, when much is there, and for a warning or an error. A line that finds no room is dropped and
//! counted, and the log says so when it is written again.

use std::io::Write;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use memchr::{memchr, memchr_iter, memrchr};
use parking_lot::{Condvar, Mutex};
use prometheus_client::metrics::counter::Counter;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// The longest that a line waits for others to be written with.
const INTERVAL: Duration = Duration::from_millis(50);
/// With so many bytes, the interval's end is not waited for.
const MUCH: usize = 64 << 10;
/// The most bytes that wait, and as many more may be on their way.
const LIMIT: usize = 4 << 20;
/// The part of them that is for warnings and errors.
const RESERVE: usize = LIMIT / 8;
/// What is written at once where lines are shorter: a pipe takes it as a whole, so that other writers do not break a line.
const PIECE: usize = 4096;

/// Lines of the process's log that were dropped.
pub(super) static DROPPED: LazyLock<Counter> = LazyLock::new(Counter::default);

/// The buffer. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct LogBuffer(Arc<SharedLines>);

#[derive(Default)]
struct SharedLines {
    waiting: Mutex<WaitingLines>,
    /// There is something to write, or it is not to wait any longer.
    filled: Condvar,
    /// A batch was written.
    written: Condvar,
}

/// Lines that are to be written, and how far the thread has come.
#[derive(Default)]
struct WaitingLines {
    lines: Vec<u8>,
    /// Whether they are not to wait for others.
    is_urgent: bool,
    /// How many lines found no room since the last batch.
    dropped: u64,
    /// The number of batches that the thread has taken, and has written.
    taken: u64,
    written: u64,
}

impl WaitingLines {
    fn is_due(&self) -> bool {
        self.is_urgent || self.lines.len() >= MUCH
    }
}

impl LogBuffer {
    /// Starts the thread.
    pub(super) fn start() -> std::io::Result<Self> {
        let buffer = Self::default();
        let writer = buffer.clone();
        std::thread::Builder::new().name("log".to_owned()).spawn(move || writer.run())?;
        Ok(buffer)
    }

    /// Waits until the lines that were added so far are written, at most so long.
    pub(super) fn flush(&self, limit: Duration) {
        let Self(shared) = self;
        let mut waiting = shared.waiting.lock();
        let mut batch = waiting.taken;
        if !waiting.lines.is_empty() {
            batch += 1;
            waiting.is_urgent = true;
            shared.filled.notify_one();
        }
        shared.written.wait_while_for(&mut waiting, |waiting| waiting.written < batch, limit);
    }

    fn add(&self, line: &[u8], is_urgent: bool) {
        let Self(shared) = self;
        let mut waiting = shared.waiting.lock();
        let limit = if is_urgent { LIMIT } else { LIMIT - RESERVE };
        if waiting.lines.len() + line.len() > limit {
            waiting.dropped += 1;
            DROPPED.inc();
            return;
        }
        let (was_empty, was_due) = (waiting.lines.is_empty(), waiting.is_due());
        waiting.lines.extend_from_slice(line);
        waiting.is_urgent |= is_urgent;
        if was_empty || !was_due && waiting.is_due() {
            shared.filled.notify_one();
        }
    }

    /// Writes for as long as the process runs.
    fn run(&self) {
        let Self(shared) = self;
        let (mut lines, mut lost) = (Vec::new(), 0);
        loop {
            let mut waiting = shared.waiting.lock();
            shared.filled.wait_while(&mut waiting, |waiting| waiting.lines.is_empty());
            shared.filled.wait_while_for(&mut waiting, |waiting| !waiting.is_due(), INTERVAL);
            std::mem::swap(&mut waiting.lines, &mut lines);
            waiting.is_urgent = false;
            waiting.taken += 1;
            lost += std::mem::take(&mut waiting.dropped);
            drop(waiting);
            let failed = write(&lines);
            lost += failed;
            DROPPED.inc_by(failed);
            lines.clear();
            lines.shrink_to(2 * MUCH);
            // Where nothing can be written, this cannot be, either.
            if failed == 0 && lost > 0 {
                tracing::warn!(
                    lines = lost,
                    "lines of this log were dropped: it is written more slowly than they come"
                );
                lost = 0;
            }
            shared.waiting.lock().written += 1;
            shared.written.notify_all();
        }
    }
}

/// Writes lines to standard error, and returns how many could not be.
fn write(mut lines: &[u8]) -> u64 {
    let mut failed = 0;
    while !lines.is_empty() {
        let (piece, rest) = lines.split_at(piece(lines));
        if std::io::stderr().write_all(piece).is_err() {
            failed += memchr_iter(b'\n', piece).count() as u64;
        }
        lines = rest;
    }
    failed
}

/// The length of the whole lines that are written at once.
fn piece(lines: &[u8]) -> usize {
    if lines.len() <= PIECE {
        return lines.len();
    }
    let end = memrchr(b'\n', &lines[..PIECE]).or_else(|| memchr(b'\n', &lines[PIECE..]).map(|more| PIECE + more));
    end.map_or(lines.len(), |end| end + 1)
}

impl<'b> MakeWriter<'b> for LogBuffer {
    type Writer = BufferedLine<'b>;

    fn make_writer(&'b self) -> BufferedLine<'b> {
        BufferedLine { buffer: self, is_urgent: true }
    }

    fn make_writer_for(&'b self, of: &Metadata<'_>) -> BufferedLine<'b> {
        BufferedLine { buffer: self, is_urgent: *of.level() <= Level::WARN }
    }
}

/// Takes a line, which the library writes as a whole.
pub(super) struct BufferedLine<'b> {
    buffer: &'b LogBuffer,
    is_urgent: bool,
}

impl Write for BufferedLine<'_> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.buffer.add(line, self.is_urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
