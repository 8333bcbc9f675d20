//! Projection of groups: writes the groups of a list's members as JSON. Equal groups are counted once.

use std::sync::Arc;

use async_graphql::{Pos, Result};

use super::projector::AnswerWriter;
use crate::graphql::json;
use crate::graphql::plan::plan::{GroupKeyField, GroupResultField, PlannedObject};
use crate::graphql::schema::{PreparedList, View, int, sum};
use crate::model::{Group, GroupKey};

impl<'p> AnswerWriter<'p> {
    /// Groups are the same wherever the answer shows them.
    pub(super) fn groups(
        &mut self,
        fields: &'p PlannedObject<GroupResultField>,
        view: &Arc<View>,
        list: &PreparedList,
        role: Option<u32>,
        (slot, pos): (usize, Pos),
    ) {
        let key = (slot, (Arc::as_ptr(view), role));
        let groups = match self.groups.get(&key) {
            Some(known) => known.clone(),
            None => {
                let groups = self.count(list, view, role, slot);
                self.groups.insert(key, groups.clone());
                groups
            }
        };
        let groups = match groups {
            Ok(groups) => groups,
            Err(error) => return self.fail(pos, &error),
        };
        self.array(&*groups, |writer, group| {
            writer.object(fields, |writer, item| match &item.field {
                GroupResultField::Key(fields) => {
                    writer.at(&item.key, |writer| writer.group_key(fields, view, group.key))
                }
                GroupResultField::Count => json::integer(&mut writer.out, int(group.count).into()),
                GroupResultField::UnreadMessages => json::integer(&mut writer.out, sum(group.unread_messages).into()),
            });
        });
    }

    fn count(&mut self, list: &PreparedList, view: &View, role: Option<u32>, slot: usize) -> Result<Arc<[Group]>> {
        let groups = self.slots.groups[slot].as_ref().map_err(Clone::clone)?;
        let found = self.found.get(list, view, role, self.cancellation)?;
        Ok(PreparedList::groups_of(found, view, groups, self.cancellation)?.into())
    }

    fn group_key(&mut self, fields: &'p PlannedObject<GroupKeyField>, view: &Arc<View>, key: GroupKey) {
        self.object(fields, |writer, item| {
            let name = match &item.field {
                GroupKeyField::Type => key.user_type.map(|value| value.json()),
                GroupKeyField::Status => key.status.map(|value| value.json()),
                GroupKeyField::LiveAvailability => key.live_availability.map(|value| value.json()),
                GroupKeyField::LeadsVisibility => key.leads_visibility.map(|value| value.json()),
                GroupKeyField::Whitelabel => key.whitelabel.map(|truth| if truth { "true" } else { "false" }),
                GroupKeyField::Role(fields) => {
                    return match key.role {
                        Some(index) => writer.at(&item.key, |writer| writer.role(fields, view, index)),
                        None => json::null(&mut writer.out),
                    };
                }
            };
            match name {
                Some(name) => json::raw(&mut writer.out, name),
                None => json::null(&mut writer.out),
            }
        });
    }
}
