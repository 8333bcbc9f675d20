//! The names of a row's fields, as the vendor has them.

use super::json::KeyOrder;

/// The fields of a row that the vendor documents.
pub(in crate::upstream) const DOCUMENTED: [&str; 16] = [
    "_id",
    "whitelabel",
    "name",
    "contact",
    "picture",
    "liveAvailability",
    "leadsVisibility",
    "status",
    "description",
    "type",
    "unreadMessages",
    "_role",
    "_parent",
    "createdAt",
    "updatedAt",
    "__v",
];
/// The fields that a newer version adds.
pub(in crate::upstream) const NEWER: [&str; 6] =
    ["assignedBots", "assignedAiAgents", "_department", "maskedAttributes", "chatTransferPermission", "_businessHours"];

/// A field of a row, of its contact or of its phone.
#[derive(Clone, Copy)]
pub(in crate::upstream) enum Field {
    Id,
    Name,
    Contact,
    Picture,
    LiveAvailability,
    LeadsVisibility,
    Status,
    Description,
    Type,
    UnreadMessages,
    Role,
    Parent,
    Whitelabel,
    CreatedAt,
    UpdatedAt,
    Version,
    AssignedBots,
    AssignedAiAgents,
    Department,
    BusinessHours,
    ChatTransferPermission,
    MaskedAttributes,
    Email,
    Phone,
    Prefix,
    Number,
    Unknown,
}

impl Field {
    pub(in crate::upstream) fn of_row(name: &str) -> Self {
        match name {
            "_id" => Self::Id,
            "name" => Self::Name,
            "contact" => Self::Contact,
            "picture" => Self::Picture,
            "liveAvailability" => Self::LiveAvailability,
            "leadsVisibility" => Self::LeadsVisibility,
            "status" => Self::Status,
            "description" => Self::Description,
            "type" => Self::Type,
            "unreadMessages" => Self::UnreadMessages,
            "_role" => Self::Role,
            "_parent" => Self::Parent,
            "whitelabel" => Self::Whitelabel,
            "createdAt" => Self::CreatedAt,
            "updatedAt" => Self::UpdatedAt,
            "__v" => Self::Version,
            "assignedBots" => Self::AssignedBots,
            "assignedAiAgents" => Self::AssignedAiAgents,
            "_department" => Self::Department,
            "_businessHours" => Self::BusinessHours,
            "chatTransferPermission" => Self::ChatTransferPermission,
            "maskedAttributes" => Self::MaskedAttributes,
            _ => Self::Unknown,
        }
    }

    pub(in crate::upstream) fn of_contact(name: &str) -> Self {
        match name {
            "_id" => Self::Id,
            "email" => Self::Email,
            "phone" => Self::Phone,
            _ => Self::Unknown,
        }
    }

    pub(in crate::upstream) fn of_phone(name: &str) -> Self {
        match name {
            "prefix" => Self::Prefix,
            "number" => Self::Number,
            _ => Self::Unknown,
        }
    }
}

/// The orders of a row's fields, of its contact's and of its phone's.
#[derive(Default)]
pub(in crate::upstream) struct Orders {
    pub(in crate::upstream) row: KeyOrder<Field>,
    pub(in crate::upstream) contact: KeyOrder<Field>,
    pub(in crate::upstream) phone: KeyOrder<Field>,
}
