//! Values of the upstream that could not be read as what their field is.

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

impl Unrecognized {
    /// Whether the text may be contact data.
    #[must_use]
    pub fn may_be_contact(&self) -> bool {
        let in_contact = self.field == "contact" || self.field.starts_with("contact.");
        in_contact || self.has_structure || self.value.contains('@')
    }
}
