//! The section `reload`: the interval at which the configuration's files are checked for changes.

use std::time::Duration;

section! {
    /// Reading the configuration again, on SIGHUP or when its file has changed: it is checked whole, and applied in one step. A bad
    /// one changes nothing.
    pub struct ReloadConfig in "reload" {
        /// How often the configuration's file and the manifest are looked at; 0s = only on SIGHUP.
        pub interval: Duration = Duration::from_secs(1),
    }
}
