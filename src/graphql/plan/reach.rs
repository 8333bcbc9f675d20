//! Reach: whether what is selected of a member or a role depends on more of the team than that member, or that role's members.
//!
//! A role's members, counts and groups are the role's own; `team`, the rows that could not be read, and where a cursor stands
//! are the whole list's. Of what tells when the list was read (`fetchedAt`, `generation`, `stale`) nothing depends on the team.

use super::plan::{
    ConnectionField, EdgeField, GroupKeyField, GroupResultField, ListSlot, MemberField, PlannedObject, RoleField,
};

impl PlannedObject<MemberField> {
    /// Whether it depends on more than the member. A role's id and account are the member's own.
    pub(in crate::graphql) fn reaches_beyond_member(&self) -> bool {
        let is_more = |field: &RoleField| !matches!(field, RoleField::Id | RoleField::Account(_));
        self.fields.iter().any(|item| match &item.field {
            MemberField::Team(_) => true,
            MemberField::Role(role) => role.fields.iter().any(|item| is_more(&item.field)),
            _ => false,
        })
    }

    /// Whether it depends on more than the members of the member's role.
    fn reaches_beyond_role(&self, lists: &[ListSlot]) -> bool {
        self.fields.iter().any(|item| match &item.field {
            MemberField::Team(_) => true,
            MemberField::Role(role) => role.reaches_beyond_role(lists),
            _ => false,
        })
    }
}

impl PlannedObject<RoleField> {
    /// Whether it depends on more than the role's members.
    pub(in crate::graphql) fn reaches_beyond_role(&self, lists: &[ListSlot]) -> bool {
        self.fields.iter().any(|item| match &item.field {
            RoleField::Team(_) => true,
            RoleField::Members { list, fields } => {
                let has_cursor = |slot: &ListSlot| slot.after.is_some() || slot.before.is_some();
                lists.get(*list).is_none_or(has_cursor) || fields.reaches_beyond_role(lists)
            }
            RoleField::Id | RoleField::Account(_) | RoleField::MemberCount => false,
        })
    }
}

impl PlannedObject<ConnectionField> {
    fn reaches_beyond_role(&self, lists: &[ListSlot]) -> bool {
        self.fields.iter().any(|item| match &item.field {
            ConnectionField::Nodes(member) => member.reaches_beyond_role(lists),
            ConnectionField::Edges(edge) => edge.fields.iter().any(|item| match &item.field {
                EdgeField::Node(member) => member.reaches_beyond_role(lists),
                EdgeField::Cursor => false,
            }),
            ConnectionField::Groups { fields, .. } => fields.fields.iter().any(|item| match &item.field {
                GroupResultField::Key(key) => key
                    .fields
                    .iter()
                    .any(|item| matches!(&item.field, GroupKeyField::Role(role) if role.reaches_beyond_role(lists))),
                GroupResultField::Count | GroupResultField::UnreadMessages => false,
            }),
            ConnectionField::SkippedRows { .. } => true,
            ConnectionField::PageInfo(_)
            | ConnectionField::TotalCount
            | ConnectionField::FetchedAt
            | ConnectionField::Stale => false,
        })
    }
}
