//! Which members meet a condition: evaluated in blocks of 1,024 members, condition by condition, as sets of bits.
//!
//! A text condition scans a block's folded texts as one piece of memory. Between blocks the caller may cancel.

use super::cancellation::Cancelled;
use super::filter::{Filter, SearchText, TextCondition};
use super::folded_text::{FoldedColumn, Needle};
use super::{Roster, TeamMember};

/// How many members are evaluated between two looks at whether the request is still wanted.
const BLOCK: usize = 1024;
const WORDS: usize = BLOCK / 64;

/// The indexes of the members that meet `filter`, ascending, out of `among`, or out of all.
pub(super) fn select(
    filter: &Filter,
    roster: &Roster,
    among: Option<&[u32]>,
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<u32>, Cancelled> {
    let narrowed = if among.is_none() { narrow(filter, roster) } else { None };
    let mut selected = Vec::new();
    let mut evaluate = |block: Block<'_>| {
        if cancelled() {
            return Err(Cancelled);
        }
        block.evaluate(filter).each(|n| selected.push(block.index(n)));
        Ok(())
    };
    match among.or(narrowed.as_deref()) {
        Some(list) => {
            list.chunks(BLOCK).try_for_each(|list| evaluate(Block { roster, members: Members::List(list) }))?
        }
        None => (0..roster.len()).step_by(BLOCK).try_for_each(|first| {
            let end = roster.len().min(first + BLOCK);
            evaluate(Block { roster, members: Members::Range(first, end) })
        })?,
    }
    Ok(selected)
}

/// The members that can meet the condition at all, where an index tells and they are few.
fn narrow(filter: &Filter, roster: &Roster) -> Option<Vec<u32>> {
    let few = roster.len() / 8;
    let mut list: Vec<u32> = match filter {
        Filter::And(all) => return all.iter().find_map(|filter| narrow(filter, roster)),
        Filter::Id(ids) if ids.len() <= few => ids.iter().filter_map(|id| roster.find(id)).collect(),
        Filter::RoleId(ids) => {
            let roles: Vec<_> =
                ids.iter().filter_map(|id| roster.find_role(id)).map(|role| roster.role(role).members).collect();
            if roles.iter().map(|members| members.len()).sum::<usize>() > few {
                return None;
            }
            roles.concat()
        }
        _ => return None,
    };
    list.sort_unstable();
    Some(list)
}

/// At most `BLOCK` members.
struct Block<'r> {
    roster: &'r Roster,
    members: Members<'r>,
}

enum Members<'r> {
    /// All from an index up to another.
    Range(usize, usize),
    /// These indexes.
    List(&'r [u32]),
}

impl<'r> Block<'r> {
    fn len(&self) -> usize {
        match self.members {
            Members::Range(first, end) => end - first,
            Members::List(list) => list.len(),
        }
    }

    /// The index in the roster of the n-th member.
    fn index(&self, n: usize) -> u32 {
        match self.members {
            Members::Range(first, _) => u32::try_from(first + n).unwrap_or(u32::MAX),
            Members::List(list) => list[n],
        }
    }

    fn member(&self, n: usize) -> TeamMember<'r> {
        self.roster.member(self.index(n))
    }

    fn evaluate(&self, filter: &Filter) -> Bits {
        match filter {
            Filter::And(all) => {
                let mut bits = Bits::full(self.len());
                for filter in all {
                    bits.keep(&self.evaluate(filter));
                    if bits.is_empty() {
                        break;
                    }
                }
                bits
            }
            Filter::Or(any) => {
                let mut bits = Bits::EMPTY;
                any.iter().for_each(|filter| bits.add(&self.evaluate(filter)));
                bits
            }
            Filter::Not(filter) => {
                let mut bits = Bits::full(self.len());
                bits.remove(&self.evaluate(filter));
                bits
            }
            Filter::Id(ids) => self.test(|member| ids.contains(&member.id().plain())),
            Filter::RoleId(ids) => self.test(|member| member.role_id().is_some_and(|id| ids.contains(&id.plain()))),
            Filter::Name(condition) => {
                let text = |member: TeamMember<'_>| Some(member.name()?.plain().into_owned());
                self.text(condition, self.roster.folded_names(), text)
            }
            Filter::Email(condition) => {
                let text = |member: TeamMember<'_>| Some(member.contact()?.email()?.plain().into_owned());
                self.text(condition, self.roster.folded_emails(), text)
            }
            Filter::Type(any) => self.one_of(any.iter().map(|value| *value as u8), |m| Some(m.user_type()? as u8)),
            Filter::Status(any) => self.one_of(any.iter().map(|value| *value as u8), |m| Some(m.status()? as u8)),
            Filter::LiveAvailability(any) => {
                self.one_of(any.iter().map(|value| *value as u8), |m| Some(m.live_availability()? as u8))
            }
            Filter::LeadsVisibility(any) => {
                self.one_of(any.iter().map(|value| *value as u8), |m| Some(m.leads_visibility()? as u8))
            }
            Filter::UnreadMessages(condition) => {
                self.test(|member| member.unread_messages().is_some_and(|number| condition.matches(number)))
            }
            Filter::CreatedAt(condition) => {
                self.test(|member| member.created_at().is_some_and(|time| condition.matches(time.at)))
            }
            Filter::UpdatedAt(condition) => {
                self.test(|member| member.updated_at().is_some_and(|time| condition.matches(time.at)))
            }
            Filter::Whitelabel(value) => self.test(|member| member.whitelabel() == Some(*value)),
            Filter::Search(search) => self.search(search),
        }
    }

    fn test(&self, mut test: impl FnMut(TeamMember<'r>) -> bool) -> Bits {
        let mut bits = Bits::EMPTY;
        (0..self.len()).filter(|n| test(self.member(*n))).for_each(|n| bits.set(n));
        bits
    }

    /// The members whose value of an enum is among these.
    fn one_of(&self, values: impl Iterator<Item = u8>, value: impl Fn(TeamMember<'r>) -> Option<u8>) -> Bits {
        // Enums have few values, so a set of them is a number.
        let set = values.fold(0_u64, |set, value| set | 1 << value);
        self.test(|member| value(member).is_some_and(|value| set & 1 << value != 0))
    }

    fn text(
        &self,
        condition: &TextCondition,
        column: &FoldedColumn,
        text: impl Fn(TeamMember<'r>) -> Option<String>,
    ) -> Bits {
        let has_text = |n: usize| text(self.member(n)).is_some();
        match condition {
            TextCondition::In(set) => self.entries(column, |n, folded| {
                set.contains(folded, || text(self.member(n)).unwrap_or_default()) && (!folded.is_empty() || has_text(n))
            }),
            // Nothing is in every text, but not in a missing one, which a column does not tell from an empty one.
            TextCondition::Contains(needle) | TextCondition::StartsWith(needle) if needle.is_empty() => {
                self.test(|member| text(member).is_some())
            }
            TextCondition::Contains(needle) => self.containing(column, needle),
            TextCondition::StartsWith(needle) => self.entries(column, |_, folded| needle.starts(folded)),
        }
    }

    fn search(&self, search: &SearchText) -> Bits {
        let mut bits = Bits::EMPTY;
        if !search.needle.is_empty() {
            bits.add(&self.containing(self.roster.folded_names(), &search.needle));
            if search.contact {
                bits.add(&self.containing(self.roster.folded_emails(), &search.needle));
            }
        }
        for needle in &search.phone_needles {
            bits.add(&self.containing(self.roster.phone_forms(), needle));
        }
        bits
    }

    /// The members whose entry passes a test.
    fn entries(&self, column: &FoldedColumn, test: impl Fn(usize, &str) -> bool) -> Bits {
        let mut bits = Bits::EMPTY;
        (0..self.len()).filter(|n| test(*n, column.get(self.index(*n) as usize))).for_each(|n| bits.set(n));
        bits
    }

    /// The members whose entry has the needle in it.
    fn containing(&self, column: &FoldedColumn, needle: &Needle) -> Bits {
        match self.members {
            Members::Range(first, end) => {
                let mut bits = Bits::EMPTY;
                column.scan(needle, first, end, |index| bits.set(index - first));
                bits
            }
            Members::List(_) => self.entries(column, |_, folded| needle.is_in(folded)),
        }
    }
}

/// A set of members of a block, by their number in it.
struct Bits([u64; WORDS]);

impl Bits {
    const EMPTY: Self = Self([0; WORDS]);

    /// The first `length` numbers.
    fn full(length: usize) -> Self {
        Self(std::array::from_fn(|word| match length.saturating_sub(word * 64) {
            0 => 0,
            rest @ 1..64 => (1 << rest) - 1,
            _ => u64::MAX,
        }))
    }

    fn set(&mut self, n: usize) {
        self.0[n / 64] |= 1 << (n % 64);
    }

    fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    fn remove(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= !other);
    }

    fn is_empty(&self) -> bool {
        self.0 == [0; WORDS]
    }

    /// Calls `each` with the numbers in the set, ascending.
    fn each(&self, mut each: impl FnMut(usize)) {
        for (n, word) in self.0.iter().enumerate() {
            let mut word = *word;
            while word != 0 {
                each(n * 64 + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        }
    }
}
