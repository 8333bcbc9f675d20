//! Resolving: the rosters that a plan's root fields read are loaded, all side by side.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use async_graphql::{Error, Result};
use smallvec::SmallVec;

use super::arguments::{ArgumentSlots, Arguments, RootArguments};
use super::changes::MemberChanges;
use super::entity_list::EntityList;
use crate::graphql::limits::RosterSize;
use crate::graphql::plan::plan::{Plan, PlannedField, RootField};
use crate::graphql::schema::{Session, View, Views};
use crate::model::{Account, Grant};

/// The data that a plan is written from.
pub(super) struct Resolved {
    /// Of each root field, in order.
    pub(super) roots: SmallVec<[RootData; 1]>,
    /// The arguments of its fields.
    pub(super) slots: ArgumentSlots,
    /// The accounts that were read, as arguments name them, in order.
    pub(super) accounts: SmallVec<[Option<Account>; 1]>,
    /// The team of each account.
    pub(super) views: Views,
}

pub(super) enum RootData {
    Failed(Error),
    /// `team`, `teamMembers` and `roles`.
    All(Arc<View>),
    /// `teamMember`, `role` and `node`.
    One(Arc<View>, String),
    Entities(EntityList<Arc<View>>),
    /// `teamChanges`.
    Changes(Arc<View>, MemberChanges),
    /// Nothing of a team.
    Meta,
}

pub(super) async fn resolve(plan: &Plan, arguments: Arguments, session: &Arc<Session>) -> Resolved {
    let slots = arguments.slots;
    let mut accounts =
        RequestedAccounts { session, asked: SmallVec::new(), indexes: HashMap::default(), grants: SmallVec::new() };
    let roots: SmallVec<[_; 1]> =
        plan.roots.fields.iter().zip(arguments.roots).map(|root| wanted(root, &slots, &mut accounts)).collect();
    let RequestedAccounts { asked, grants, .. } = accounts;
    let views = session.load_all(grants).await;
    let view = |index: usize| views[index].clone();
    let root = |wanted| match wanted {
        RootLookup::Failed(error) => RootData::Failed(error),
        RootLookup::Meta => RootData::Meta,
        RootLookup::All(index) => view(index).map_or_else(RootData::Failed, RootData::All),
        RootLookup::One(index, id) => view(index).map_or_else(RootData::Failed, |view| RootData::One(view, id)),
        RootLookup::Entities(list) => RootData::Entities(list.map(view)),
    };
    let roots = roots.into_iter().map(root).collect();
    Resolved { roots, slots, accounts: asked, views }
}

impl Resolved {
    /// Whether null may come where a field may not be null: what is around it has been written by then.
    pub(super) fn nulls_what_is_around(&self, plan: &Plan) -> bool {
        self.slots.refuses_more || self.fails_as_a_whole(plan)
    }

    /// Whether a root field failed that may not be null.
    fn fails_as_a_whole(&self, plan: &Plan) -> bool {
        let fails = |(item, data): (&PlannedField<RootField>, &RootData)| {
            matches!((&item.field, data), (RootField::Entities { .. }, RootData::Failed(_)))
        };
        plan.roots.fields.iter().zip(&self.roots).any(fails)
    }

    /// Calls `each` with how many rows of a root field are read from a roster of which size. What could not be loaded costs
    /// nothing.
    pub(super) fn sizes(&self, root: usize, each: &mut dyn FnMut(usize, RosterSize)) {
        match self.roots.get(root) {
            Some(RootData::All(view) | RootData::One(view, _) | RootData::Changes(view, _)) => each(1, size(view)),
            Some(RootData::Entities(list)) => {
                for (view, run) in list.by_team(0..list.len()) {
                    if let Some(view) = view {
                        each(run.len(), size(view));
                    }
                }
            }
            Some(RootData::Failed(_) | RootData::Meta) | None => {}
        }
    }
}

fn size(view: &View) -> RosterSize {
    let extent = view.roster.extent();
    RosterSize {
        members: view.roster.len(),
        roles: view.roster.roles_len(),
        largest_role: extent.largest_role,
        skipped_rows: view.roster.skipped_rows().len(),
        unrecognized: extent.unrecognized,
        list_items: extent.list_items,
    }
}

/// A root field and the indexes of the accounts that it reads.
enum RootLookup {
    Failed(Error),
    All(usize),
    One(usize, String),
    Entities(EntityList<usize>),
    Meta,
}

fn wanted(
    (item, arguments): (&PlannedField<RootField>, Result<RootArguments>),
    slots: &ArgumentSlots,
    accounts: &mut RequestedAccounts,
) -> RootLookup {
    let arguments = match arguments {
        Ok(arguments) => arguments,
        Err(error) => return RootLookup::Failed(error),
    };
    // Bad arguments are refused before anything is loaded.
    let refused = match &item.field {
        RootField::TeamMembers { list, .. } => slots.lists[*list].as_ref().err(),
        RootField::Roles { length, .. } => slots.lengths[*length].as_ref().err(),
        _ => None,
    };
    if let Some(error) = refused {
        return RootLookup::Failed(error.clone());
    }
    match arguments {
        RootArguments::Meta => RootLookup::Meta,
        RootArguments::All(account) => RootLookup::All(accounts.index_of(account)),
        RootArguments::One(id, account) => RootLookup::One(accounts.index_of(account), id),
        RootArguments::Entities(list) => RootLookup::Entities(list.map(|account| Ok(accounts.index_of(account)))),
    }
}

/// The accounts of one request, each once, in the order in which they are first asked for.
struct RequestedAccounts<'s> {
    session: &'s Session,
    asked: SmallVec<[Option<Account>; 1]>,
    /// Where they are in `asked`, but for the first: most requests have no other.
    indexes: HashMap<Option<Account>, usize, RandomState>,
    grants: SmallVec<[Result<Grant>; 1]>,
}

impl RequestedAccounts<'_> {
    fn index_of(&mut self, account: Option<Account>) -> usize {
        // Representations that follow each other mostly name the same one.
        if self.asked.last() == Some(&account) {
            return self.asked.len() - 1;
        }
        if self.asked.first() == Some(&account) {
            return 0;
        }
        if let Some(known) = self.indexes.get(&account) {
            return *known;
        }
        let index = self.asked.len();
        self.grants.push(self.session.grant(account.clone()));
        if index > 0 {
            self.indexes.insert(account.clone(), index);
        }
        self.asked.push(account);
        index
    }
}
