//! The section `log`: the format and the level of log lines.

section! {
    /// Logs on standard error.
    pub struct LogConfig in "log" {
        /// `pretty` for people, `json` for machines.
        pub format: LogFormat = LogFormat::Pretty,
        /// The filter: a level, or tracing's filter directives.
        pub level: String = "info".to_owned(),
    }
}

names! {
    /// The log format.
    pub enum LogFormat {
        /// For people.
        Pretty = "pretty",
        /// One JSON object per line.
        Json = "json",
    }
}
