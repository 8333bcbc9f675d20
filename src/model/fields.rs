//! The table of a member's scalar fields: one row for each field, and everything else follows from it.
//!
//! A row is: variant, accessor, name in the schema, key in the upstream's JSON, whether the vendor documents it or a newer
//! version adds it, kind, description. From it follow the slot in `member_record`, the accessor in `member`, decoding
//! (`upstream/decode/rows`), the resolver (`graphql/schema/team_member`), the plan's leaf and the writer (`graphql/plan`,
//! `graphql/execute/project`). `id`, `role`, `agencyId`, `contact` and `unrecognized` are written by hand: they have other
//! shapes.

/// Calls the macro of this name with the whole table.
macro_rules! member_fields {
    ($with:ident) => {
        $with! {
            (Name, name, "name", "name", Documented, Text, "The name.")
            (Picture, picture, "picture", "picture", Documented, Url, "The profile picture.")
            (LiveAvailability, live_availability, "liveAvailability", "liveAvailability", Documented, LiveAvailability,
                "Whether the member can be reached in live chat right now.")
            (LeadsVisibility, leads_visibility, "leadsVisibility", "leadsVisibility", Documented, LeadsVisibility,
                "Which leads the member sees.")
            (Status, status, "status", "status", Documented, TeamMemberStatus,
                "Whether the member's access is switched on.")
            (Description, description, "description", "description", Documented, Text,
                "A free text about the member, often empty.")
            (Type, user_type, "type", "type", Documented, UserType, "The kind of user.")
            (UnreadMessages, unread_messages, "unreadMessages", "unreadMessages", Documented, Integer,
                "How many messages the member has not read.")
            (Whitelabel, whitelabel, "whitelabel", "whitelabel", Documented, Boolean,
                "Whether the member belongs to a white label.")
            (CreatedAt, created_at, "createdAt", "createdAt", Documented, Time, "When the member was created.")
            (UpdatedAt, updated_at, "updatedAt", "updatedAt", Documented, Time, "When the member was last changed.")
            (Version, version, "version", "__v", Documented, Integer,
                "The version number that the upstream keeps of the member.")
            (AssignedBotIds, assigned_bot_ids, "assignedBotIds", "assignedBots", Newer, Ids,
                "The identifiers of the bots assigned to the member.")
            (AssignedAiAgentIds, assigned_ai_agent_ids, "assignedAiAgentIds", "assignedAiAgents", Newer, Ids,
                "The identifiers of the AI agents assigned to the member.")
            (DepartmentIds, department_ids, "departmentIds", "_department", Newer, Ids,
                "The identifiers of the departments that the member belongs to.")
            (BusinessHoursId, business_hours_id, "businessHoursId", "_businessHours", Newer, Id,
                "The identifier of the member's business hours.")
            (ChatTransferPermission, chat_transfer_permission, "chatTransferPermission", "chatTransferPermission", Newer,
                ChatTransferPermission, "To whom the member may transfer a chat.")
            (MaskedAttributes, masked_attributes, "maskedAttributes", "maskedAttributes", Newer, Texts,
                "The attributes of leads that are masked for the member.")
        }
    };
}

pub(crate) use member_fields;

use super::kinds::{self, FieldKind};

/// Since when the upstream has a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The vendor's page documents it.
    Documented,
    /// Newer versions of the upstream add it.
    Newer,
}

macro_rules! scalar_fields {
    ($(($variant:ident, $accessor:ident, $name:tt, $key:tt, $since:ident, $kind:ident, $about:tt))+) => {
        /// A scalar field of a member.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ScalarField {
            $(#[doc = $about] $variant,)+
        }

        impl ScalarField {
            /// Every field, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The field's name in the schema.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The field's key in the upstream's JSON.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),+ }
            }

            /// Since when the upstream has the field.
            #[must_use]
            pub fn since(self) -> Since {
                match self { $(Self::$variant => Since::$since),+ }
            }

            /// Whether the field is a list.
            #[must_use]
            pub fn is_list(self) -> bool {
                match self { $(Self::$variant => <kinds::$kind as FieldKind>::ITEMS.is_some()),+ }
            }

            /// The field of this name in the schema.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// The field of this key in the upstream's JSON.
            #[must_use]
            pub fn from_key(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

member_fields!(scalar_fields);
