//! The build: version, commit, profile and platform of the binary. The build script passes them in; metrics, traces and
//! `--version` name them.

/// The build, as metrics, traces and `--version` name it.
pub struct Build;

impl Build {
    /// The version of the package.
    pub const VERSION: &str = env!("CARGO_PKG_VERSION");
    /// The commit, where it was known when the binary was built.
    pub const COMMIT: &str = env!("BUILT_COMMIT");
    /// `release` or `debug`.
    pub const PROFILE: &str = env!("BUILT_PROFILE");
    /// The platform.
    pub const TARGET: &str = env!("BUILT_TARGET");
}
