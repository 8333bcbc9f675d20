//! The section `documents`: persisted queries, and the manifest of trusted documents.

use std::path::PathBuf;

use super::Size;

section! {
    /// Documents that clients do not send: persisted queries and trusted documents.
    pub struct DocumentsConfig in "documents" {
        /// Whether clients may register documents and send their hash (Apollo's automatic persisted queries).
        pub persisted_queries: bool = true,
        /// The memory for registered documents.
        pub persisted_limit: Size = Size::mib(16),
        /// Whether only documents of the manifest may run: `log` warns of others, `enforce` refuses them.
        pub safelist: Safelist = Safelist::Off,
        /// A JSON file of trusted documents: an Apollo persisted-query manifest, or an object of ids and texts, as Relay and code
        /// generators write it. An id is the SHA-256 of its text, with or without `sha256:`, or any other text.
        pub manifest: Option<PathBuf> = None,
    }
}

names! {
    /// The treatment of a document that is not in the manifest.
    pub enum Safelist {
        /// It runs.
        Off = "off",
        /// It runs, and the log has its hash.
        Log = "log",
        /// It is refused.
        Enforce = "enforce",
    }
}
