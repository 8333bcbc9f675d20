//! Plans: an operation as what is to be written, in order, with every name already in JSON.
//!
//! A plan is made once (by `planner`) for an operation and the values of its conditions; `project` writes by it. It knows
//! every field of the schema's data.

use async_graphql::Pos;
use async_graphql_value::Value;

use super::json::Piece;

/// What to answer an operation with.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) roots: Object<Root>,
    /// The arguments of every list in it.
    pub(super) lists: Vec<ListSlot>,
    /// Whether a cursor is written anywhere.
    pub(super) cursors: bool,
}

/// An object's fields. What stands between two values that differ from object to object is one piece of text.
#[derive(Debug)]
pub(super) struct Object<F> {
    pub(super) fields: Vec<Item<F>>,
    /// What follows the last of them.
    pub(super) tail: Piece,
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct Item<F> {
    /// What precedes its value: a bracket or comma, its key and a colon.
    pub(super) head: Piece,
    pub(super) key: Box<str>,
    pub(super) pos: Pos,
    pub(super) field: F,
}

/// An argument as written.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) value: Option<Value>,
    pub(super) has_variables: bool,
}

/// The arguments of a list.
#[derive(Debug)]
pub(super) struct ListSlot {
    pub(super) search: Argument,
    pub(super) filter: Argument,
    pub(super) order_by: Argument,
    pub(super) first: Argument,
    pub(super) after: Argument,
    pub(super) last: Argument,
    pub(super) before: Argument,
}

#[derive(Debug)]
pub(super) enum Root {
    TeamMembers { account: Argument, list: usize, fields: Object<Connection> },
    TeamMember { id: Argument, account: Argument, fields: Object<Member> },
    Roles { account: Argument, fields: Object<Role> },
    Role { id: Argument, account: Argument, fields: Object<Role> },
    Entities { representations: Argument, member: Object<Member>, role: Object<Role> },
}

#[derive(Debug)]
pub(super) enum Connection {
    Nodes(Object<Member>),
    Edges(Object<Edge>),
    PageInfo(Object<PageInfo>),
    TotalCount,
    FetchedAt,
    Stale,
    SkippedRows(Object<SkippedRow>),
}

#[derive(Debug)]
pub(super) enum Edge {
    Cursor,
    Node(Object<Member>),
}

#[derive(Debug)]
pub(super) enum PageInfo {
    HasNextPage,
    HasPreviousPage,
    StartCursor,
    EndCursor,
}

#[derive(Debug)]
pub(super) enum SkippedRow {
    Index,
    Reason,
}

#[derive(Debug)]
pub(super) enum Member {
    Id,
    Account(Object<Account>),
    Name,
    Contact(Object<Contact>),
    Picture,
    LiveAvailability,
    LeadsVisibility,
    Status,
    Description,
    Type,
    UnreadMessages,
    Role(Object<Role>),
    AgencyId,
    Whitelabel,
    CreatedAt,
    UpdatedAt,
    Version,
    AssignedBotIds,
    AssignedAiAgentIds,
    DepartmentIds,
    BusinessHoursId,
    ChatTransferPermission,
    MaskedAttributes,
    Unrecognized(Object<Unrecognized>),
}

#[derive(Debug)]
pub(super) enum Account {
    Email,
    Type,
}

#[derive(Debug)]
pub(super) enum Contact {
    Id,
    Email,
    Phone(Object<Phone>),
}

#[derive(Debug)]
pub(super) enum Phone {
    Prefix,
    Number,
    E164,
}

#[derive(Debug)]
pub(super) enum Unrecognized {
    Field,
    Value,
}

#[derive(Debug)]
pub(super) enum Role {
    Id,
    Account(Object<Account>),
    Members { list: usize, fields: Object<Connection> },
    MemberCount,
}
