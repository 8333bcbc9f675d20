//! The section `loader`: the concurrency of one request's look-ups.

section! {
    /// The request loader.
    pub struct LoaderConfig in "loader" {
        /// The maximum number of accounts that one request loads in parallel.
        pub concurrency: usize = 16,
    }
}
