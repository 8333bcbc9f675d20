//! What is logged.

section! {
    /// What is logged, on standard error.
    pub struct LogConfig in "log" {
        /// `pretty` for people, `json` for machines.
        pub format: LogFormat = LogFormat::Pretty,
        /// What to log: a level, or tracing's filter directives.
        pub level: String = "info".to_owned(),
    }
}

names! {
    /// The form of the log.
    pub enum LogFormat {
        /// For people.
        Pretty = "pretty",
        /// A JSON object a line.
        Json = "json",
    }
}
