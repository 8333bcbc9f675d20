//! The REST shapes: reads one row of `data` into a member, each field on its own.
//!
//! Tolerant in: whatever is missing, null or empty is absent; what cannot be read is kept aside as text and counted; only
//! a row without a usable `_id` is skipped.

use super::fields::{Field, Orders};
use super::json::{InvalidJson, JsonKind, JsonReader, JsonValue, KeyOrder};
use super::value::{DecodedValue, Read, identifier, integer, json, named, some_text, string, text, url};
use crate::model::Malformed;
use crate::model::{
    ChatTransferPermission, Drift, LeadsVisibility, LiveAvailability, MemberRecord, Roster, RosterBuilder, SkippedRow,
    Span, TeamMemberStatus, TextField, Timestamp, Unrecognized, UserType,
};

/// How much of an unreadable value is kept, in bytes.
const RAW_LIMIT: usize = 1024;

/// The length of a usual row, in bytes.
const ROW_LENGTH: usize = 640;

/// The rows read so far.
pub(in crate::upstream) struct DecodedRows {
    limit: usize,
    seen: usize,
    pub(in crate::upstream) draft: RosterBuilder,
    pub(in crate::upstream) skipped: Vec<SkippedRow>,
    pub(in crate::upstream) drift: Drift,
    orders: Orders,
}

impl DecodedRows {
    pub(in crate::upstream) fn new(limit: usize) -> Self {
        Self {
            limit,
            seen: 0,
            draft: RosterBuilder::default(),
            skipped: Vec::new(),
            drift: Drift::default(),
            orders: Orders::default(),
        }
    }

    /// How many rows were seen, good and bad.
    pub(in crate::upstream) fn seen(&self) -> usize {
        self.seen
    }

    /// Makes place for what so many bytes of rows may hold.
    pub(in crate::upstream) fn expect(&mut self, bytes: usize) {
        self.draft.expect(bytes / ROW_LENGTH, bytes / 2);
    }

    /// Makes the roster of them.
    pub(in crate::upstream) fn into_roster(self, fetched_at: Timestamp) -> Roster {
        self.draft.finish(self.skipped, self.drift, fetched_at)
    }

    /// Puts the rows of the next page behind these.
    pub(in crate::upstream) fn append(&mut self, page: Self) -> Result<(), Malformed> {
        let before = u32::try_from(self.seen).unwrap_or(u32::MAX);
        self.seen += page.seen;
        if self.seen > self.limit {
            return Err(Malformed::TooManyRows);
        }
        self.draft.append(page.draft);
        self.skipped
            .extend(page.skipped.into_iter().map(|row| SkippedRow { index: row.index.saturating_add(before), ..row }));
        self.drift.unrecognized_values += page.drift.unrecognized_values;
        self.drift.unknown_fields += page.drift.unknown_fields;
        self.check_size()
    }

    /// Reads the row at the front of `text`, if a whole and good one is there, and says how long it is.
    pub(in crate::upstream) fn read_front(&mut self, text: &str) -> Result<Option<usize>, Malformed> {
        if self.seen == self.limit {
            return Err(Malformed::TooManyRows);
        }
        let mut reader = JsonReader::new(text);
        let read = self.row(&mut reader);
        let Ok(Some(())) = read else { return Ok(None) };
        self.seen += 1;
        self.check_size()?;
        Ok(Some(reader.at()))
    }

    /// Reads the next row, which may turn out not to be one.
    pub(in crate::upstream) fn read(&mut self, text: &str) -> Result<(), Malformed> {
        if self.seen == self.limit {
            return Err(Malformed::TooManyRows);
        }
        let index = u32::try_from(self.seen).unwrap_or(u32::MAX);
        self.seen += 1;
        let mut reader = JsonReader::new(text);
        let reason = match self.row(&mut reader) {
            Ok(Some(())) if reader.at() == text.len() => return self.check_size(),
            Ok(None) => "it has no usable _id",
            _ if !text.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
                "it is not an object"
            }
            _ => "it is not valid JSON",
        };
        self.skipped.push(SkippedRow { index, reason });
        Ok(())
    }

    /// Reads a row and keeps it; `None` when it has no usable id.
    fn row(&mut self, reader: &mut JsonReader<'_>) -> Result<Option<()>, InvalidJson> {
        let mark = self.draft.checkpoint();
        let mut line =
            Line { draft: &mut self.draft, row: MemberRecord::default(), unrecognized: Vec::new(), unknown: 0 };
        let Orders { row, contact, phone } = &mut self.orders;
        let read = reader.object(row, Field::of_row, |reader, field| line.field(reader, field, contact, phone));
        if read.is_err() || !line.row.has(TextField::Id) {
            self.draft.rollback(mark);
            return read.map(|()| None);
        }
        self.drift.unrecognized_values += line.unrecognized.len();
        self.drift.unknown_fields += line.unknown;
        let mut row = line.row;
        row.unrecognized = line.unrecognized.into();
        self.draft.push(row);
        Ok(Some(()))
    }

    fn check_size(&self) -> Result<(), Malformed> {
        if self.draft.is_too_large() { Err(Malformed::TooLarge) } else { Ok(()) }
    }
}

/// A row that is being read.
struct Line<'r> {
    draft: &'r mut RosterBuilder,
    row: MemberRecord,
    unrecognized: Vec<Unrecognized>,
    unknown: usize,
}

impl Line<'_> {
    fn field(
        &mut self,
        reader: &mut JsonReader<'_>,
        field: Field,
        contact: &mut KeyOrder<Field>,
        phone: &mut KeyOrder<Field>,
    ) -> Result<(), InvalidJson> {
        match field {
            Field::Id => {
                let id = identifier(reader.value()?);
                let id = id.value().map(|id| self.put(id));
                self.row.set(TextField::Id, id);
            }
            Field::Name => self.text(TextField::Name, "name", reader.value()?, text),
            Field::Contact => self.contact(reader, contact, phone)?,
            Field::Picture => self.text(TextField::Picture, "picture", reader.value()?, url),
            Field::LiveAvailability => {
                let read = named(LiveAvailability::from_name);
                self.row.live_availability = self.take("liveAvailability", reader.value()?, read);
            }
            Field::LeadsVisibility => {
                self.row.leads_visibility =
                    self.take("leadsVisibility", reader.value()?, named(LeadsVisibility::from_name));
            }
            Field::Status => self.row.status = self.take("status", reader.value()?, named(TeamMemberStatus::from_name)),
            Field::Description => self.text(TextField::Description, "description", reader.value()?, text),
            Field::Type => self.row.user_type = self.take("type", reader.value()?, named(UserType::from_name)),
            Field::UnreadMessages => self.row.unread_messages = self.take("unreadMessages", reader.value()?, integer),
            Field::Role => {
                let id = self.take("role", reader.value()?, identifier);
                self.draft.set_role(&mut self.row, id.as_ref().map(DecodedValue::plain));
            }
            Field::Parent => {
                let id = self.take("agencyId", reader.value()?, identifier);
                self.draft.set_agency(&mut self.row, id.as_ref().map(DecodedValue::plain));
            }
            Field::Whitelabel => self.row.whitelabel = self.take("whitelabel", reader.value()?, json),
            Field::CreatedAt => self.row.created_at = self.take("createdAt", reader.value()?, named(Timestamp::parse)),
            Field::UpdatedAt => self.row.updated_at = self.take("updatedAt", reader.value()?, named(Timestamp::parse)),
            Field::Version => self.row.version = self.take("version", reader.value()?, integer),
            Field::AssignedBots => self.list(TextField::AssignedBotIds, "assignedBotIds", reader)?,
            Field::AssignedAiAgents => self.list(TextField::AssignedAiAgentIds, "assignedAiAgentIds", reader)?,
            Field::Department => self.list(TextField::DepartmentIds, "departmentIds", reader)?,
            Field::BusinessHours => {
                self.text(TextField::BusinessHoursId, "businessHoursId", reader.value()?, identifier)
            }
            Field::ChatTransferPermission => {
                let read = named(ChatTransferPermission::from_name);
                self.row.chat_transfer_permission = self.take("chatTransferPermission", reader.value()?, read);
            }
            Field::MaskedAttributes => self.list(TextField::MaskedAttributes, "maskedAttributes", reader)?,
            Field::Email | Field::Phone | Field::Prefix | Field::Number | Field::Unknown => self.unknown(reader)?,
        }
        Ok(())
    }

    fn unknown(&mut self, reader: &mut JsonReader<'_>) -> Result<(), InvalidJson> {
        self.unknown += 1;
        reader.value().map(drop)
    }

    fn contact(
        &mut self,
        reader: &mut JsonReader<'_>,
        order: &mut KeyOrder<Field>,
        phone: &mut KeyOrder<Field>,
    ) -> Result<(), InvalidJson> {
        if reader.peek() != Some(b'{') {
            self.keep("contact", reader.value()?);
            return Ok(());
        }
        // Of two contacts the second counts.
        for field in [TextField::ContactId, TextField::Email, TextField::PhonePrefix, TextField::PhoneNumber] {
            self.row.set(field, None);
        }
        (self.row.has_contact, self.row.has_phone) = (true, false);
        reader.object(order, Field::of_contact, |reader, field| {
            match field {
                Field::Id => self.text(TextField::ContactId, "contact.id", reader.value()?, identifier),
                Field::Email => self.text(TextField::Email, "contact.email", reader.value()?, some_text),
                Field::Phone => self.phone(reader, phone)?,
                _ => self.unknown(reader)?,
            }
            Ok(())
        })
    }

    fn phone(&mut self, reader: &mut JsonReader<'_>, order: &mut KeyOrder<Field>) -> Result<(), InvalidJson> {
        self.row.set(TextField::PhonePrefix, None);
        self.row.set(TextField::PhoneNumber, None);
        self.row.has_phone = reader.peek() == Some(b'{');
        if !self.row.has_phone {
            self.keep("contact.phone", reader.value()?);
            return Ok(());
        }
        reader.object(order, Field::of_phone, |reader, field| {
            match field {
                Field::Prefix => self.text(TextField::PhonePrefix, "contact.phone.prefix", reader.value()?, some_text),
                Field::Number => self.text(TextField::PhoneNumber, "contact.phone.number", reader.value()?, some_text),
                _ => self.unknown(reader)?,
            }
            Ok(())
        })
    }

    /// A list of texts; entries that are none are kept aside one by one.
    fn list(&mut self, to: TextField, field: &'static str, reader: &mut JsonReader<'_>) -> Result<(), InvalidJson> {
        self.row.set(to, None);
        if reader.peek() != Some(b'[') {
            self.keep(field, reader.value()?);
            return Ok(());
        }
        let list = self.draft.open_list();
        reader.array(|reader| {
            if let Some(entry) = self.take(field, reader.value()?, some_text) {
                self.draft.next_item(list);
                self.put(entry);
            }
            Ok(())
        })?;
        let list = self.draft.close_list(list);
        self.row.set(to, Some(list));
        Ok(())
    }

    fn text<'v>(
        &mut self,
        to: TextField,
        field: &'static str,
        value: JsonValue<'v>,
        read: impl FnOnce(JsonValue<'v>) -> Read<DecodedValue<'v>>,
    ) {
        let found = self.take(field, value, read);
        self.set(to, found);
    }

    fn set(&mut self, to: TextField, found: Option<DecodedValue<'_>>) {
        let span = found.map(|found| self.put(found));
        self.row.set(to, span);
    }

    fn put(&mut self, found: DecodedValue<'_>) -> Span {
        match found {
            DecodedValue::Plain(raw) => self.draft.put_quoted(raw),
            DecodedValue::Escaped(text) => self.draft.put_plain(&text),
        }
    }

    fn take<'v, T>(
        &mut self,
        field: &'static str,
        value: JsonValue<'v>,
        read: impl FnOnce(JsonValue<'v>) -> Read<T>,
    ) -> Option<T> {
        if value.kind == JsonKind::Null {
            return None;
        }
        match read(value) {
            Read::JsonValue(value) => Some(value),
            Read::Empty => None,
            Read::Unreadable => {
                self.keep(field, value);
                None
            }
        }
    }

    fn keep(&mut self, field: &'static str, value: JsonValue<'_>) {
        if value.kind == JsonKind::Null {
            return;
        }
        let text = string(value);
        let text = text.as_ref().map_or(value.raw, DecodedValue::plain);
        let end = (0..=RAW_LIMIT.min(text.len())).rfind(|end| text.is_char_boundary(*end));
        let value = text[..end.unwrap_or(0)].into();
        self.unrecognized.push(Unrecognized { field, value });
    }
}
