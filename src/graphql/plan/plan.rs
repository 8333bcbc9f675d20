//! Plans: an operation as what is to be written, in order, with every name already in JSON.
//!
//! A plan is made once (by `planner`) for an operation and the values of its conditions; the projection writes by it. It
//! knows every field of the schema's data, and what the operation costs.

use std::sync::OnceLock;

use async_graphql::Pos;

use super::personal_data::PersonalData;
use crate::graphql::json::JsonPiece;
use crate::graphql::limits::{ArgumentId, OperationArguments, OperationCost};
use crate::model::ScalarField;

/// The plan of an operation's answer.
#[derive(Debug)]
pub(in crate::graphql) struct Plan {
    pub(in crate::graphql) roots: PlannedObject<RootField>,
    /// Every list in it.
    pub(in crate::graphql) lists: Vec<ListSlot>,
    /// The lengths of lists that have no pages.
    pub(in crate::graphql) lengths: Vec<LengthSlot>,
    pub(in crate::graphql) groups: Vec<GroupSlot>,
    /// The identifiers that fields below the root look up.
    pub(in crate::graphql) ids: Vec<Argument>,
    /// The distinct arguments of all its fields.
    pub(in crate::graphql) arguments: OperationArguments,
    pub(in crate::graphql) cost: OperationCost,
    /// The personal data that its fields show, and what they find people by; its values may find by more. Collected when an audit
    /// log wants it first.
    pub(in crate::graphql) personal_data: OnceLock<Box<[PersonalData]>>,
    /// Memory held, in bytes, without what belongs to the document.
    pub(in crate::graphql) size: usize,
}

impl Plan {
    /// Whether all of it is plain data, which the projection can write. The engine executes everything else.
    pub(in crate::graphql) fn is_projectable(&self) -> bool {
        !self.roots.fields.iter().any(|item| matches!(item.field, RootField::Meta))
    }

    /// Whether it finds, sorts or counts members by what a roster works out of them on first use.
    pub(in crate::graphql) fn uses_indexes(&self) -> bool {
        let has_conditions = |list: &ListSlot| list.search.or(list.filter).or(list.order_by).is_some();
        !self.groups.is_empty() || self.lists.iter().any(has_conditions)
    }
}

/// An object's fields. What stands between two values that differ from object to object is one piece of text.
#[derive(Debug)]
pub(in crate::graphql) struct PlannedObject<F> {
    pub(in crate::graphql) fields: Vec<PlannedField<F>>,
    /// The text after the last of them.
    pub(in crate::graphql) tail: JsonPiece,
}

/// A field of an object.
#[derive(Debug)]
pub(in crate::graphql) struct PlannedField<F> {
    /// The text before its value: a bracket or comma, its key and a colon.
    pub(in crate::graphql) head: JsonPiece,
    pub(in crate::graphql) key: Box<str>,
    pub(in crate::graphql) pos: Pos,
    pub(in crate::graphql) field: F,
}

/// An argument of a field, where the field has it.
pub(in crate::graphql) type Argument = Option<ArgumentId>;

/// The arguments of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graphql) struct ListSlot {
    pub(in crate::graphql) search: Argument,
    pub(in crate::graphql) filter: Argument,
    pub(in crate::graphql) order_by: Argument,
    pub(in crate::graphql) first: Argument,
    pub(in crate::graphql) after: Argument,
    pub(in crate::graphql) last: Argument,
    pub(in crate::graphql) before: Argument,
}

/// The arguments of a list's groups.
#[derive(Clone, Copy, Debug)]
pub(in crate::graphql) struct GroupSlot {
    pub(in crate::graphql) by: Argument,
    pub(in crate::graphql) order_by: Argument,
    pub(in crate::graphql) first: Argument,
}

/// The length of a list that has no pages.
#[derive(Clone, Copy, Debug)]
pub(in crate::graphql) struct LengthSlot {
    pub(in crate::graphql) first: Argument,
    /// Whether a length that is refused takes what is around the list with it.
    pub(in crate::graphql) is_non_null: bool,
}

#[derive(Debug)]
pub(in crate::graphql) enum RootField {
    Team {
        account: Argument,
        fields: PlannedObject<TeamField>,
    },
    TeamMembers {
        account: Argument,
        list: usize,
        fields: PlannedObject<ConnectionField>,
    },
    TeamMember {
        id: Argument,
        account: Argument,
        fields: PlannedObject<MemberField>,
    },
    Roles {
        account: Argument,
        length: usize,
        fields: PlannedObject<RoleField>,
    },
    Role {
        id: Argument,
        account: Argument,
        fields: PlannedObject<RoleField>,
    },
    Node {
        id: Argument,
        member: PlannedObject<MemberField>,
        role: PlannedObject<RoleField>,
    },
    Entities {
        representations: Argument,
        member: PlannedObject<MemberField>,
        role: PlannedObject<RoleField>,
        team: PlannedObject<TeamField>,
    },
    /// Of a subscription: what has changed since the event before.
    TeamChanges {
        account: Argument,
        fields: PlannedObject<TeamChangesField>,
    },
    /// A field that reads no team, which the engine answers: about the schema itself, or a mutation.
    Meta,
}

#[derive(Debug)]
pub(in crate::graphql) enum TeamChangesField {
    Team(PlannedObject<TeamField>),
    Upserted(PlannedObject<MemberField>),
    RemovedIds,
    Reset,
}

#[derive(Debug)]
pub(in crate::graphql) enum TeamField {
    Account(PlannedObject<AccountField>),
    Members { list: usize, fields: PlannedObject<ConnectionField> },
    Member { id: usize, fields: PlannedObject<MemberField> },
    Roles { length: usize, fields: PlannedObject<RoleField> },
    Role { id: usize, fields: PlannedObject<RoleField> },
    FetchedAt,
    Stale,
    Generation,
    SkippedRows { length: usize, fields: PlannedObject<SkippedRowField> },
    ContactAccess,
}

#[derive(Debug)]
pub(in crate::graphql) enum ConnectionField {
    Nodes(PlannedObject<MemberField>),
    Edges(PlannedObject<EdgeField>),
    PageInfo(PlannedObject<PageInfoField>),
    TotalCount,
    Groups { groups: usize, fields: PlannedObject<GroupResultField> },
    FetchedAt,
    Stale,
    SkippedRows { length: usize, fields: PlannedObject<SkippedRowField> },
}

#[derive(Debug)]
pub(in crate::graphql) enum GroupResultField {
    Key(PlannedObject<GroupKeyField>),
    Count,
    UnreadMessages,
}

#[derive(Debug)]
pub(in crate::graphql) enum GroupKeyField {
    Type,
    Status,
    LiveAvailability,
    LeadsVisibility,
    Role(PlannedObject<RoleField>),
    Whitelabel,
}

#[derive(Debug)]
pub(in crate::graphql) enum EdgeField {
    Cursor,
    Node(PlannedObject<MemberField>),
}

#[derive(Debug)]
pub(in crate::graphql) enum PageInfoField {
    HasNextPage,
    HasPreviousPage,
    StartCursor,
    EndCursor,
}

#[derive(Debug)]
pub(in crate::graphql) enum SkippedRowField {
    Index,
    Reason,
}

#[derive(Debug)]
pub(in crate::graphql) enum MemberField {
    Id,
    Scalar(ScalarField),
    Account(PlannedObject<AccountField>),
    Contact(PlannedObject<ContactField>),
    Role(PlannedObject<RoleField>),
    Team(PlannedObject<TeamField>),
    AgencyId,
    Unrecognized(PlannedObject<UnrecognizedEntryField>),
}

#[derive(Debug)]
pub(in crate::graphql) enum AccountField {
    Email,
    Type,
}

#[derive(Debug)]
pub(in crate::graphql) enum ContactField {
    Id,
    Email,
    Phone(PlannedObject<PhoneField>),
}

#[derive(Debug)]
pub(in crate::graphql) enum PhoneField {
    Prefix,
    Number,
    E164,
}

#[derive(Debug)]
pub(in crate::graphql) enum UnrecognizedEntryField {
    Field,
    Value,
}

#[derive(Debug)]
pub(in crate::graphql) enum RoleField {
    Id,
    Account(PlannedObject<AccountField>),
    Members { list: usize, fields: PlannedObject<ConnectionField> },
    MemberCount,
    Team(PlannedObject<TeamField>),
}
