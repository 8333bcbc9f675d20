//! The REST shapes: reads one row of `data` into a member, each field on its own.
//!
//! Tolerant in: whatever is missing, null or empty is absent; what cannot be read is kept aside as text and counted; only
//! a row without a usable `_id` is skipped.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::Malformed;
use crate::model::{
    ChatTransferPermission, Contact, Drift, LeadsVisibility, LiveAvailability, Phone, SkippedRow, TeamMember,
    TeamMemberStatus, Timestamp, Unrecognized, UserType, fold,
};

/// The fields of a row that the vendor documents.
pub(super) const DOCUMENTED: [&str; 16] = [
    "_id",
    "whitelabel",
    "name",
    "contact",
    "picture",
    "liveAvailability",
    "leadsVisibility",
    "status",
    "description",
    "type",
    "unreadMessages",
    "_role",
    "_parent",
    "createdAt",
    "updatedAt",
    "__v",
];
/// The fields that a newer version adds.
pub(super) const NEWER: [&str; 6] =
    ["assignedBots", "assignedAiAgents", "_department", "maskedAttributes", "chatTransferPermission", "_businessHours"];

/// The longest identifier that is taken for one, in bytes.
const ID_LIMIT: usize = 128;
/// How much of an unreadable value is kept, in bytes.
const RAW_LIMIT: usize = 1024;

/// The rows read so far.
pub(super) struct Rows {
    limit: usize,
    seen: usize,
    pub(super) members: Vec<TeamMember>,
    pub(super) skipped: Vec<SkippedRow>,
    pub(super) drift: Drift,
    /// Role and agency ids: a handful of values, each on most rows.
    shared: HashSet<Arc<str>>,
}

impl Rows {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            seen: 0,
            members: Vec::new(),
            skipped: Vec::new(),
            drift: Drift::default(),
            shared: HashSet::new(),
        }
    }

    /// How many rows were seen, good and bad.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    /// Puts the rows of the next page behind these.
    pub(super) fn append(&mut self, page: Self) -> Result<(), Malformed> {
        let before = u32::try_from(self.seen).unwrap_or(u32::MAX);
        self.seen += page.seen;
        if self.seen > self.limit {
            return Err(Malformed::TooManyRows);
        }
        self.members.extend(page.members);
        self.skipped
            .extend(page.skipped.into_iter().map(|row| SkippedRow { index: row.index.saturating_add(before), ..row }));
        self.drift.unrecognized_values += page.drift.unrecognized_values;
        self.drift.unknown_fields += page.drift.unknown_fields;
        Ok(())
    }

    /// Reads the next row, which may turn out not to be one.
    pub(super) fn read(&mut self, text: &str) -> Result<(), Malformed> {
        if self.seen == self.limit {
            return Err(Malformed::TooManyRows);
        }
        let index = u32::try_from(self.seen).unwrap_or(u32::MAX);
        self.seen += 1;

        let mut row =
            Row { shared: &mut self.shared, member: TeamMember::default(), unrecognized: Vec::new(), unknown: 0 };
        let reason = match for_each_field(text, |key, value| row.field(key, value)) {
            Err(reason) => Some(reason),
            Ok(()) if row.member.id.is_empty() => Some("it has no usable _id"),
            Ok(()) => None,
        };
        if let Some(reason) = reason {
            self.skipped.push(SkippedRow { index, reason });
            return Ok(());
        }
        self.drift.unrecognized_values += row.unrecognized.len();
        self.drift.unknown_fields += row.unknown;
        row.member.unrecognized = row.unrecognized.into();
        self.members.push(row.member);
        Ok(())
    }
}

struct Row<'r> {
    shared: &'r mut HashSet<Arc<str>>,
    member: TeamMember,
    unrecognized: Vec<Unrecognized>,
    unknown: usize,
}

impl Row<'_> {
    fn field(&mut self, key: &str, raw: &str) {
        match key {
            "_id" => self.member.id = identifier(raw).value().unwrap_or_default(),
            "name" => {
                self.member.name = self.take("name", raw, text);
                self.member.folded_name = self.member.name.as_deref().map(|name| fold(name).into());
            }
            "contact" => self.contact(raw),
            "picture" => self.member.picture = self.take("picture", raw, url),
            "liveAvailability" => {
                self.member.live_availability = self.take("liveAvailability", raw, named(LiveAvailability::from_name));
            }
            "leadsVisibility" => {
                self.member.leads_visibility = self.take("leadsVisibility", raw, named(LeadsVisibility::from_name));
            }
            "status" => {
                self.member.status = self.take("status", raw, named(TeamMemberStatus::from_name));
            }
            "description" => self.member.description = self.take("description", raw, text),
            "type" => self.member.user_type = self.take("type", raw, named(UserType::from_name)),
            "unreadMessages" => self.member.unread_messages = self.take("unreadMessages", raw, json),
            "_role" => self.member.role_id = self.shared("role", raw),
            "_parent" => self.member.agency_id = self.shared("agencyId", raw),
            "whitelabel" => self.member.whitelabel = self.take("whitelabel", raw, json),
            "createdAt" => self.member.created_at = self.take("createdAt", raw, named(Timestamp::parse)),
            "updatedAt" => self.member.updated_at = self.take("updatedAt", raw, named(Timestamp::parse)),
            "__v" => self.member.version = self.take("version", raw, json),
            "assignedBots" => self.member.assigned_bot_ids = self.list("assignedBotIds", raw),
            "assignedAiAgents" => self.member.assigned_ai_agent_ids = self.list("assignedAiAgentIds", raw),
            "_department" => self.member.department_ids = self.list("departmentIds", raw),
            "_businessHours" => {
                self.member.business_hours_id = self.take("businessHoursId", raw, identifier);
            }
            "chatTransferPermission" => {
                self.member.chat_transfer_permission =
                    self.take("chatTransferPermission", raw, named(ChatTransferPermission::from_name));
            }
            "maskedAttributes" => self.member.masked_attributes = self.list("maskedAttributes", raw),
            _ => self.unknown += 1,
        }
    }

    fn contact(&mut self, raw: &str) {
        if raw == "null" {
            return;
        }
        let mut contact = Contact::default();
        let read = for_each_field(raw, |key, raw| match key {
            "_id" => contact.id = self.take("contact.id", raw, identifier),
            "email" => contact.email = self.take("contact.email", raw, some_text),
            "phone" => contact.phone = self.phone(raw),
            _ => self.unknown += 1,
        });
        match read {
            Ok(()) => self.member.contact = Some(contact.into()),
            Err(_) => self.keep("contact", raw),
        }
    }

    fn phone(&mut self, raw: &str) -> Option<Phone> {
        if raw == "null" {
            return None;
        }
        let mut phone = Phone::default();
        let read = for_each_field(raw, |key, raw| match key {
            "prefix" => phone.prefix = self.take("contact.phone.prefix", raw, some_text),
            "number" => phone.number = self.take("contact.phone.number", raw, some_text),
            _ => self.unknown += 1,
        });
        if read.is_err() {
            self.keep("contact.phone", raw);
        }
        read.is_ok().then_some(phone)
    }

    fn shared(&mut self, field: &'static str, raw: &str) -> Option<Arc<str>> {
        let id = self.take(field, raw, identifier)?;
        if let Some(shared) = self.shared.get(&*id) {
            return Some(shared.clone());
        }
        let shared = Arc::<str>::from(id);
        self.shared.insert(shared.clone());
        Some(shared)
    }

    /// A list of texts; entries that are none are kept aside one by one.
    fn list(&mut self, field: &'static str, raw: &str) -> Option<Box<[Box<str>]>> {
        if raw == "null" {
            return None;
        }
        let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(raw) else {
            self.keep(field, raw);
            return None;
        };
        Some(entries.into_iter().filter_map(|entry| self.take(field, entry.get(), some_text)).collect())
    }

    fn take<T>(&mut self, field: &'static str, raw: &str, read: impl FnOnce(&str) -> Read<T>) -> Option<T> {
        if raw == "null" {
            return None;
        }
        match read(raw) {
            Read::Value(value) => Some(value),
            Read::Empty => None,
            Read::Unreadable => {
                self.keep(field, raw);
                None
            }
        }
    }

    fn keep(&mut self, field: &'static str, raw: &str) {
        let text = string(raw).unwrap_or(Cow::Borrowed(raw));
        let end = (0..=RAW_LIMIT.min(text.len())).rfind(|end| text.is_char_boundary(*end));
        let value = text[..end.unwrap_or(0)].into();
        self.unrecognized.push(Unrecognized { field, value });
    }
}

/// What became of one value.
enum Read<T> {
    Value(T),
    /// There, but nothing: an empty string.
    Empty,
    Unreadable,
}

impl<T> Read<T> {
    fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Empty | Self::Unreadable => None,
        }
    }
}

/// The characters of a JSON string, copied only where it has escapes.
fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(raw).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

/// A string that may be empty.
fn text(raw: &str) -> Read<Box<str>> {
    string(raw).map_or(Read::Unreadable, |text| Read::Value(text.into()))
}

/// A string that means something only when it is not empty.
fn some_text(raw: &str) -> Read<Box<str>> {
    match string(raw) {
        None => Read::Unreadable,
        Some(text) if text.is_empty() => Read::Empty,
        Some(text) => Read::Value(text.into()),
    }
}

fn identifier(raw: &str) -> Read<Box<str>> {
    match some_text(raw) {
        Read::Value(id) if id.len() > ID_LIMIT || id.chars().any(|c| c.is_control() || c.is_whitespace()) => {
            Read::Unreadable
        }
        read => read,
    }
}

/// A string that is one of some names, or otherwise has a form of its own.
fn named<T>(parse: impl FnOnce(&str) -> Option<T>) -> impl FnOnce(&str) -> Read<T> {
    |raw| match string(raw) {
        None => Read::Unreadable,
        Some(text) if text.is_empty() => Read::Empty,
        Some(text) => parse(&text).map_or(Read::Unreadable, Read::Value),
    }
}

/// A web address. Others (`javascript:`, relative ones) would be a trap for whoever puts it into a page.
fn url(raw: &str) -> Read<Box<str>> {
    named(|text| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let host = rest.split(['/', '?', '#']).next()?;
        let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\');
        (!host.is_empty() && !text.contains(odd)).then(|| text.into())
    })(raw)
}

fn json<T: serde::de::DeserializeOwned>(raw: &str) -> Read<T> {
    serde_json::from_str(raw).map_or(Read::Unreadable, Read::Value)
}

/// Calls `field` with each key and raw value of the object in `text`; the error says why it is none.
fn for_each_field(text: &str, field: impl FnMut(&str, &str)) -> Result<(), &'static str> {
    struct Fields<F>(F);

    impl<'de, F: FnMut(&str, &str)> Visitor<'de> for Fields<F> {
        type Value = ();

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<Key<'de>>()? {
                let value: &'de RawValue = map.next_value()?;
                (self.0)(&key.0, value.get());
            }
            Ok(())
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = deserializer.deserialize_map(Fields(field)).and_then(|()| deserializer.end());
    match read {
        Ok(()) => Ok(()),
        Err(error) if error.is_data() => Err("it is not an object"),
        Err(_) => Err("it is not valid JSON"),
    }
}

/// A key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
