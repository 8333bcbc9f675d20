//! Values of the upstream that could not be read as what their field is.

use super::fields::ScalarField;

/// A value that was there but could not be read as what its field is.
#[derive(Clone, PartialEq, Eq)]
pub struct Unrecognized {
    /// The field, as our schema names it; a dotted path inside `contact`.
    pub field: &'static str,
    /// The raw text: a string's characters, or the JSON of anything else; cut after 1,024 bytes.
    pub value: Box<str>,
    /// Whether it is an object or a list, in which anything can be: an identifier that the upstream has filled in with the person
    /// or the agency that it stands for, address and telephone number included.
    pub has_structure: bool,
}

/// The fields that are no scalars of a member and may have such values.
const OTHER_FIELDS: [&str; 8] = [
    "role",
    "agencyId",
    "contact",
    "contact.id",
    "contact.email",
    "contact.phone",
    "contact.phone.prefix",
    "contact.phone.number",
];

impl Unrecognized {
    /// The field of this name, if there is one that may have such values.
    #[must_use]
    pub fn field_of(name: &str) -> Option<&'static str> {
        let scalar = ScalarField::from_name(name).map(ScalarField::name);
        scalar.or_else(|| OTHER_FIELDS.into_iter().find(|field| *field == name))
    }

    /// Whether the text may be contact data.
    #[must_use]
    pub fn may_be_contact(&self) -> bool {
        let in_contact = self.field == "contact" || self.field.starts_with("contact.");
        in_contact || self.has_structure || self.value.contains('@')
    }
}
