//! How one request's look-ups run.

section! {
    /// How one request's look-ups run.
    pub struct LoaderConfig in "loader" {
        /// How many accounts one request looks up side by side.
        pub concurrency: usize = 16,
    }
}
