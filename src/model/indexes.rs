//! The indexes that a roster builds from its members, once: folded texts to search, and ranks to sort by.
//! The room for all of it is part of the roster's size from the start. They are built on first use; one that a filter can do
//! without is built when it is asked for again. The request that needs one first may be cancelled while it is built; then
//! the next one builds it.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::cancellation::Cancelled;
use super::folded_text::{FoldedColumn, push_folded};
use super::member_test;
use super::phone_search::push_forms;
use super::ranks::{NameRanks, NumberRanks, Ranks, Whereabouts};
use super::recent_orders::RecentOrders;
use super::searches::{self, Searches};
use super::{JsonStr, TeamMember};

/// After so many members it is asked whether the work is still wanted.
const STRIDE: usize = 1000;

/// Members, in their order.
type MembersInOrder<'m, 'r> = &'m mut dyn Iterator<Item = TeamMember<'r>>;

/// Something that is worked out of all members, once.
pub(super) struct LazyIndex<T> {
    value: OnceLock<T>,
    /// Held while it is made, so that it is made once.
    building: Mutex<()>,
    /// Whether it has been asked for by a question that can be answered without it.
    was_asked: AtomicBool,
    build: for<'m, 'r> fn(MembersInOrder<'m, 'r>) -> T,
}

impl<T> LazyIndex<T> {
    fn new(build: for<'m, 'r> fn(MembersInOrder<'m, 'r>) -> T) -> Self {
        Self { value: OnceLock::new(), building: Mutex::default(), was_asked: AtomicBool::default(), build }
    }

    /// Whether it is there.
    pub(super) fn is_made(&self) -> bool {
        self.value.get().is_some()
    }

    /// The index, made to its end where it is not there yet.
    pub(super) fn get<'r>(&self, mut members: impl Iterator<Item = TeamMember<'r>>) -> &T {
        self.value.get_or_init(|| (self.build)(&mut members))
    }

    /// The index, for a question that can be answered without it: where it is there, or such a question was asked before. A question
    /// alone takes less than the index does.
    pub(super) fn get_again<'r>(
        &self,
        members: impl Iterator<Item = TeamMember<'r>>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<&T>, Cancelled> {
        if self.value.get().is_none() && !self.was_asked.swap(true, Ordering::Relaxed) {
            return Ok(None);
        }
        self.get_unless(members, cancelled).map(Some)
    }

    /// The index. Where it is not there yet, `cancelled` is asked after each thousand members.
    pub(super) fn get_unless<'r>(
        &self,
        members: impl Iterator<Item = TeamMember<'r>>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<&T, Cancelled> {
        if let Some(known) = self.value.get() {
            return Ok(known);
        }
        let _building = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        let stopped = Cell::new(false);
        let mut wanted = members.enumerate().map_while(|(n, member)| {
            stopped.set(stopped.get() || (n % STRIDE == 0 && cancelled()));
            (!stopped.get()).then_some(member)
        });
        match self.value.get() {
            Some(known) => Ok(known),
            None => {
                let built = (self.build)(&mut wanted);
                if stopped.get() { Err(Cancelled) } else { Ok(self.value.get_or_init(|| built)) }
            }
        }
    }
}

pub(super) struct Indexes {
    /// The names, folded for search.
    pub(super) names: LazyIndex<FoldedColumn>,
    /// The e-mail addresses, folded for search.
    pub(super) emails: LazyIndex<FoldedColumn>,
    /// The telephone numbers in the forms in which they are dialled.
    pub(super) phones: LazyIndex<FoldedColumn>,
    pub(super) name_ranks: LazyIndex<NameRanks>,
    /// Of the numbers of unread messages.
    pub(super) unread_ranks: LazyIndex<NumberRanks>,
    /// Of the times of creation, and of the last change.
    pub(super) created_ranks: LazyIndex<NumberRanks>,
    pub(super) updated_ranks: LazyIndex<NumberRanks>,
    /// The indexes of the values in their enums.
    pub(super) status_ranks: LazyIndex<Ranks>,
    pub(super) live_ranks: LazyIndex<Ranks>,
    pub(super) type_ranks: LazyIndex<Ranks>,
    pub(super) leads_ranks: LazyIndex<Ranks>,
    /// The indexes of their roles in the roster's list.
    pub(super) role_ranks: LazyIndex<Ranks>,
    /// False, then true.
    pub(super) whitelabel_ranks: LazyIndex<Ranks>,
    /// How many messages each member has not read; a missing number is zero.
    pub(super) unread: LazyIndex<Box<[i32]>>,
    pub(super) searches: Searches,
    pub(super) orders: RecentOrders,
}

impl Default for Indexes {
    fn default() -> Self {
        Self {
            names: LazyIndex::new(|members| folded(members, |member| member.name())),
            emails: LazyIndex::new(|members| folded(members, |member| member.contact()?.email())),
            phones: LazyIndex::new(phone_forms),
            name_ranks: LazyIndex::new(|members| NameRanks::of(members.map(|member| Some(member.name()?.plain())))),
            unread_ranks: LazyIndex::new(|members| NumberRanks::of(members.map(member_test::unread))),
            created_ranks: LazyIndex::new(|members| NumberRanks::of(members.map(member_test::created))),
            updated_ranks: LazyIndex::new(|members| NumberRanks::of(members.map(member_test::updated))),
            status_ranks: LazyIndex::new(|members| Ranks::of_indexes(members.map(member_test::status))),
            live_ranks: LazyIndex::new(|members| Ranks::of_indexes(members.map(member_test::live))),
            type_ranks: LazyIndex::new(|members| Ranks::of_indexes(members.map(member_test::user_type))),
            leads_ranks: LazyIndex::new(|members| Ranks::of_indexes(members.map(member_test::leads))),
            role_ranks: LazyIndex::new(|members| Ranks::of_indexes(members.map(member_test::role))),
            whitelabel_ranks: LazyIndex::new(|members| Ranks::of_indexes(members.map(member_test::whitelabel))),
            unread: LazyIndex::new(|members| members.map(|member| member.unread_messages().unwrap_or(0)).collect()),
            searches: Searches::default(),
            orders: RecentOrders::default(),
        }
    }
}

/// Room for what the indexes may hold of one member, in bytes. Folding makes plain letters of others and so shrinks most texts;
/// three times the length holds for all scripts, though not for a text of nothing but ligatures.
pub(super) fn room(member: TeamMember<'_>) -> usize {
    // Of three columns: where an entry ends, its hash, and its line feed.
    const OFFSETS: usize = 3 * (2 * size_of::<u32>() + 1);
    // Three of them with the numbers themselves.
    const RANKS: usize = 11 * size_of::<u32>() + 3 * size_of::<i64>() + size_of::<Whereabouts>();
    const SEARCHES: usize = searches::KEPT.div_ceil(8);
    let folded = |text: Option<JsonStr<'_>>| {
        text.map_or(0, |text| text.json().len() * if text.json().is_ascii() { 1 } else { 3 })
    };
    let contact = member.contact();
    let phone = contact.and_then(|contact| contact.phone());
    let digits = phone.map_or(0, |phone| {
        let length = |text: Option<JsonStr<'_>>| text.map_or(0, |text| text.json().len());
        3 * (2 + length(phone.prefix()) + length(phone.number()))
    });
    OFFSETS + RANKS + SEARCHES + folded(member.name()) + folded(contact.and_then(|contact| contact.email())) + digits
}

fn folded<'r>(members: MembersInOrder<'_, 'r>, text: impl Fn(TeamMember<'r>) -> Option<JsonStr<'r>>) -> FoldedColumn {
    FoldedColumn::build(members, |member, to| {
        if let Some(text) = text(member) {
            push_folded(&text.plain(), to);
        }
    })
}

fn phone_forms(members: MembersInOrder<'_, '_>) -> FoldedColumn {
    FoldedColumn::build(members, |member, to| {
        let phone = member.contact().and_then(|contact| contact.phone());
        let plain = |text: Option<JsonStr<'_>>| text.map_or(Cow::Borrowed(""), JsonStr::plain).into_owned();
        if let Some((prefix, number)) = phone.map(|phone| (plain(phone.prefix()), plain(phone.number()))) {
            push_forms(&prefix, &number, to);
        }
    })
}
