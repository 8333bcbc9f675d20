//! Which members meet a condition: evaluated in blocks of 1,024 members, condition by condition, as sets of bits.
//!
//! Numbers, times and enums are compared as ranks, column by column, and texts are scanned as one piece of memory. Between blocks
//! the caller may cancel.

use super::cancellation::Cancelled;
use super::compiled_filter::{Test, Texts};
use super::filter::Filter;
use super::folded_text::Needle;
use super::member_set::MemberSet;
use super::ranks::Ranks;
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
    let among = among.or(narrowed.as_deref());
    let test = Test::of(filter, roster, among.map_or(roster.len(), <[_]>::len), cancelled)?;
    let mut selected = Vec::new();
    let mut evaluate = |members: MemberIndexes<'_>| {
        if cancelled() {
            return Err(Cancelled);
        }
        let block = Block { roster, members };
        let bits = block.evaluate(&test);
        selected.reserve(bits.len());
        bits.each(|n| selected.push(block.index(n)));
        Ok(())
    };
    match among {
        Some(list) => list.chunks(BLOCK).try_for_each(|list| evaluate(MemberIndexes::List(list)))?,
        None => (0..roster.len()).step_by(BLOCK).try_for_each(|first| {
            let end = roster.len().min(first + BLOCK);
            evaluate(MemberIndexes::Range(first, end))
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
struct Block<'b, 'r> {
    roster: &'r Roster,
    members: MemberIndexes<'b>,
}

enum MemberIndexes<'b> {
    /// All from an index up to another; the first is a multiple of `BLOCK`.
    Range(usize, usize),
    /// These indexes.
    List(&'b [u32]),
}

impl<'r> Block<'_, 'r> {
    fn len(&self) -> usize {
        match self.members {
            MemberIndexes::Range(first, end) => end - first,
            MemberIndexes::List(list) => list.len(),
        }
    }

    /// The index in the roster of the n-th member.
    fn index(&self, n: usize) -> u32 {
        match self.members {
            MemberIndexes::Range(first, _) => u32::try_from(first + n).unwrap_or(u32::MAX),
            MemberIndexes::List(list) => list[n],
        }
    }

    fn member(&self, n: usize) -> TeamMember<'r> {
        self.roster.member(self.index(n))
    }

    fn evaluate(&self, test: &Test<'_, 'r>) -> Bits {
        match test {
            Test::All(tests) => {
                let mut bits = Bits::full(self.len());
                for test in tests {
                    match test {
                        // Only members that are left are looked at.
                        Test::OfMember(test) => bits.retain(|n| test.holds(self.member(n))),
                        test => bits.keep(&self.evaluate(test)),
                    }
                    if bits.is_empty() {
                        break;
                    }
                }
                bits
            }
            Test::Any(tests) => {
                let mut bits = Bits::EMPTY;
                tests.iter().for_each(|test| bits.add(&self.evaluate(test)));
                bits
            }
            Test::Not(test) => {
                let mut bits = Bits::full(self.len());
                bits.remove(&self.evaluate(test));
                bits
            }
            Test::Among(set) => self.among(set),
            Test::OfMember(test) => self.each(|n| test.holds(self.member(n))),
            Test::Ranked(ranks, range) => self.compare(ranks, |rank| (range.start <= rank) & (rank < range.end)),
            Test::OneOf(ranks, values) => self.compare(ranks, |rank| values >> (rank & 63) & 1 == 1),
            Test::In(texts, set) => self.each(|n| {
                let index = self.index(n) as usize;
                let text = || (texts.text)(self.member(n));
                set.may_contain(texts.column.hash(index))
                    && text().is_some_and(|text| set.contains(texts.column.get(index), text))
            }),
            Test::Contains(texts, needle) => self.containing(*texts, needle),
            Test::StartsWith(texts, needle) => self.each(|n| needle.starts(texts.column.from(self.index(n) as usize))),
            Test::Present(texts) => self.each(|n| texts.has(self.roster, self.index(n))),
            Test::Missing(texts) => self.each(|n| !texts.has(self.roster, self.index(n))),
        }
    }

    /// The members that pass a test.
    fn each(&self, test: impl Fn(usize) -> bool) -> Bits {
        let mut bits = Bits::EMPTY;
        (0..self.len()).filter(|n| test(*n)).for_each(|n| bits.set(n));
        bits
    }

    fn among(&self, set: &MemberSet) -> Bits {
        match self.members {
            MemberIndexes::Range(first, _) => {
                let mut bits = Bits::EMPTY;
                bits.0.iter_mut().zip(set.from(first)).for_each(|(word, members)| *word = *members);
                bits
            }
            MemberIndexes::List(list) => self.each(|n| set.contains(list[n])),
        }
    }

    /// The members whose rank passes a test.
    fn compare(&self, ranks: &Ranks, test: impl Fn(u32) -> bool) -> Bits {
        fn collect<'i>(ranks: &'i [u32], test: impl Fn(&'i u32) -> bool) -> Bits {
            let mut bits = Bits::EMPTY;
            for (word, ranks) in bits.0.iter_mut().zip(ranks.chunks(64)) {
                *word = ranks.iter().rev().fold(0, |word, rank| word << 1 | u64::from(test(rank)));
            }
            bits
        }
        match self.members {
            MemberIndexes::Range(first, end) => collect(ranks.slice(first, end), |rank| test(*rank)),
            MemberIndexes::List(list) => collect(list, |index| test(ranks.get(*index))),
        }
    }

    /// The members whose folded text has the needle in it.
    fn containing(&self, texts: Texts<'_>, needle: &Needle) -> Bits {
        match self.members {
            MemberIndexes::Range(first, end) => {
                let mut bits = Bits::EMPTY;
                texts.column.scan(needle, first, end, |index| bits.set(index - first));
                bits
            }
            MemberIndexes::List(_) => self.each(|n| needle.is_in(texts.column.get(self.index(n) as usize))),
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

    /// Leaves those for which `keep` holds.
    fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        for (n, word) in self.0.iter_mut().enumerate() {
            let mut left = *word;
            while left != 0 {
                if !keep(n * 64 + left.trailing_zeros() as usize) {
                    *word &= !(left & left.wrapping_neg());
                }
                left &= left - 1;
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    fn remove(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= !other);
    }

    fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
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
