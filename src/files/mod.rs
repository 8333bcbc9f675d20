//! Files, read within a bound and watched by their content: a leaf.

mod bounded_read;
mod watched_file;

pub use bounded_read::{open_regular, read, read_at_most};
pub use watched_file::{Look, WatchedFile};
