//! A change: its class, its kind, where it is, and what it means in words.

/// How much a change affects clients that were written for the old schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeClass {
    /// Operations that were valid are not, or answers have values of other types.
    Breaking,
    /// Operations stay valid, but clients may meet values that they do not expect.
    Dangerous,
    /// Nothing that a client can notice without asking for it.
    Safe,
}

impl ChangeClass {
    /// Its name, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Breaking => "breaking",
            Self::Dangerous => "dangerous",
            Self::Safe => "safe",
        }
    }
}

/// One difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaChange {
    /// How much it affects clients.
    pub class: ChangeClass,
    /// The kind of change, such as `FIELD_REMOVED`; the names are those of graphql-js where it has one.
    pub kind: &'static str,
    /// Where it is, as a schema coordinate such as `Query.team(account:)`.
    pub coordinate: String,
    /// The change in words, for people.
    pub message: String,
}

impl SchemaChange {
    /// The worst class among changes; `None` where there are none.
    #[must_use]
    pub fn worst(changes: &[Self]) -> Option<ChangeClass> {
        changes.iter().map(|change| change.class).min()
    }
}

/// The changes that were found so far.
#[derive(Default)]
pub(super) struct SchemaChanges(pub(super) Vec<SchemaChange>);

impl SchemaChanges {
    pub(super) fn breaking(&mut self, kind: &'static str, coordinate: &str, message: impl Into<String>) {
        self.add(ChangeClass::Breaking, kind, coordinate, message.into());
    }

    pub(super) fn dangerous(&mut self, kind: &'static str, coordinate: &str, message: impl Into<String>) {
        self.add(ChangeClass::Dangerous, kind, coordinate, message.into());
    }

    pub(super) fn safe(&mut self, kind: &'static str, coordinate: &str, message: impl Into<String>) {
        self.add(ChangeClass::Safe, kind, coordinate, message.into());
    }

    fn add(&mut self, class: ChangeClass, kind: &'static str, coordinate: &str, message: String) {
        self.0.push(SchemaChange { class, kind, coordinate: coordinate.to_owned(), message });
    }
}
