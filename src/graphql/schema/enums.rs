//! The enums: the values that the upstream is known to use. One that this version does not know is null, with its text in
//! `unrecognized`.

use async_graphql::Enum;

use crate::model;

/// The kinds of user that the upstream names.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "model::UserType")]
pub(super) enum UserType {
    /// A team user with the default agent role.
    Agent,
    /// A team member with a custom role.
    CustomUser,
    /// The main customer role.
    Customer,
}

/// Whether a member can be reached in live chat right now.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "model::LiveAvailability")]
pub(super) enum LiveAvailability {
    /// Available for live chat.
    Online,
    /// Not available for live chat.
    Offline,
}

/// Which leads a member sees.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "model::LeadsVisibility")]
pub(super) enum LeadsVisibility {
    /// Every lead of the account.
    All,
    /// Only the leads that are assigned to the member.
    Assigned,
}

/// Whether a member's access is switched on.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "model::TeamMemberStatus")]
pub(super) enum TeamMemberStatus {
    /// The member has access.
    Active,
    /// The member's access is switched off.
    Inactive,
}

/// To whom a member may transfer a chat.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "model::ChatTransferPermission")]
pub(super) enum ChatTransferPermission {
    /// To everybody.
    All,
    /// Only to those that are assigned.
    Assigned,
}
