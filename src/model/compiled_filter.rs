//! A filter, made ready for one roster: identifiers and roles become sets of members, numbers and times ranges of ranks, enums
//! sets of bits, and equal texts hashes. What is left to do for a row is a comparison or two in a column, or a scan of its text.

use std::ops::Range;
use std::sync::Arc;

use super::cancellation::Cancelled;
use super::filter::{Filter, FilterField, IdSet, IntCondition, SearchText, TextCondition, TextSet, TimeCondition};
use super::folded_text::{FoldedColumn, Needle, text_hash};
use super::indexes::{Indexes, LazyIndex};
use super::member_set::MemberSet;
use super::member_test::{self, IndexOf, MemberTest, NumberOf};
use super::ranks::{NumberRanks, Ranks};
use super::{JsonStr, Roster, TeamMember};

/// One test on a member, or several.
pub(super) enum Test<'f, 'r> {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Among(Arc<MemberSet>),
    /// What has no ranks yet.
    OfMember(MemberTest),
    /// The rank is one of these.
    Ranked(&'r Ranks, Range<u32>),
    /// The bit of the rank is set.
    OneOf(&'r Ranks, u64),
    /// The text is there, and is one of these but for case.
    In(Texts<'r>, HashedTexts<'f>),
    Contains(Texts<'r>, &'f Needle),
    StartsWith(Texts<'r>, &'f Needle),
    /// The text is there.
    Present(Texts<'r>),
    /// The text is not there.
    Missing(Texts<'r>),
}

/// A text of every member, with its folded form.
#[derive(Clone, Copy)]
pub(super) struct Texts<'r> {
    pub(super) column: &'r FoldedColumn,
    pub(super) text: fn(TeamMember<'r>) -> Option<JsonStr<'r>>,
}

/// A search looks through the whole team where at least one member of so many is asked about: a look at one member's text costs
/// as much as scanning that of so many, and the next list of the same operation finds what this one found.
const DENSE: usize = 16;

impl<'r> Texts<'r> {
    /// Whether the member has the text. One that is folded to nothing is as short in the column as a missing one.
    pub(super) fn has(&self, roster: &'r Roster, index: u32) -> bool {
        !self.column.is_empty(index as usize) || (self.text)(roster.member(index)).is_some()
    }
}

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
        let numbers = |of: fn(&Indexes) -> &LazyIndex<NumberRanks>, number: NumberOf| {
            Ok::<_, Cancelled>(NumberColumn { ranks: roster.index_again(of, cancelled)?, number })
        };
        let unread = || numbers(|known| &known.unread_ranks, member_test::unread);
        let created = || numbers(|known| &known.created_ranks, member_test::created);
        let updated = || numbers(|known| &known.updated_ranks, member_test::updated);
        let indexes = |of: fn(&Indexes) -> &LazyIndex<Ranks>, index: IndexOf| {
            Ok::<_, Cancelled>(IndexColumn { ranks: roster.index_again(of, cancelled)?, index })
        };
        let types = || indexes(|known| &known.type_ranks, member_test::user_type);
        let statuses = || indexes(|known| &known.status_ranks, member_test::status);
        let availabilities = || indexes(|known| &known.live_ranks, member_test::live);
        let visibilities = || indexes(|known| &known.leads_ranks, member_test::leads);
        Ok(match filter {
            Filter::And(filters) => Self::All(all(filters)?),
            Filter::Or(filters) => Self::Any(all(filters)?),
            Filter::Not(filter) => Self::Not(Box::new(Self::of(filter, roster, rows, cancelled)?)),
            Filter::Id(ids) => Self::Among(with_ids(ids, roster).into()),
            Filter::RoleId(ids) => Self::Among(with_roles(ids, roster).into()),
            Filter::Name(condition) => Self::text(condition, names()?),
            Filter::Email(condition) => Self::text(condition, emails()?),
            Filter::Type(any) => types()?.one_of(any.iter().map(|value| *value as u8)),
            Filter::Status(any) => statuses()?.one_of(any.iter().map(|value| *value as u8)),
            Filter::LiveAvailability(any) => availabilities()?.one_of(any.iter().map(|value| *value as u8)),
            Filter::LeadsVisibility(any) => visibilities()?.one_of(any.iter().map(|value| *value as u8)),
            Filter::UnreadMessages(condition) => {
                let (lowest, highest) = match *condition {
                    IntCondition::Eq(bound) => (bound.into(), bound.into()),
                    IntCondition::Gt(bound) => (i64::from(bound) + 1, i64::MAX),
                    IntCondition::Gte(bound) => (bound.into(), i64::MAX),
                    IntCondition::Lt(bound) => (i64::MIN, i64::from(bound) - 1),
                    IntCondition::Lte(bound) => (i64::MIN, bound.into()),
                };
                unread()?.between(lowest, highest)
            }
            Filter::CreatedAt(condition) => created()?.at(*condition),
            Filter::UpdatedAt(condition) => updated()?.at(*condition),
            Filter::Whitelabel(value) => {
                let flags = indexes(|known| &known.whitelabel_ranks, member_test::whitelabel)?;
                flags.one_of([u8::from(*value)].into_iter())
            }
            Filter::Missing(FilterField::UnreadMessages) => unread()?.missing(),
            Filter::Missing(FilterField::CreatedAt) => created()?.missing(),
            Filter::Missing(FilterField::UpdatedAt) => updated()?.missing(),
            Filter::Missing(FilterField::RoleId) => indexes(|known| &known.role_ranks, member_test::role)?.missing(),
            Filter::Missing(FilterField::Name) => Self::Missing(names()?),
            Filter::Missing(FilterField::Email) => Self::Missing(emails()?),
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

/// The numbers of all members, ranked where they are.
struct NumberColumn<'r> {
    ranks: Option<&'r NumberRanks>,
    number: NumberOf,
}

impl<'r> NumberColumn<'r> {
    fn between<'f>(self, lowest: i64, highest: i64) -> Test<'f, 'r> {
        match self.ranks {
            Some(numbers) => Test::Ranked(&numbers.ranks, numbers.between(lowest, highest)),
            None => Test::OfMember(MemberTest::Between(self.number, lowest, highest)),
        }
    }

    fn at<'f>(self, condition: TimeCondition) -> Test<'f, 'r> {
        match condition {
            TimeCondition::Before(bound) => self.between(i64::MIN, bound.millis().saturating_sub(1)),
            TimeCondition::OnOrBefore(bound) => self.between(i64::MIN, bound.millis()),
            TimeCondition::OnOrAfter(bound) => self.between(bound.millis(), i64::MAX),
            TimeCondition::After(bound) => self.between(bound.millis().saturating_add(1), i64::MAX),
        }
    }

    fn missing<'f>(self) -> Test<'f, 'r> {
        match self.ranks {
            Some(numbers) => missing(&numbers.ranks),
            None => Test::OfMember(MemberTest::NoNumber(self.number)),
        }
    }
}

/// The indexes of all members' values in a short list, as ranks where they are.
struct IndexColumn<'r> {
    ranks: Option<&'r Ranks>,
    index: IndexOf,
}

impl<'r> IndexColumn<'r> {
    /// The value of an enum is among these: enums have few values, which are ranks themselves, so a set of them is a number.
    fn one_of<'f>(self, values: impl Iterator<Item = u8>) -> Test<'f, 'r> {
        let set = values.fold(0, |set, value| set | 1 << value);
        let Some(ranks) = self.ranks else { return Test::OfMember(MemberTest::OneOf(self.index, set)) };
        // The rank after the last is that of a missing value.
        let there = 1_u64.checked_shl(ranks.distinct()).map_or(u64::MAX, |missing| missing - 1);
        Test::OneOf(ranks, there & set)
    }

    fn missing<'f>(self) -> Test<'f, 'r> {
        match self.ranks {
            Some(ranks) => missing(ranks),
            None => Test::OfMember(MemberTest::NoIndex(self.index)),
        }
    }
}

fn missing<'f, 'r>(ranks: &'r Ranks) -> Test<'f, 'r> {
    Test::Ranked(ranks, ranks.distinct()..ranks.distinct() + 1)
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
