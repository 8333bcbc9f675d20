//! Which members of a roster are asked for: two-valued logic over the fields of one member.
//!
//! A test on a missing value is false, `Not` negates; `And` of nothing is true, `Or` and `In` of nothing are false.

use super::{Contact, LeadsVisibility, LiveAvailability, TeamMember, TeamMemberStatus, Timestamp, UserType, fold};

/// A condition on a member.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of them hold.
    And(Vec<Filter>),
    /// At least one holds.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// The id is one of these, exactly.
    Id(Vec<String>),
    /// The role's id is one of these, exactly.
    RoleId(Vec<String>),
    /// A test on the name.
    Name(StringTest),
    /// A test on the e-mail address: contact data.
    Email(StringTest),
    /// The type is one of these.
    Type(Vec<UserType>),
    /// The status is one of these.
    Status(Vec<TeamMemberStatus>),
    /// The live availability is one of these.
    LiveAvailability(Vec<LiveAvailability>),
    /// The leads visibility is one of these.
    LeadsVisibility(Vec<LeadsVisibility>),
    /// A test on the number of unread messages.
    UnreadMessages(IntTest),
    /// A test on the moment of creation.
    CreatedAt(TimeTest),
    /// A test on the moment of the last change.
    UpdatedAt(TimeTest),
    /// The flag has this value.
    Whitelabel(bool),
    /// The free-text search. `text` is folded; without `contact` it looks at names only.
    Search {
        /// Folded text to find.
        text: String,
        /// Whether e-mail addresses and phone numbers are searched too.
        contact: bool,
    },
}

/// A case-insensitive test on text; the operands are folded.
#[derive(Clone, Debug, PartialEq)]
pub enum StringTest {
    /// Equal to one of these.
    In(Vec<String>),
    /// Contains this.
    Contains(String),
    /// Starts with this.
    StartsWith(String),
}

/// A test on an integer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum IntTest {
    Eq(i32),
    Gt(i32),
    Gte(i32),
    Lt(i32),
    Lte(i32),
}

/// A test on a moment, without the moment itself.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum TimeTest {
    Before(Timestamp),
    After(Timestamp),
}

impl Filter {
    /// The search for `text` as a person types it: surrounding space is ignored, and nothing is no condition.
    #[must_use]
    pub fn search(text: &str, contact: bool) -> Option<Self> {
        let text = fold(text.trim());
        (!text.is_empty()).then_some(Self::Search { text, contact })
    }

    /// How many tests it makes of a member at most.
    #[must_use]
    pub fn tests(&self) -> usize {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().map(Self::tests).sum(),
            Self::Not(filter) => filter.tests(),
            Self::Id(any) | Self::RoleId(any) | Self::Name(StringTest::In(any)) | Self::Email(StringTest::In(any)) => {
                any.len()
            }
            _ => 1,
        }
    }

    /// Whether `member` is asked for.
    #[must_use]
    pub fn matches(&self, member: TeamMember<'_>) -> bool {
        match self {
            Self::And(all) => all.iter().all(|filter| filter.matches(member)),
            Self::Or(any) => any.iter().any(|filter| filter.matches(member)),
            Self::Not(filter) => !filter.matches(member),
            Self::Id(ids) => ids.iter().any(|id| member.id() == **id),
            Self::RoleId(ids) => member.role_id().is_some_and(|role| ids.iter().any(|id| role == **id)),
            Self::Name(test) => member.folded_name().is_some_and(|name| test.holds(name)),
            Self::Email(test) => email(member).is_some_and(|email| test.holds(&email)),
            Self::Type(any) => one_of(any, member.user_type()),
            Self::Status(any) => one_of(any, member.status()),
            Self::LiveAvailability(any) => one_of(any, member.live_availability()),
            Self::LeadsVisibility(any) => one_of(any, member.leads_visibility()),
            Self::UnreadMessages(test) => member.unread_messages().is_some_and(|n| test.holds(n)),
            Self::CreatedAt(test) => member.created_at().is_some_and(|at| test.holds(at)),
            Self::UpdatedAt(test) => member.updated_at().is_some_and(|at| test.holds(at)),
            Self::Whitelabel(value) => member.whitelabel() == Some(*value),
            Self::Search { text, contact } => {
                member.folded_name().is_some_and(|name| name.contains(text))
                    || (*contact && contact_contains(member, text))
            }
        }
    }
}

impl StringTest {
    fn holds(&self, folded: &str) -> bool {
        match self {
            Self::In(any) => any.iter().any(|text| text == folded),
            Self::Contains(text) => folded.contains(text),
            Self::StartsWith(text) => folded.starts_with(text),
        }
    }
}

impl IntTest {
    fn holds(self, number: i32) -> bool {
        match self {
            Self::Eq(bound) => number == bound,
            Self::Gt(bound) => number > bound,
            Self::Gte(bound) => number >= bound,
            Self::Lt(bound) => number < bound,
            Self::Lte(bound) => number <= bound,
        }
    }
}

impl TimeTest {
    fn holds(self, at: Timestamp) -> bool {
        match self {
            Self::Before(bound) => at < bound,
            Self::After(bound) => at > bound,
        }
    }
}

fn one_of<T: PartialEq>(any: &[T], value: Option<T>) -> bool {
    value.is_some_and(|value| any.contains(&value))
}

/// The e-mail address, folded.
fn email(member: TeamMember<'_>) -> Option<String> {
    Some(fold(&member.contact()?.email()?.plain()))
}

fn contact_contains(member: TeamMember<'_>, text: &str) -> bool {
    if email(member).is_some_and(|email| email.contains(text)) {
        return true;
    }
    // People write numbers with spaces and dashes, the upstream without.
    let number: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
    let phone = member.contact().and_then(Contact::phone);
    !number.is_empty() && phone.is_some_and(|phone| phone.searchable().contains(&number))
}
