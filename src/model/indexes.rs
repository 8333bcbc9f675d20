//! What a roster works out of its members on first use, once: folded texts to search, and ranks to sort by. The room for all of
//! it is part of the roster's size from the start.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::folded_text::{FoldedColumn, push_folded};
use super::phone_search::push_forms;
use super::ranks::{NameRanks, Ranks, Whereabouts};
use super::{JsonStr, TeamMember};

#[derive(Default)]
pub(super) struct Indexes {
    names: OnceLock<FoldedColumn>,
    emails: OnceLock<FoldedColumn>,
    phones: OnceLock<FoldedColumn>,
    name_ranks: OnceLock<NameRanks>,
    unread_ranks: OnceLock<Ranks>,
    created_ranks: OnceLock<Ranks>,
    updated_ranks: OnceLock<Ranks>,
}

/// Room for what the indexes may hold of one member, in bytes. Folding makes plain letters of others and so shrinks most texts;
/// three times the length holds for all scripts, though not for a text of nothing but ligatures.
pub(super) fn room(member: TeamMember<'_>) -> usize {
    const OFFSETS: usize = 3 * (size_of::<u32>() + 1);
    const RANKS: usize = 4 * size_of::<u32>() + size_of::<Whereabouts>();
    let folded = |text: Option<JsonStr<'_>>| {
        text.map_or(0, |text| text.json().len() * if text.json().is_ascii() { 1 } else { 3 })
    };
    let contact = member.contact();
    let phone = contact.and_then(|contact| contact.phone());
    let digits = phone.map_or(0, |phone| {
        let length = |text: Option<JsonStr<'_>>| text.map_or(0, |text| text.json().len());
        3 * (2 + length(phone.prefix()) + length(phone.number()))
    });
    OFFSETS + RANKS + folded(member.name()) + folded(contact.and_then(|contact| contact.email())) + digits
}

impl Indexes {
    /// The names, folded for search.
    pub(super) fn folded_names<'r, M: Iterator<Item = TeamMember<'r>>>(
        &self,
        members: impl FnOnce() -> M,
    ) -> &FoldedColumn {
        self.names.get_or_init(|| folded(members(), |member| member.name()))
    }

    /// The e-mail addresses, folded for search.
    pub(super) fn folded_emails<'r, M: Iterator<Item = TeamMember<'r>>>(
        &self,
        members: impl FnOnce() -> M,
    ) -> &FoldedColumn {
        self.emails.get_or_init(|| folded(members(), |member| member.contact()?.email()))
    }

    /// The telephone numbers in the forms in which they are dialled.
    pub(super) fn phone_forms<'r, M: Iterator<Item = TeamMember<'r>>>(
        &self,
        members: impl FnOnce() -> M,
    ) -> &FoldedColumn {
        self.phones.get_or_init(|| {
            FoldedColumn::build(members(), |member: TeamMember<'r>, to| {
                let phone = member.contact().and_then(|contact| contact.phone());
                let plain = |text: Option<JsonStr<'_>>| text.map_or(Cow::Borrowed(""), JsonStr::plain).into_owned();
                if let Some((prefix, number)) = phone.map(|phone| (plain(phone.prefix()), plain(phone.number()))) {
                    push_forms(&prefix, &number, to);
                }
            })
        })
    }

    /// The ranks of the names.
    pub(super) fn name_ranks<'r, M: Iterator<Item = TeamMember<'r>>>(&self, members: impl FnOnce() -> M) -> &NameRanks {
        self.name_ranks.get_or_init(|| NameRanks::of(members().map(|member| Some(member.name()?.plain()))))
    }

    /// The ranks of the numbers of unread messages.
    pub(super) fn unread_ranks<'r, M: Iterator<Item = TeamMember<'r>>>(&self, members: impl FnOnce() -> M) -> &Ranks {
        let number = |member: TeamMember<'r>| Some(member.unread_messages()?.into());
        self.unread_ranks.get_or_init(|| Ranks::of_numbers(members().map(number)))
    }

    /// The ranks of the times of creation.
    pub(super) fn created_ranks<'r, M: Iterator<Item = TeamMember<'r>>>(&self, members: impl FnOnce() -> M) -> &Ranks {
        let number = |member: TeamMember<'r>| Some(member.created_at()?.at.millis());
        self.created_ranks.get_or_init(|| Ranks::of_numbers(members().map(number)))
    }

    /// The ranks of the times of the last change.
    pub(super) fn updated_ranks<'r, M: Iterator<Item = TeamMember<'r>>>(&self, members: impl FnOnce() -> M) -> &Ranks {
        let number = |member: TeamMember<'r>| Some(member.updated_at()?.at.millis());
        self.updated_ranks.get_or_init(|| Ranks::of_numbers(members().map(number)))
    }
}

fn folded<'r>(
    members: impl Iterator<Item = TeamMember<'r>>,
    text: impl Fn(TeamMember<'r>) -> Option<JsonStr<'r>>,
) -> FoldedColumn {
    FoldedColumn::build(members, |member, to| {
        if let Some(text) = text(member) {
            push_folded(&text.plain(), to);
        }
    })
}
