//! Room: memory for what work makes, counted by those who pay for it. Where many requests of one caller are worked on side by side,
//! each of their answers is counted when it is written, not when its turn comes to be sent.

use std::any::Any;
use std::sync::Arc;

/// Something that is released when the last holder is gone: an admission permit, reserved memory.
pub type Hold = Arc<dyn Any + Send + Sync>;

/// The room of one caller.
pub trait Room: Send + Sync {
    /// Whether it is worthwhile to begin what may become long.
    fn is_left(&self) -> bool;

    /// So many bytes of it, which are free again when the last holder is gone; `None` where there are not so many left.
    fn reserve(&self, bytes: usize) -> Option<Hold>;
}

/// Room without an end: of tests and benchmarks.
impl Room for () {
    fn is_left(&self) -> bool {
        true
    }

    fn reserve(&self, _: usize) -> Option<Hold> {
        Some(Arc::new(()))
    }
}

/// Bytes of a room that are taken.
#[derive(Clone, Debug, Default)]
pub struct ReservedRoom {
    bytes: usize,
    /// Only kept.
    _hold: Option<Hold>,
}

impl ReservedRoom {
    pub(super) fn new(bytes: usize, hold: Hold) -> Self {
        Self { bytes, _hold: Some(hold) }
    }

    /// How many bytes are counted; none where nothing counts them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
