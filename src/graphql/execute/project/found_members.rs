//! The results of an answer's lists: the members that meet a list's conditions, found once for all lists that have the
//! same.
//!
//! Where lists of several roles have the same conditions, these are looked for in the whole team once, and each role takes its
//! part: a team is looked through in the order in which it lies in memory, several times as fast as one role after the other.

use std::collections::HashMap;

use async_graphql::Result;

use crate::graphql::error::{Code, fault};
use crate::graphql::first_map::FirstMap;
use crate::graphql::schema::{PreparedList, View};
use crate::model::{Cancellation, Filter};

/// Whose rows a list has: a team's, or those of the role at this index of it.
pub(super) type ListRows = (*const View, Option<u32>);

/// A whole team is looked through where the roles that were asked about have one member of so many.
const WHOLE_TEAM: usize = 8;

#[derive(Default)]
pub(super) struct FoundMembers {
    /// By conditions and rows, whatever the lists' orders and lengths.
    known: FirstMap<(Option<*const Filter>, ListRows), Vec<u32>>,
    /// How many members of roles were looked through for conditions, and will be by the next list.
    looked_through: HashMap<(*const Filter, *const View), usize>,
}

impl FoundMembers {
    /// The members that the list's page, and its groups, are made of, ascending.
    pub(super) fn get(
        &mut self,
        list: &PreparedList,
        view: &View,
        role: Option<u32>,
        cancellation: &Cancellation,
    ) -> Result<&[u32]> {
        let key = (list.conditions(), (std::ptr::from_ref(view), role));
        if self.known.get(&key).is_none() {
            self.find(list, view, role, cancellation)?;
        }
        Ok(self.known.get(&key).map_or(&[], Vec::as_slice))
    }

    fn find(&mut self, list: &PreparedList, view: &View, role: Option<u32>, cancellation: &Cancellation) -> Result<()> {
        let (conditions, team) = (list.conditions(), std::ptr::from_ref(view));
        let members = role.map(|index| view.roster.role(index));
        if let (Some(filter), Some(role)) = (conditions, &members) {
            let looked_through = self.looked_through.entry((filter, team)).or_default();
            *looked_through += role.members.len();
            let is_whole = *looked_through >= view.roster.len() / WHOLE_TEAM;
            if is_whole || self.known.get(&(conditions, (team, None))).is_some() {
                self.find_for_all_roles(list, view, cancellation)?;
            }
        }
        if self.known.get(&(conditions, (team, role))).is_none() {
            let found = list.matching(view, members, cancellation)?;
            self.known.insert((conditions, (team, role)), found);
        }
        Ok(())
    }

    fn find_for_all_roles(&mut self, list: &PreparedList, view: &View, cancellation: &Cancellation) -> Result<()> {
        let (conditions, team) = (list.conditions(), std::ptr::from_ref(view));
        let whole = self.get(list, view, None, cancellation)?;
        let by_role = view.roster.by_role(whole, &|| cancellation.check().is_err());
        let by_role = by_role.map_err(|error| fault(Code::RequestTimeout, error))?;
        for (index, members) in (0..).zip(by_role) {
            self.known.insert((conditions, (team, Some(index))), members);
        }
        Ok(())
    }
}
