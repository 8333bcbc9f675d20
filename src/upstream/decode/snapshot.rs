//! A roster as bytes and back, for the second level: the rows as the upstream sends them, read by the same reader, after a line of
//! what else is known. What cannot be read is none.

use serde::{Deserialize, Serialize};

use super::rows::DecodedRows;
use crate::model::kinds::{ChatTransferPermission, LeadsVisibility, LiveAvailability, TeamMemberStatus, UserType};
use crate::model::{Drift, JsonStr, JsonStrList, Roster, SkippedRow, TeamMember, Timestamp, member_fields};

/// The byte in front of a row's unreadable values.
const UNREADABLE: u8 = b'!';
/// Why rows were skipped, as far as reasons are known; any other is said in the last one's words.
const REASONS: [&str; 7] = [
    "it has no usable _id",
    "it is not an object",
    super::pages::CHANGED,
    "it is longer than 1 MiB",
    "it is nested too deeply",
    "it is not valid UTF-8",
    "it is not valid JSON",
];

#[derive(Serialize, Deserialize)]
struct SnapshotHeader {
    fetched_at: i64,
    unrecognized: usize,
    unknown: usize,
    duplicates: usize,
    skipped: Vec<(u32, String)>,
}

/// The bytes of a roster.
#[must_use]
pub fn encode_roster(roster: &Roster) -> Vec<u8> {
    let drift = roster.drift();
    let header = SnapshotHeader {
        fetched_at: roster.fetched_at().millis(),
        unrecognized: drift.unrecognized_values,
        unknown: drift.unknown_fields,
        duplicates: drift.duplicate_rows,
        skipped: roster.skipped_rows().iter().map(|row| (row.index, row.reason.to_owned())).collect(),
    };
    // Numbers and texts always are JSON.
    let mut bytes = serde_json::to_vec(&header).unwrap_or_default();
    bytes.push(b'\n');
    let mut text = String::new();
    for member in roster.members() {
        text.clear();
        write(&mut text, member);
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(b'\n');
        if !member.unrecognized().is_empty() {
            bytes.push(UNREADABLE);
            let values: Vec<_> =
                member.unrecognized().iter().map(|entry| (entry.field, &*entry.value, entry.has_structure)).collect();
            bytes.extend(serde_json::to_vec(&values).unwrap_or_default());
            bytes.push(b'\n');
        }
    }
    bytes
}

/// The roster of these bytes.
#[must_use]
pub fn decode_roster(bytes: &[u8]) -> Option<Roster> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (header, rows) = text.split_once('\n')?;
    let header: SnapshotHeader = serde_json::from_str(header).ok()?;
    let mut decoded = DecodedRows::new(usize::MAX);
    decoded.expect(rows.len());
    for line in rows.lines() {
        if let Some(values) = line.strip_prefix(char::from(UNREADABLE)) {
            let values: Vec<(String, String, bool)> = serde_json::from_str(values).ok()?;
            decoded.builder.set_unrecognized(&values)?;
        } else if decoded.read_front(line).ok()? != Some(line.len()) {
            return None;
        }
    }
    let reason = |said: &str| REASONS.into_iter().find(|known| *known == said).unwrap_or("it is not valid JSON");
    decoded.skipped =
        header.skipped.iter().map(|(index, said)| SkippedRow { index: *index, reason: reason(said) }).collect();
    decoded.drift = Drift {
        unrecognized_values: header.unrecognized,
        unknown_fields: header.unknown,
        duplicate_rows: header.duplicates,
    };
    Some(decoded.into_roster(Timestamp::from_millis(header.fetched_at)?))
}

/// A value as the JSON that the upstream would send.
trait AsJson {
    fn put(&self, text: &mut String);
}

impl AsJson for JsonStr<'_> {
    fn put(&self, text: &mut String) {
        text.push_str(self.json());
    }
}

impl AsJson for JsonStrList<'_> {
    fn put(&self, text: &mut String) {
        text.push_str(self.json());
    }
}

impl AsJson for Timestamp {
    fn put(&self, text: &mut String) {
        text.push('"');
        text.extend(self.printed().map(char::from));
        text.push('"');
    }
}

impl AsJson for i32 {
    fn put(&self, text: &mut String) {
        text.push_str(itoa::Buffer::new().format(*self));
    }
}

impl AsJson for bool {
    fn put(&self, text: &mut String) {
        text.push_str(if *self { "true" } else { "false" });
    }
}

macro_rules! named {
    ($($name:ident)+) => {$(
        impl AsJson for $name {
            fn put(&self, text: &mut String) {
                text.push_str(self.json());
            }
        }
    )+};
}

named!(LiveAvailability LeadsVisibility TeamMemberStatus UserType ChatTransferPermission);

fn field(text: &mut String, key: &str, value: Option<impl AsJson>) {
    if let Some(value) = value {
        text.push_str(",\"");
        text.push_str(key);
        text.push_str("\":");
        value.put(text);
    }
}

macro_rules! write_scalars {
    ($(($variant:ident, $accessor:ident, $name:tt, $key:tt, $since:ident, $kind:ident, $about:tt))+) => {
        fn write_scalars(text: &mut String, member: TeamMember<'_>) {
            $(field(text, $key, member.$accessor());)+
        }
    };
}

member_fields!(write_scalars);

fn write(text: &mut String, member: TeamMember<'_>) {
    text.push_str("{\"_id\":");
    text.push_str(member.id().json());
    field(text, "_role", member.role_id());
    field(text, "_parent", member.agency_id());
    write_scalars(text, member);
    if let Some(contact) = member.contact() {
        // The key of an object that is begun with a comma is begun with one too many.
        text.push_str(",\"contact\":{");
        let start = text.len();
        field(text, "_id", contact.id());
        field(text, "email", contact.email());
        if let Some(phone) = contact.phone() {
            text.push_str(",\"phone\":{");
            let start = text.len();
            field(text, "prefix", phone.prefix());
            field(text, "number", phone.number());
            close(text, start);
        }
        close(text, start);
    }
    text.push('}');
}

/// Ends an object, without the comma that it begins with.
fn close(text: &mut String, start: usize) {
    if text.len() > start {
        text.remove(start);
    }
    text.push('}');
}
