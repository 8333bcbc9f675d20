//! The contact data of a member, as views of its row. It is personal data, so it has a scope of its own.

use super::json_str::JsonStr;
use super::member_record::{ContactRecord, PhoneRecord, Strings};

/// How a member can be reached: personal data.
#[derive(Clone, Copy)]
pub struct Contact<'r> {
    strings: &'r Strings,
    record: &'r ContactRecord,
}

impl<'r> Contact<'r> {
    pub(super) fn new(strings: &'r Strings, record: &'r ContactRecord) -> Self {
        Self { strings, record }
    }

    /// `contact._id`.
    #[must_use]
    pub fn id(self) -> Option<JsonStr<'r>> {
        self.strings.text(self.record.id)
    }

    /// `contact.email`, as written.
    #[must_use]
    pub fn email(self) -> Option<JsonStr<'r>> {
        self.strings.text(self.record.email)
    }

    /// `contact.phone`.
    #[must_use]
    pub fn phone(self) -> Option<Phone<'r>> {
        self.record.phone.as_ref().map(|record| Phone { strings: self.strings, record })
    }
}

/// A telephone number in the upstream's two parts.
#[derive(Clone, Copy)]
pub struct Phone<'r> {
    strings: &'r Strings,
    record: &'r PhoneRecord,
}

impl<'r> Phone<'r> {
    /// The country code without `+`.
    #[must_use]
    pub fn prefix(self) -> Option<JsonStr<'r>> {
        self.strings.text(self.record.prefix)
    }

    /// The number without the country code.
    #[must_use]
    pub fn number(self) -> Option<JsonStr<'r>> {
        self.strings.text(self.record.number)
    }

    /// `+`, prefix and number, where both are there and together make a valid E.164 number (at most 15 digits, no leading
    /// zero).
    #[must_use]
    pub fn e164(self) -> Option<String> {
        let (prefix, number) = (self.prefix()?.plain(), self.number()?.plain());
        let mut text = String::with_capacity(1 + prefix.len() + number.len());
        text.push('+');
        text.push_str(prefix.trim_start_matches('+'));
        text.push_str(&number);
        text.retain(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'));
        let digits = &text[1..];
        let valid =
            (4..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        valid.then_some(text)
    }

    /// The text in which a search for a number looks: `+`, prefix and number, as far as they are there.
    #[must_use]
    pub fn searchable(self) -> String {
        let (prefix, number) = (self.prefix().map(JsonStr::plain), self.number().map(JsonStr::plain));
        let prefix = prefix.as_deref().unwrap_or_default();
        format!("+{}{}", prefix.trim_start_matches('+'), number.as_deref().unwrap_or_default())
    }
}

impl PartialEq for Contact<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.id(), self.email(), self.phone()) == (other.id(), other.email(), other.phone())
    }
}

impl PartialEq for Phone<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.prefix(), self.number()) == (other.prefix(), other.number())
    }
}
