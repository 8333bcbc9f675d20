//! What a roster works out of its members on first use, once: folded texts to search, and ranks to sort by. The room for all of
//! it is part of the roster's size from the start.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::folded_text::{FoldedColumn, push_folded};
use super::phone_search::push_forms;
use super::ranks::{NameRanks, Ranks, Whereabouts};
use super::{JsonStr, Roster, TeamMember};

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

impl Roster {
    /// The names, folded for search.
    pub(super) fn folded_names(&self) -> &FoldedColumn {
        self.indexes.names.get_or_init(|| self.folded(|member| member.name()))
    }

    /// The e-mail addresses, folded for search.
    pub(super) fn folded_emails(&self) -> &FoldedColumn {
        self.indexes.emails.get_or_init(|| self.folded(|member| member.contact()?.email()))
    }

    /// The telephone numbers in the forms in which they are dialled.
    pub(super) fn phone_forms(&self) -> &FoldedColumn {
        self.indexes.phones.get_or_init(|| {
            FoldedColumn::build(self.members(), |member, to| {
                let phone = member.contact().and_then(|contact| contact.phone());
                let plain = |text: Option<JsonStr<'_>>| text.map_or(Cow::Borrowed(""), JsonStr::plain).into_owned();
                if let Some((prefix, number)) = phone.map(|phone| (plain(phone.prefix()), plain(phone.number()))) {
                    push_forms(&prefix, &number, to);
                }
            })
        })
    }

    pub(super) fn name_ranks(&self) -> &NameRanks {
        self.indexes.name_ranks.get_or_init(|| NameRanks::of(self.members().map(|member| Some(member.name()?.plain()))))
    }

    pub(super) fn unread_ranks(&self) -> &Ranks {
        self.indexes.unread_ranks.get_or_init(|| self.ranks(|member| Some(member.unread_messages()?.into())))
    }

    pub(super) fn created_ranks(&self) -> &Ranks {
        self.indexes.created_ranks.get_or_init(|| self.ranks(|member| Some(member.created_at()?.at.millis())))
    }

    pub(super) fn updated_ranks(&self) -> &Ranks {
        self.indexes.updated_ranks.get_or_init(|| self.ranks(|member| Some(member.updated_at()?.at.millis())))
    }

    fn folded<'r>(&'r self, text: impl Fn(TeamMember<'r>) -> Option<JsonStr<'r>>) -> FoldedColumn {
        FoldedColumn::build(self.members(), |member, to| {
            if let Some(text) = text(member) {
                push_folded(&text.plain(), to);
            }
        })
    }

    fn ranks<'r>(&'r self, value: impl Fn(TeamMember<'r>) -> Option<i64>) -> Ranks {
        Ranks::of_numbers(self.members().map(value))
    }
}
