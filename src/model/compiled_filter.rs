//! A filter, made ready for one roster: identifiers and roles become sets of members, numbers and times ranges, enums sets of
//! bits, and equal texts hashes. What is left to do for a row is a comparison or two, or a scan of its text.

use std::sync::Arc;

use super::cancellation::Cancelled;
use super::filter::{Filter, FilterField, IdSet, IntCondition, SearchText, TextCondition, TextSet, TimeCondition};
use super::folded_text::{FoldedColumn, Needle, text_hash};
use super::member_set::MemberSet;
use super::{JsonStr, Roster, TeamMember};

/// One test on a member, or several.
pub(super) enum Test<'f, 'r> {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Among(Arc<MemberSet>),
    /// The number is there, and is one of these.
    Range(Number, i64, i64),
    /// The number is there, and its bit is set.
    OneOf(Number, u64),
    /// The text is there, and is one of these but for case.
    In(Texts<'r>, HashedTexts<'f>),
    Contains(Texts<'r>, &'f Needle),
    StartsWith(Texts<'r>, &'f Needle),
    /// The text is there.
    Present(Texts<'r>),
    /// The field has no value.
    Missing(FilterField),
}

/// A text of every member, with its folded form.
#[derive(Clone, Copy)]
pub(super) struct Texts<'r> {
    pub(super) column: &'r FoldedColumn,
    pub(super) text: fn(TeamMember<'r>) -> Option<JsonStr<'r>>,
}

/// What of a member is compared as a number.
#[derive(Clone, Copy)]
pub(super) enum Number {
    UnreadMessages,
    CreatedAt,
    UpdatedAt,
    Type,
    Status,
    LiveAvailability,
    LeadsVisibility,
    Whitelabel,
}

impl Number {
    pub(super) const COUNT: usize = 8;

    pub(super) fn of(self, member: TeamMember<'_>) -> Option<i64> {
        Some(match self {
            Self::UnreadMessages => member.unread_messages()?.into(),
            Self::CreatedAt => member.created_at()?.at.millis(),
            Self::UpdatedAt => member.updated_at()?.at.millis(),
            Self::Type => member.user_type()? as i64,
            Self::Status => member.status()? as i64,
            Self::LiveAvailability => member.live_availability()? as i64,
            Self::LeadsVisibility => member.leads_visibility()? as i64,
            Self::Whitelabel => member.whitelabel()?.into(),
        })
    }
}

/// A search looks through the whole team where at least one member of so many is asked about: a look at one member's text costs
/// as much as scanning that of so many, and the next list of the same operation finds what this one found.
const DENSE: usize = 16;

/// Stands for a number that is missing: no range begins so low, and no enum has so many values.
pub(super) const MISSING: i64 = i64::MIN;
const LOWEST: i64 = MISSING + 1;

impl<'f, 'r> Test<'f, 'r> {
    /// Makes a filter ready that is evaluated for so many rows, with the roster's columns that it looks through; `cancelled` is
    /// asked while those are made.
    pub(super) fn of(
        filter: &'f Filter,
        roster: &'r Roster,
        rows: usize,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Self, Cancelled> {
        let all = |filters: &'f [Filter]| {
            filters.iter().map(|filter| Self::of(filter, roster, rows, cancelled)).collect::<Result<Vec<_>, _>>()
        };
        let names = || {
            let column = roster.index(|known| &known.names, cancelled)?;
            Ok::<_, Cancelled>(Texts { column, text: |member| member.name() })
        };
        let emails = || {
            let column = roster.index(|known| &known.emails, cancelled)?;
            Ok::<_, Cancelled>(Texts { column, text: |member| member.contact()?.email() })
        };
        Ok(match filter {
            Filter::And(filters) => Self::All(all(filters)?),
            Filter::Or(filters) => Self::Any(all(filters)?),
            Filter::Not(filter) => Self::Not(Box::new(Self::of(filter, roster, rows, cancelled)?)),
            Filter::Id(ids) => Self::Among(with_ids(ids, roster).into()),
            Filter::RoleId(ids) => Self::Among(with_roles(ids, roster).into()),
            Filter::Name(condition) => Self::text(condition, names()?),
            Filter::Email(condition) => Self::text(condition, emails()?),
            Filter::Type(any) => one_of(Number::Type, any.iter().map(|value| *value as u8)),
            Filter::Status(any) => one_of(Number::Status, any.iter().map(|value| *value as u8)),
            Filter::LiveAvailability(any) => one_of(Number::LiveAvailability, any.iter().map(|value| *value as u8)),
            Filter::LeadsVisibility(any) => one_of(Number::LeadsVisibility, any.iter().map(|value| *value as u8)),
            Filter::UnreadMessages(condition) => {
                let (lowest, highest) = match *condition {
                    IntCondition::Eq(bound) => (bound.into(), bound.into()),
                    IntCondition::Gt(bound) => (i64::from(bound) + 1, i64::MAX),
                    IntCondition::Gte(bound) => (bound.into(), i64::MAX),
                    IntCondition::Lt(bound) => (LOWEST, i64::from(bound) - 1),
                    IntCondition::Lte(bound) => (LOWEST, bound.into()),
                };
                Self::Range(Number::UnreadMessages, lowest, highest)
            }
            Filter::CreatedAt(condition) => time(Number::CreatedAt, *condition),
            Filter::UpdatedAt(condition) => time(Number::UpdatedAt, *condition),
            Filter::Whitelabel(value) => one_of(Number::Whitelabel, [u8::from(*value)].into_iter()),
            Filter::Missing(field) => Self::Missing(*field),
            Filter::Search(search) if rows.saturating_mul(DENSE) >= roster.len() => {
                Self::Among(match roster.searches().get(search) {
                    Some(found) => found,
                    None => {
                        let columns = columns(search, roster, cancelled)?;
                        roster.searches().find(search, &columns, roster.len(), cancelled)?
                    }
                })
            }
            Filter::Search(search) => {
                let columns = columns(search, roster, cancelled)?.into_iter();
                Self::Any(
                    columns.map(|(column, needle)| Self::Contains(Texts { column, text: |_| None }, needle)).collect(),
                )
            }
        })
    }

    fn text(condition: &'f TextCondition, texts: Texts<'r>) -> Self {
        match condition {
            TextCondition::In(set) => Self::In(texts, HashedTexts::of(set)),
            // Nothing is in every text, but not in a missing one, which a column does not tell from an empty one.
            TextCondition::Contains(needle) | TextCondition::StartsWith(needle) if needle.is_empty() => {
                Self::Present(texts)
            }
            TextCondition::Contains(needle) => Self::Contains(texts, needle),
            TextCondition::StartsWith(needle) => Self::StartsWith(texts, needle),
        }
    }
}

/// The value of an enum is among these: enums have few values, so a set of them is a number.
fn one_of<'f, 'r>(number: Number, values: impl Iterator<Item = u8>) -> Test<'f, 'r> {
    Test::OneOf(number, values.fold(0, |set, value| set | 1 << value))
}

fn time<'f, 'r>(number: Number, condition: TimeCondition) -> Test<'f, 'r> {
    match condition {
        TimeCondition::Before(bound) => Test::Range(number, LOWEST, bound.millis().saturating_sub(1)),
        TimeCondition::OnOrBefore(bound) => Test::Range(number, LOWEST, bound.millis()),
        TimeCondition::OnOrAfter(bound) => Test::Range(number, bound.millis(), i64::MAX),
        TimeCondition::After(bound) => Test::Range(number, bound.millis().saturating_add(1), i64::MAX),
    }
}

/// The columns that a search looks through, and for what.
fn columns<'f, 'r>(
    search: &'f SearchText,
    roster: &'r Roster,
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<(&'r FoldedColumn, &'f Needle)>, Cancelled> {
    let mut columns = Vec::new();
    if !search.needle.is_empty() {
        columns.push((roster.index(|known| &known.names, cancelled)?, &search.needle));
        if search.contact {
            columns.push((roster.index(|known| &known.emails, cancelled)?, &search.needle));
        }
    }
    for needle in &search.phone_needles {
        columns.push((roster.index(|known| &known.phones, cancelled)?, needle));
    }
    Ok(columns)
}

fn with_ids(ids: &IdSet, roster: &Roster) -> MemberSet {
    let mut set = MemberSet::none(roster.len());
    ids.iter().filter_map(|id| roster.find(id)).for_each(|index| set.insert(index));
    set
}

fn with_roles(ids: &IdSet, roster: &Roster) -> MemberSet {
    let mut set = MemberSet::none(roster.len());
    for role in ids.iter().filter_map(|id| roster.find_role(id)) {
        roster.role(role).members.iter().for_each(|index| set.insert(*index));
    }
    set
}

impl FilterField {
    /// Whether the member has no value of it.
    pub(super) fn is_missing(self, member: TeamMember<'_>) -> bool {
        match self {
            Self::Name => member.name().is_none(),
            Self::Email => member.contact().and_then(|contact| contact.email()).is_none(),
            Self::RoleId => member.role_place().is_none(),
            Self::UnreadMessages => member.unread_messages().is_none(),
            Self::CreatedAt => member.created_at().is_none(),
            Self::UpdatedAt => member.updated_at().is_none(),
        }
    }
}

/// So many bits tell most hashes apart.
const HASH_BITS: usize = 1024;

/// Texts to be equal to, by the hashes of their folded forms.
pub(super) struct HashedTexts<'f> {
    texts: &'f TextSet,
    hashes: Vec<u32>,
    /// A bit for each hash, by its last ones: most texts are told apart by it.
    bits: [u64; HASH_BITS / 64],
}

impl<'f> HashedTexts<'f> {
    fn of(texts: &'f TextSet) -> Self {
        let mut hashes: Vec<u32> = texts.folded().map(text_hash).collect();
        hashes.sort_unstable();
        let mut bits = [0; HASH_BITS / 64];
        for hash in &hashes {
            let bit = *hash as usize % HASH_BITS;
            bits[bit / 64] |= 1 << (bit % 64);
        }
        Self { texts, hashes, bits }
    }

    /// Whether a text with this hash can be among them.
    pub(super) fn may_contain(&self, hash: u32) -> bool {
        let bit = hash as usize % HASH_BITS;
        self.bits[bit / 64] & 1 << (bit % 64) != 0 && self.hashes.binary_search(&hash).is_ok()
    }

    /// Whether a text is among them: `folded` is its search form, `text` the text itself.
    pub(super) fn contains(&self, folded: &str, text: JsonStr<'_>) -> bool {
        self.texts.contains(folded, || text.plain().into_owned())
    }
}
