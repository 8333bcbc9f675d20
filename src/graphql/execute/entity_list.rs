//! The entities that a list of representations refers to. Most lists have the members of few teams, so what representations have in
//! common apart from their ids is read and looked up once, and the ids lie in one text.

use std::ops::Range;
use std::sync::Arc;

use async_graphql::Result;

use crate::graphql::schema::{EntityType, View};

/// Entities in the order of their representations. `T` is where those of one kind are found: first the account that was named, then
/// its place among the request's accounts, then its team.
pub(super) struct EntityList<T> {
    ids: String,
    items: Vec<Item>,
    kinds: Vec<Result<(EntityType, T)>>,
}

struct Item {
    kind: usize,
    /// Where its id ends, which begins where that of the item before ends.
    end: usize,
}

/// One of a list.
pub(super) struct ListedEntity<'l, T> {
    /// What its kind is and where it is found, or why it cannot be answered.
    pub(super) kind: &'l Result<(EntityType, T)>,
    /// Empty where it needs none.
    pub(super) id: &'l str,
}

impl<T> EntityList<T> {
    /// An empty list, with room for so many.
    pub(super) fn with_capacity(entities: usize) -> Self {
        Self { ids: String::new(), items: Vec::with_capacity(entities), kinds: Vec::new() }
    }

    /// Adds a kind, unless it is the one that was added last, and says which it is.
    pub(super) fn kind(&mut self, kind: Result<(EntityType, T)>) -> usize
    where
        T: PartialEq,
    {
        if !matches!((self.kinds.last(), &kind), (Some(Ok(last)), Ok(kind)) if last == kind) {
            self.kinds.push(kind);
        }
        self.kinds.len() - 1
    }

    /// Adds an entity of a kind that is there.
    pub(super) fn push(&mut self, kind: usize, id: &str) {
        self.ids.push_str(id);
        self.items.push(Item { kind, end: self.ids.len() });
    }

    /// The kind that was added last.
    pub(super) fn last_kind(&self) -> Option<&Result<(EntityType, T)>> {
        self.kinds.last()
    }

    /// The same entities, with each kind found elsewhere.
    pub(super) fn map<U>(self, mut place: impl FnMut(T) -> Result<U>) -> EntityList<U> {
        let mut kind = |(kind, found): (EntityType, T)| Ok((kind, place(found)?));
        let kinds = self.kinds.into_iter().map(|known| known.and_then(&mut kind)).collect();
        EntityList { ids: self.ids, items: self.items, kinds }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = ListedEntity<'_, T>> {
        (0..self.items.len()).map(|n| self.entity(n))
    }

    pub(super) fn entity(&self, n: usize) -> ListedEntity<'_, T> {
        let start = n.checked_sub(1).map_or(0, |before| self.items[before].end);
        let item = &self.items[n];
        ListedEntity { kind: &self.kinds[item.kind], id: &self.ids[start..item.end] }
    }
}

impl EntityList<Arc<View>> {
    /// The entities of a range, as far as they follow each other in one team; `None` is the team of those that have none.
    pub(super) fn by_team(&self, range: Range<usize>) -> impl Iterator<Item = (Option<&Arc<View>>, Range<usize>)> {
        let team = |item: &Item| self.kinds[item.kind].as_ref().ok().map(|(_, view)| view);
        let is_one = move |a: &Item, b: &Item| a.kind == b.kind || team(a).map(Arc::as_ptr) == team(b).map(Arc::as_ptr);
        let mut start = range.start;
        self.items[range].chunk_by(is_one).map(move |run| {
            let range = start..start + run.len();
            start = range.end;
            (team(&run[0]), range)
        })
    }
}
