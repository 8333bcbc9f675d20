//! The limits of one caller, from its key, certificate or token. They replace the configured limits where they are set.

/// How often a caller may ask, and how many requests of it may be under way. What is `None` is as for everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CallerLimits {
    /// Requests in a second; 0 = unlimited.
    pub rate: Option<u32>,
    /// How many may come at once.
    pub burst: Option<u32>,
    /// Requests under way.
    pub concurrency: Option<usize>,
}
