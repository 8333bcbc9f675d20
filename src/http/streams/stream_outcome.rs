//! The outcome of a subscription: its events, their members and errors, and its name in audit log and span.

use crate::graphql::{Code, EventSummary};

/// The outcome of a subscription so far.
#[derive(Debug, Default)]
pub(in crate::http) struct StreamOutcome {
    pub(in crate::http) events: u64,
    pub(in crate::http) rows: usize,
    /// The codes of all errors, each once.
    pub(in crate::http) codes: Vec<&'static str>,
    /// Whether anything was sent that is no refusal.
    has_shown: bool,
    has_errors: bool,
}

impl StreamOutcome {
    /// An event was handed to the connection.
    pub(super) fn delivered(&mut self, event: &EventSummary) {
        self.events += 1;
        self.rows += event.rows;
        self.has_shown |= !event.is_refusal;
        self.has_errors |= event.has_errors;
        event.codes.iter().for_each(|code| self.note(code));
    }

    /// It was refused to go on.
    pub(super) fn refused(&mut self, code: Code) {
        self.has_errors = true;
        self.note(code.name());
    }

    fn note(&mut self, code: &'static str) {
        if !self.codes.contains(&code) {
            self.codes.push(code);
        }
    }

    /// `ok`, `partial` where some of it was errors, `refused` where nothing but a refusal was sent, or `cancelled` where its client
    /// has gone before anything was.
    pub(in crate::http) fn word(&self, reason: &str) -> &'static str {
        match (self.has_errors, self.has_shown) {
            (false, false) if reason == "client" => "cancelled",
            (false, _) => "ok",
            (true, true) => "partial",
            (true, false) => "refused",
        }
    }

    pub(in crate::http) fn has_errors(&self) -> bool {
        self.has_errors
    }
}
