//! Inspection: one call, and what came back in terms of the documentation, for an operator who wants to know.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::model::UpstreamError;
use crate::model::{Account, Contact, JsonStr};
use crate::upstream::decode::envelope::Envelope;
use crate::upstream::decode::fields;

/// The result of one call.
#[derive(Debug)]
pub struct Inspection {
    /// How long it took.
    pub elapsed: Duration,
    /// The status, where there was an answer.
    pub status: Option<u16>,
    /// The rate-limit headers that came, by name.
    pub rate_limit: Vec<(String, String)>,
    /// The findings, or the error that the team could not be read for.
    pub result: Result<Findings, UpstreamError>,
}

/// The differences of a team from the documentation.
#[derive(Debug, Default)]
pub struct Findings {
    /// How many members were read.
    pub members: usize,
    /// How many rows could not be read.
    pub skipped_rows: usize,
    /// Documented fields that no row has.
    pub missing: Vec<&'static str>,
    /// Fields, documented for a newer version, that no row has.
    pub missing_newer: Vec<&'static str>,
    /// Fields that are not documented.
    pub unknown: Vec<String>,
    /// Our fields whose values could not be read, and how often.
    pub unreadable: Vec<(&'static str, usize)>,
    /// The selection that the account's pair seems to make.
    pub selects: Selects,
}

/// The selection that `email` and `type` seem to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selects {
    /// Several people: the account whose team is listed.
    Team,
    /// One person, who has that address.
    OneUser,
    /// No person, or one with another address: this call cannot tell.
    #[default]
    Unclear,
}

impl Findings {
    /// Compares a body with the documentation.
    pub(in crate::upstream) fn new(account: &Account, body: &[u8], envelope: Envelope) -> Self {
        let Some(rows) = envelope.rows else { return Self::default() };
        // As tolerant as the decoder: a mark in front, or a row that is not UTF-8, hides no field of the others.
        let text = String::from_utf8_lossy(body);
        let body: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default();
        let present: BTreeSet<&str> = body["data"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .flat_map(|row| row.keys().map(String::as_str))
            .collect();
        let absent = |keys: &mut dyn Iterator<Item = &'static str>| -> Vec<&'static str> {
            keys.filter(|key| !present.contains(key)).collect()
        };
        let known = |key: &&str| fields::documented().chain(fields::newer()).any(|known| known == *key);
        let mut unreadable = BTreeMap::<&'static str, usize>::new();
        for entry in rows.builder.members().flat_map(|member| member.unrecognized()) {
            *unreadable.entry(entry.field).or_default() += 1;
        }
        let people: BTreeSet<JsonStr<'_>> = rows.builder.members().map(|member| member.id()).collect();
        let own = rows.builder.members().any(|member| {
            let email = member.contact().and_then(Contact::email);
            email.is_some_and(|email| email.plain().eq_ignore_ascii_case(account.email.as_str()))
        });
        Self {
            members: people.len(),
            skipped_rows: rows.skipped.len(),
            // Without a row nothing can be said of fields.
            missing: if present.is_empty() { Vec::new() } else { absent(&mut fields::documented()) },
            missing_newer: if present.is_empty() { Vec::new() } else { absent(&mut fields::newer()) },
            unknown: present.iter().filter(|field| !known(field)).map(|field| (*field).to_owned()).collect(),
            unreadable: unreadable.into_iter().collect(),
            selects: match people.len() {
                2.. => Selects::Team,
                1 if own => Selects::OneUser,
                _ => Selects::Unclear,
            },
        }
    }

    /// Whether something is not as documented.
    #[must_use]
    pub fn drifted(&self) -> bool {
        self.skipped_rows > 0 || !self.missing.is_empty() || !self.unreadable.is_empty()
    }
}
