//! Conditions on members: two-valued logic over the fields of one member, prepared once for a request.
//!
//! A condition on a missing value is false, `Not` negates; `And` of nothing is true, `Or` and a set of nothing are false.
//! Operands are folded and put into sets when the condition is made; `selection` evaluates it.

use std::collections::{HashMap, HashSet};

use super::folded_text::{Needle, fold_case, fold_for_search};
use super::{LeadsVisibility, LiveAvailability, TeamMemberStatus, Timestamp, UserType, phone_search};

/// A condition on a member.
#[derive(Clone, Debug)]
pub enum Filter {
    /// All of them hold.
    And(Vec<Filter>),
    /// At least one holds.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// The id is one of these, exactly.
    Id(IdSet),
    /// The role's id is one of these, exactly.
    RoleId(IdSet),
    /// A condition on the name.
    Name(TextCondition),
    /// A condition on the e-mail address: contact data.
    Email(TextCondition),
    /// The type is one of these.
    Type(Vec<UserType>),
    /// The status is one of these.
    Status(Vec<TeamMemberStatus>),
    /// The live availability is one of these.
    LiveAvailability(Vec<LiveAvailability>),
    /// The leads visibility is one of these.
    LeadsVisibility(Vec<LeadsVisibility>),
    /// A condition on the number of unread messages.
    UnreadMessages(IntCondition),
    /// A condition on the time of creation.
    CreatedAt(TimeCondition),
    /// A condition on the time of the last change.
    UpdatedAt(TimeCondition),
    /// The flag has this value.
    Whitelabel(bool),
    /// The field has no value.
    Missing(FilterField),
    /// The free-text search.
    Search(SearchText),
}

/// A field of a member that may have no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FilterField {
    Name,
    Email,
    RoleId,
    UnreadMessages,
    CreatedAt,
    UpdatedAt,
}

/// Identifiers, without order or duplicates.
#[derive(Clone, Debug, Default)]
pub struct IdSet(HashSet<Box<str>>);

/// A condition on text, without regard to case.
#[derive(Clone, Debug)]
pub enum TextCondition {
    /// Equal to one of these but for case.
    In(TextSet),
    /// Has this in it, without regard to accents.
    Contains(Needle),
    /// Starts with this, without regard to accents.
    StartsWith(Needle),
}

/// Texts to be equal to: by their search form, in which columns hold a member's texts, all that have it.
#[derive(Clone, Debug, Default)]
pub struct TextSet(HashMap<String, Vec<String>>);

/// A text to search for in names, and with `contact` in e-mail addresses and telephone numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText {
    pub(super) needle: Needle,
    /// Forms of it as a telephone number; none where it is not one, or contact data is not searched.
    pub(super) phone_needles: Vec<Needle>,
    pub(super) contact: bool,
}

/// A condition on an integer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum IntCondition {
    Eq(i32),
    Gt(i32),
    Gte(i32),
    Lt(i32),
    Lte(i32),
}

/// A condition on a time.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum TimeCondition {
    Before(Timestamp),
    OnOrBefore(Timestamp),
    After(Timestamp),
    OnOrAfter(Timestamp),
}

impl Filter {
    /// The search for `text` as a person types it. White space around it is ignored, and nothing is no condition.
    #[must_use]
    pub fn search(text: &str, contact: bool) -> Option<Self> {
        let folded = fold_for_search(text);
        let needle = Needle::new(folded.trim());
        let phone_needles = if contact { phone_search::needles(text) } else { Vec::new() };
        let is_empty = needle.is_empty() && phone_needles.is_empty();
        (!is_empty).then_some(Self::Search(SearchText { needle, phone_needles, contact }))
    }

    /// The field has no value, or has one.
    #[must_use]
    pub fn is_null(field: FilterField, is_null: bool) -> Self {
        if is_null { Self::Missing(field) } else { Self::Not(Box::new(Self::Missing(field))) }
    }

    /// The field has a value that does not meet this condition.
    #[must_use]
    pub fn none_of(self, field: FilterField) -> Self {
        Self::And(vec![Self::is_null(field, false), Self::Not(Box::new(self))])
    }

    /// How many conditions it evaluates for a member at most. A set is one, however many values it has.
    #[must_use]
    pub fn term_count(&self) -> usize {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().map(Self::term_count).sum(),
            Self::Not(filter) => filter.term_count(),
            Self::Search(search) => 1 + usize::from(search.contact) + search.phone_needles.len(),
            _ => 1,
        }
    }
}

impl<T: Into<Box<str>>> FromIterator<T> for IdSet {
    fn from_iter<I: IntoIterator<Item = T>>(ids: I) -> Self {
        Self(ids.into_iter().map(Into::into).collect())
    }
}

impl IdSet {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|id| &**id)
    }
}

impl TextCondition {
    /// The text is one of these but for case.
    #[must_use]
    pub fn one_of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut set = HashMap::<String, Vec<String>>::new();
        for text in texts {
            let exact = fold_case(text).into_owned();
            let same = set.entry(fold_for_search(text)).or_default();
            if !same.contains(&exact) {
                same.push(exact);
            }
        }
        Self::In(TextSet(set))
    }

    /// The text has this in it.
    #[must_use]
    pub fn contains(text: &str) -> Self {
        Self::Contains(Needle::new(&fold_for_search(text)))
    }

    /// The text starts with this.
    #[must_use]
    pub fn starts_with(text: &str) -> Self {
        Self::StartsWith(Needle::new(&fold_for_search(text)))
    }
}

impl TextSet {
    /// The search forms of the texts.
    pub(super) fn folded(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether a text is in the set: `folded` is its search form, and `text` gives the text itself where that decides.
    pub(super) fn contains(&self, folded: &str, text: impl FnOnce() -> String) -> bool {
        self.0.get(folded).is_some_and(|exact| {
            let text = text();
            let text = fold_case(&text);
            exact.iter().any(|exact| *exact == text)
        })
    }
}
