//! One row: each field is read on its own, by its kind.
//!
//! Whatever is missing, null or empty is absent; what cannot be read is kept aside as text and counted.

use std::borrow::Cow;

use super::fields::{ContactKey, PhoneKey, RowKey};
use super::json::{InvalidJson, JsonKind, JsonReader, KeyOrder, RawJsonValue};
use super::value::{DecodedValue, ReadValue, identifier, integer, named, some_text, string, text, truth, url};
use crate::model::kinds::{self, FieldKind};
use crate::model::{
    ContactRecord, JsonSpan, MemberRecord, PhoneRecord, RosterBuilder, ScalarField, Timestamp, Unrecognized,
    member_fields,
};

/// How much of an unreadable value is kept, in bytes.
const RAW_LIMIT: usize = 1024;

/// A row that is being read.
pub(in crate::upstream) struct RowReader<'r> {
    builder: &'r mut RosterBuilder,
    record: MemberRecord,
    unrecognized: Vec<Unrecognized>,
    unknown: usize,
}

/// How the values of a kind are read. `name` is the field's name in the schema, for values that cannot be read.
trait DecodeKind: FieldKind {
    fn decode(
        row: &mut RowReader<'_>,
        name: &'static str,
        reader: &mut JsonReader<'_>,
    ) -> Result<Self::Stored, InvalidJson>;
}

/// Decoding of the kinds whose values are one JSON value: how it is read, and how it is stored.
macro_rules! decode_value {
    ($($kind:ident: $read:expr, $store:expr;)+) => {$(
        impl DecodeKind for kinds::$kind {
            fn decode(
                row: &mut RowReader<'_>,
                name: &'static str,
                reader: &mut JsonReader<'_>,
            ) -> Result<Self::Stored, InvalidJson> {
                let value = row.take(name, reader.value()?, $read);
                let store: fn(&mut RowReader<'_>, _) -> _ = $store;
                Ok(value.map(|value| store(row, value)))
            }
        }
    )+};
}

decode_value! {
    Text: text, |row, text| row.put_shared(text);
    Url: url, |row, text| row.put(text);
    Id: identifier, |row, text| row.put_shared(text);
    Boolean: truth, |_, truth| truth;
    Time: named(Timestamp::parse), |_, time| time;
    LiveAvailability: named(kinds::LiveAvailability::from_name), |_, value| value;
    LeadsVisibility: named(kinds::LeadsVisibility::from_name), |_, value| value;
    TeamMemberStatus: named(kinds::TeamMemberStatus::from_name), |_, value| value;
    UserType: named(kinds::UserType::from_name), |_, value| value;
    ChatTransferPermission: named(kinds::ChatTransferPermission::from_name), |_, value| value;
}

impl DecodeKind for kinds::Integer {
    fn decode(
        row: &mut RowReader<'_>,
        name: &'static str,
        reader: &mut JsonReader<'_>,
    ) -> Result<Self::Stored, InvalidJson> {
        Ok(row.take(name, reader.value()?, integer).into())
    }
}

/// Decoding of the kinds whose values are lists of strings.
macro_rules! decode_list {
    ($($kind:ident)+) => {$(
        impl DecodeKind for kinds::$kind {
            fn decode(
                row: &mut RowReader<'_>,
                name: &'static str,
                reader: &mut JsonReader<'_>,
            ) -> Result<Self::Stored, InvalidJson> {
                row.list(name, reader)
            }
        }
    )+};
}

decode_list! { Ids Texts }

/// Reads a scalar field by the kind that the table gives it.
macro_rules! decode_scalar {
    ($(($variant:ident, $accessor:ident, $name:tt, $key:tt, $since:ident, $kind:ident, $about:tt))+) => {
        impl RowReader<'_> {
            fn scalar(&mut self, reader: &mut JsonReader<'_>, field: ScalarField) -> Result<(), InvalidJson> {
                match field {
                    $(ScalarField::$variant => {
                        self.record.$accessor = <kinds::$kind as DecodeKind>::decode(self, $name, reader)?;
                    })+
                }
                Ok(())
            }
        }
    };
}

member_fields!(decode_scalar);

impl<'r> RowReader<'r> {
    pub(in crate::upstream) fn new(builder: &'r mut RosterBuilder) -> Self {
        Self { builder, record: MemberRecord::default(), unrecognized: Vec::new(), unknown: 0 }
    }

    /// The record, how many values could not be read, and how many keys are unknown.
    pub(in crate::upstream) fn finish(mut self) -> (MemberRecord, usize, usize) {
        self.unrecognized.shrink_to_fit();
        let (mut record, count) = (self.record, self.unrecognized.len());
        record.unrecognized = (count > 0).then(|| Box::new(self.unrecognized));
        (record, count, self.unknown)
    }

    /// Reads the value of a key.
    pub(in crate::upstream) fn field(
        &mut self,
        reader: &mut JsonReader<'_>,
        key: RowKey,
        contact: &mut KeyOrder<ContactKey>,
        phone: &mut KeyOrder<PhoneKey>,
    ) -> Result<(), InvalidJson> {
        match key {
            RowKey::Scalar(field) => self.scalar(reader, field)?,
            RowKey::Id => {
                let id = identifier(reader.value()?);
                self.record.id = id.value().map(|id| self.put(id));
            }
            RowKey::Contact => self.contact(reader, contact, phone)?,
            RowKey::Role => {
                let id = self.take("role", reader.value()?, identifier);
                self.builder.set_role(&mut self.record, id.as_ref().map(DecodedValue::plain).as_deref());
            }
            RowKey::Parent => {
                let id = self.take("agencyId", reader.value()?, identifier);
                self.builder.set_agency(&mut self.record, id.as_ref().map(DecodedValue::plain).as_deref());
            }
            RowKey::Unknown => self.skip_unknown(reader)?,
        }
        Ok(())
    }

    fn skip_unknown(&mut self, reader: &mut JsonReader<'_>) -> Result<(), InvalidJson> {
        self.unknown += 1;
        reader.value().map(drop)
    }

    /// Reads a contact. Of two contacts the second counts.
    fn contact(
        &mut self,
        reader: &mut JsonReader<'_>,
        order: &mut KeyOrder<ContactKey>,
        phone: &mut KeyOrder<PhoneKey>,
    ) -> Result<(), InvalidJson> {
        if reader.peek() != Some(b'{') {
            self.keep("contact", reader.value()?);
            return Ok(());
        }
        let mut contact = ContactRecord::default();
        reader.object(order, ContactKey::of, |reader, key| {
            match key {
                ContactKey::Id => contact.id = self.text("contact.id", reader.value()?, identifier),
                ContactKey::Email => contact.email = self.text("contact.email", reader.value()?, some_text),
                ContactKey::Phone => contact.phone = self.phone(reader, phone)?,
                ContactKey::Unknown => self.skip_unknown(reader)?,
            }
            Ok(())
        })?;
        self.record.contact = Some(contact);
        Ok(())
    }

    fn phone(
        &mut self,
        reader: &mut JsonReader<'_>,
        order: &mut KeyOrder<PhoneKey>,
    ) -> Result<Option<PhoneRecord>, InvalidJson> {
        if reader.peek() != Some(b'{') {
            self.keep("contact.phone", reader.value()?);
            return Ok(None);
        }
        let mut phone = PhoneRecord::default();
        reader.object(order, PhoneKey::of, |reader, key| {
            match key {
                PhoneKey::Prefix => {
                    let prefix = self.take("contact.phone.prefix", reader.value()?, some_text);
                    phone.prefix = prefix.map(|prefix| self.put_shared(prefix));
                }
                PhoneKey::Number => phone.number = self.text("contact.phone.number", reader.value()?, some_text),
                PhoneKey::Unknown => self.skip_unknown(reader)?,
            }
            Ok(())
        })?;
        Ok(Some(phone))
    }

    /// A list of strings; entries that are none are kept aside one by one.
    fn list(&mut self, name: &'static str, reader: &mut JsonReader<'_>) -> Result<Option<JsonSpan>, InvalidJson> {
        if reader.peek() != Some(b'[') {
            self.keep(name, reader.value()?);
            return Ok(None);
        }
        let before = reader.clone();
        if let Some(list) = self.builder.list_like(reader.value()?.raw) {
            return Ok(Some(list));
        }
        *reader = before;
        let list = self.builder.open_list();
        reader.array(|reader| {
            if let Some(entry) = self.take(name, reader.value()?, some_text) {
                self.builder.next_item(list);
                self.put(entry);
            }
            Ok(())
        })?;
        Ok(Some(self.builder.close_list(list)))
    }

    fn text<'v>(
        &mut self,
        name: &'static str,
        value: RawJsonValue<'v>,
        read: impl FnOnce(RawJsonValue<'v>) -> ReadValue<DecodedValue<'v>>,
    ) -> Option<JsonSpan> {
        self.take(name, value, read).map(|text| self.put(text))
    }

    fn put(&mut self, text: DecodedValue<'_>) -> JsonSpan {
        text.with_json(|text| self.builder.put(text))
    }

    /// Keeps a text that other rows may have, too.
    fn put_shared(&mut self, text: DecodedValue<'_>) -> JsonSpan {
        text.with_json(|text| self.builder.put_shared(text))
    }

    fn take<'v, T>(
        &mut self,
        name: &'static str,
        value: RawJsonValue<'v>,
        read: impl FnOnce(RawJsonValue<'v>) -> ReadValue<T>,
    ) -> Option<T> {
        if value.kind == JsonKind::Null {
            return None;
        }
        match read(value) {
            ReadValue::Value(value) => Some(value),
            ReadValue::Empty => None,
            ReadValue::Unreadable => {
                self.keep(name, value);
                None
            }
        }
    }

    /// Keeps the text of a value that cannot be read.
    fn keep(&mut self, name: &'static str, value: RawJsonValue<'_>) {
        if value.kind == JsonKind::Null {
            return;
        }
        let text = string(value);
        let text = text.as_ref().map_or(Cow::Borrowed(value.raw), DecodedValue::plain);
        let end = (0..=RAW_LIMIT.min(text.len())).rfind(|end| text.is_char_boundary(*end));
        let kept = text[..end.unwrap_or(0)].into();
        let has_structure = value.kind == JsonKind::Other && value.raw.trim_start().starts_with(['{', '[']);
        self.unrecognized.push(Unrecognized { field: name, value: kept, has_structure });
    }
}
