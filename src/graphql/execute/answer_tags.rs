//! The cache tags of an answer: the names of what it was made from, for caches in front of the service.
//!
//! They follow from the plan and the rosters, whichever way the answer is written. Invariant: when a later snapshot of a team
//! makes another answer, one of the names of what differs (`TeamDifference`) is among them. An answer that has more names than
//! are allowed has none, and may not be kept.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::Result;
use serde::{Serialize, Serializer};

use super::entity_list::ListedEntity;
use super::lookups::{Resolved, RootData};
use crate::config;
use crate::graphql::plan::plan::{Plan, RootField};
use crate::graphql::schema::{EntityType, View};
use crate::model::{AccountTags, CacheTag, CacheTagKey};

/// The length of the punctuation around a name in a list of lists, in bytes.
const AROUND_TAG: usize = "\"\",[]".len();
/// The length of the text around both lists, in bytes.
const AROUND: usize = 128;

/// Finds the tags of answers.
pub(super) struct Tagging {
    pub(super) key: Arc<CacheTagKey>,
    pub(super) settings: config::CacheTagsConfig,
}

/// The tags of an answer, and where in it they are to stand.
#[derive(Clone)]
pub(super) struct TagsBeside {
    pub(super) tags: Arc<AnswerTags>,
    pub(super) in_extensions: bool,
    pub(super) in_header: bool,
    /// How long the answer may be, in bytes.
    pub(super) limit: usize,
}

/// The names of what an answer was made from.
#[derive(Debug, Default)]
pub(super) struct AnswerTags {
    /// Of its root fields, each once.
    pub(super) roots: Vec<CacheTag>,
    /// Of each representation, in order, where one field of the answer is `_entities`.
    pub(super) entities: Option<Vec<EntityTags>>,
    /// Whether there are more of them than are allowed, so that none is here.
    pub(super) is_cut: bool,
}

/// The names of what an entity was made from: of its account, of itself, and of the team where it shows more of that. None where
/// there is an error in its place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EntityTags([Option<CacheTag>; 3]);

impl Serialize for EntityTags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().flatten())
    }
}

impl Tagging {
    /// The tags of the answer to a plan.
    pub(super) fn tags(&self, plan: &Plan, resolved: &Resolved) -> AnswerTags {
        let least = |data: &RootData| if let RootData::Entities(list) = data { list.len() } else { 1 };
        if resolved.roots.iter().map(least).sum::<usize>() > self.settings.limit {
            return AnswerTags::cut();
        }
        let mut finder =
            Finder { key: &self.key, plan, accounts: HashMap::new(), roots: Vec::new(), entities: Vec::new() };
        for (item, data) in plan.roots.fields.iter().zip(&resolved.roots) {
            finder.root(&item.field, data);
        }
        let Finder { mut roots, mut entities, .. } = finder;
        // Which of several fields a list belongs to, no router could tell.
        let entities = if entities.len() > 1 {
            roots.extend(entities.drain(..).flatten().flat_map(|tags| tags.0).flatten());
            None
        } else {
            entities.pop()
        };
        roots.sort_unstable();
        roots.dedup();
        let tags = AnswerTags { roots, entities, is_cut: false };
        if tags.len() > self.settings.limit { AnswerTags::cut() } else { tags }
    }
}

impl TagsBeside {
    /// Whether there is room for them beside so many bytes of an answer.
    pub(super) fn fit(&self, written: usize) -> bool {
        !self.tags.is_cut && (!self.in_extensions || written.saturating_add(self.tags.written_length()) <= self.limit)
    }

    /// Those of root fields, and those of each entity.
    pub(super) fn extensions(&self) -> (&[CacheTag], Option<&[EntityTags]>) {
        if self.in_extensions { (&self.tags.roots, self.tags.entities.as_deref()) } else { (&[], None) }
    }

    /// Every name, for the header.
    pub(super) fn header(self) -> Vec<CacheTag> {
        if self.in_header { self.tags.all().collect() } else { Vec::new() }
    }
}

impl AnswerTags {
    fn cut() -> Self {
        Self { is_cut: true, ..Self::default() }
    }

    /// Every name, some of them more than once.
    pub(super) fn all(&self) -> impl Iterator<Item = CacheTag> {
        let entities = self.entities.iter().flatten().flat_map(|tags| tags.0).flatten();
        self.roots.iter().copied().chain(entities)
    }

    fn len(&self) -> usize {
        self.all().count()
    }

    /// The most bytes that they take in an answer.
    pub(super) fn written_length(&self) -> usize {
        let lists = self.entities.as_ref().map_or(0, Vec::len);
        AROUND + (self.len() + lists) * (CacheTag::MAX_LENGTH + AROUND_TAG)
    }

    /// The memory that they hold, in bytes.
    pub(super) fn size(&self) -> usize {
        let entities = self.entities.as_ref().map_or(0, |list| size_of_val(&**list));
        size_of::<Self>() + size_of_val(&*self.roots) + entities
    }
}

struct Finder<'f> {
    key: &'f CacheTagKey,
    plan: &'f Plan,
    /// Of each view of a roster.
    accounts: HashMap<*const View, AccountTags>,
    roots: Vec<CacheTag>,
    /// Of each `_entities`.
    entities: Vec<Vec<EntityTags>>,
}

impl Finder<'_> {
    fn root(&mut self, field: &RootField, data: &RootData) {
        let lists = &self.plan.lists;
        match (field, data) {
            (_, RootData::All(view) | RootData::Changes(view, _)) => {
                let of = self.of(view);
                let tags = [of.account, of.team];
                self.roots.extend(tags);
            }
            (RootField::TeamMember { fields, .. }, RootData::One(view, id)) => {
                let team = fields.reaches_beyond_member();
                self.one(view, team, |of| vec![of.member(id)]);
            }
            (RootField::Role { fields, .. }, RootData::One(view, id)) => {
                let team = fields.reaches_beyond_role(lists);
                self.one(view, team, |of| vec![of.role(id)]);
            }
            // A member comes before a role of the same id.
            (RootField::Node { member, role, .. }, RootData::One(view, id)) => {
                let team = member.reaches_beyond_member() || role.reaches_beyond_role(lists);
                self.one(view, team, |of| vec![of.member(id), of.role(id)]);
            }
            (RootField::Entities { member, role, .. }, RootData::Entities(list)) => {
                let reach = (member.reaches_beyond_member(), role.reaches_beyond_role(lists));
                let tags = list.iter().map(|entity| self.entity(entity, reach)).collect();
                self.entities.push(tags);
            }
            // Nothing of a team, or an error, with which no answer is kept.
            _ => {}
        }
    }

    fn one(&mut self, view: &Arc<View>, team: bool, own: impl FnOnce(&AccountTags) -> Vec<CacheTag>) {
        let of = self.of(view);
        let mut tags = own(of);
        tags.push(of.account);
        tags.extend(team.then_some(of.team));
        self.roots.extend(tags);
    }

    fn entity(
        &mut self,
        ListedEntity { kind, id }: ListedEntity<'_, Arc<View>>,
        (member, role): (bool, bool),
    ) -> EntityTags {
        let Ok((entity, view)) = kind else { return EntityTags::default() };
        let of = self.of(view);
        let (own, team) = match entity {
            EntityType::TeamMember => (Some(of.member(id)), member),
            EntityType::Role => (Some(of.role(id)), role),
            EntityType::Team => (None, true),
        };
        EntityTags([Some(of.account), own, team.then_some(of.team)])
    }

    fn of(&mut self, view: &Arc<View>) -> &AccountTags {
        self.accounts.entry(Arc::as_ptr(view)).or_insert_with(|| self.key.account(view.account()))
    }
}
