//! Projection of teams and roles: writes their selected fields as JSON, with the members and roles that they hold.

use std::sync::Arc;

use async_graphql::Pos;

use super::projector::{AnswerWriter, EntityKind};
use crate::graphql::json;
use crate::graphql::plan::plan::{ConnectionField, PlannedField, PlannedObject, RoleField, TeamField};
use crate::graphql::schema::View;

impl<'p> AnswerWriter<'p> {
    pub(super) fn team(&mut self, fields: &'p PlannedObject<TeamField>, view: &Arc<View>) {
        self.object(fields, |writer, item| match &item.field {
            TeamField::Account(fields) => writer.account(fields, view),
            TeamField::Members { list, fields } => writer.members(item, *list, fields, view, None),
            TeamField::Member { id, fields } => {
                let member = |writer: &mut Self, index| writer.member(fields, view, index);
                writer.lookup(item, *id, (view, EntityKind::Member), member);
            }
            TeamField::Roles { length, fields } => {
                writer.at(&item.key, |writer| writer.roles(fields, view, *length, item.pos));
            }
            TeamField::Role { id, fields } => {
                let role = |writer: &mut Self, index| writer.role(fields, view, index);
                writer.lookup(item, *id, (view, EntityKind::Role), role);
            }
            TeamField::FetchedAt => writer.fetched_at(view),
            TeamField::Stale => json::boolean(&mut writer.out, view.stale),
            TeamField::Generation => json::integer(&mut writer.out, view.generation().into()),
            TeamField::SkippedRows { length, fields } => {
                writer.at(&item.key, |writer| writer.skipped_rows(fields, view, *length, item.pos));
            }
            TeamField::ContactAccess => json::boolean(&mut writer.out, writer.terms.contact),
        });
    }

    pub(super) fn roles(&mut self, fields: &'p PlannedObject<RoleField>, view: &Arc<View>, length: usize, pos: Pos) {
        match &self.slots.lengths[length] {
            Ok(length) => {
                let roles = (0..).take(view.roster.roles_len().min(*length));
                self.array(roles, |writer, index| writer.role(fields, view, index));
            }
            Err(error) => self.fail(pos, error),
        }
    }

    pub(super) fn role(&mut self, fields: &'p PlannedObject<RoleField>, view: &Arc<View>, index: u32) {
        let role = view.roster.role(index);
        self.object(fields, |writer, item| match &item.field {
            RoleField::Id => json::raw(&mut writer.out, role.id.json()),
            RoleField::Account(fields) => writer.account(fields, view),
            RoleField::MemberCount => {
                json::integer(&mut writer.out, i32::try_from(role.members.len()).unwrap_or(i32::MAX).into());
            }
            RoleField::Members { list, fields } => writer.members(item, *list, fields, view, Some(index)),
            RoleField::Team(fields) => writer.at(&item.key, |writer| writer.team(fields, view)),
        });
    }

    /// The members of a team, or of the role at this index of it.
    fn members<F>(
        &mut self,
        item: &'p PlannedField<F>,
        slot: usize,
        fields: &'p PlannedObject<ConnectionField>,
        view: &Arc<View>,
        role: Option<u32>,
    ) {
        let list = &self.slots.lists[slot];
        self.at(&item.key, |writer| {
            let list = match list {
                Ok(list) => list,
                Err(error) => return writer.fail(item.pos, error),
            };
            match writer.page(slot, list, view, role) {
                Ok(page) => writer.connection(fields, view, list, &page, role),
                Err(error) => writer.fail(item.pos, &error),
            }
        });
    }

    /// Writes the entity that an identifier finds, or null.
    fn lookup<F>(
        &mut self,
        item: &'p PlannedField<F>,
        slot: usize,
        (view, kind): (&View, EntityKind),
        write: impl FnOnce(&mut Self, u32),
    ) {
        let id = &self.slots.ids[slot];
        self.at(&item.key, |writer| match id.as_ref().map(|id| writer.index_of(slot, id, view, kind)) {
            Ok(Some(index)) => write(writer, index),
            Ok(None) => json::null(&mut writer.out),
            Err(error) => writer.fail(item.pos, error),
        });
    }
}
