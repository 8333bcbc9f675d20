//! One person of a team, as the upstream told it, with every optional field absent, read, or kept aside as unreadable.

use super::member_record::{MemberRecord, Strings, TextField};
use super::{Contact, JsonStr, JsonStrList, Timestamp, Unrecognized, UserType};

/// A member of a team, as a view of its row. Only `id` is certain; everything else is `None` when missing, null, empty or
/// unreadable.
#[derive(Clone, Copy)]
pub struct TeamMember<'r> {
    strings: &'r Strings,
    row: &'r MemberRecord,
}

impl std::fmt::Debug for TeamMember<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A member is personal data; only the identifier may reach a log or a panic message.
        f.debug_struct("TeamMember").field("id", &self.id().plain()).finish_non_exhaustive()
    }
}

impl PartialEq for TeamMember<'_> {
    fn eq(&self, other: &Self) -> bool {
        let texts = |member: &Self| member.row.texts.map(|span| span.map(|span| member.strings.texts.list(span)));
        let rest = |member: &Self| {
            let row = member.row;
            let names = (row.live_availability, row.leads_visibility, row.status, row.user_type);
            let numbers = (row.unread_messages, row.version, row.created_at, row.updated_at);
            (names, numbers, row.whitelabel, row.chat_transfer_permission, row.has_contact, row.has_phone)
        };
        texts(self) == texts(other)
            && rest(self) == rest(other)
            && (self.role_id(), self.agency_id()) == (other.role_id(), other.agency_id())
            && self.row.unrecognized == other.row.unrecognized
    }
}

impl<'r> TeamMember<'r> {
    pub(super) fn new(strings: &'r Strings, row: &'r MemberRecord) -> Self {
        Self { strings, row }
    }

    /// The upstream's `_id`: not empty.
    #[must_use]
    pub fn id(self) -> JsonStr<'r> {
        // No row without one gets into a roster.
        self.text(TextField::Id).unwrap_or(JsonStr::EMPTY)
    }

    /// `name`, as written.
    #[must_use]
    pub fn name(self) -> Option<JsonStr<'r>> {
        self.text(TextField::Name)
    }

    /// `contact`.
    #[must_use]
    pub fn contact(self) -> Option<Contact<'r>> {
        self.row.has_contact.then(|| Contact::new(self.strings, self.row))
    }

    /// `picture`: an http or https URL.
    #[must_use]
    pub fn picture(self) -> Option<JsonStr<'r>> {
        self.text(TextField::Picture)
    }

    /// `liveAvailability`.
    #[must_use]
    pub fn live_availability(self) -> Option<LiveAvailability> {
        self.row.live_availability
    }

    /// `leadsVisibility`.
    #[must_use]
    pub fn leads_visibility(self) -> Option<LeadsVisibility> {
        self.row.leads_visibility
    }

    /// `status`.
    #[must_use]
    pub fn status(self) -> Option<TeamMemberStatus> {
        self.row.status
    }

    /// `description`, often empty.
    #[must_use]
    pub fn description(self) -> Option<JsonStr<'r>> {
        self.text(TextField::Description)
    }

    /// `type`.
    #[must_use]
    pub fn user_type(self) -> Option<UserType> {
        self.row.user_type
    }

    /// `unreadMessages`.
    #[must_use]
    pub fn unread_messages(self) -> Option<i32> {
        self.row.unread_messages
    }

    /// `_role`.
    #[must_use]
    pub fn role_id(self) -> Option<JsonStr<'r>> {
        self.row.role.map(|place| self.strings.texts.get(self.strings.roles[place as usize]))
    }

    /// The place of the role in the roster's list of them.
    #[must_use]
    pub fn role_place(self) -> Option<u32> {
        self.row.role
    }

    /// `_parent`.
    #[must_use]
    pub fn agency_id(self) -> Option<JsonStr<'r>> {
        self.row.agency.map(|place| self.strings.texts.get(self.strings.agencies[place as usize]))
    }

    /// `whitelabel`.
    #[must_use]
    pub fn whitelabel(self) -> Option<bool> {
        self.row.whitelabel
    }

    /// `createdAt`.
    #[must_use]
    pub fn created_at(self) -> Option<Timestamp> {
        self.row.created_at
    }

    /// `updatedAt`.
    #[must_use]
    pub fn updated_at(self) -> Option<Timestamp> {
        self.row.updated_at
    }

    /// `__v`.
    #[must_use]
    pub fn version(self) -> Option<i32> {
        self.row.version
    }

    /// `assignedBots`.
    #[must_use]
    pub fn assigned_bot_ids(self) -> Option<JsonStrList<'r>> {
        self.list(TextField::AssignedBotIds)
    }

    /// `assignedAiAgents`.
    #[must_use]
    pub fn assigned_ai_agent_ids(self) -> Option<JsonStrList<'r>> {
        self.list(TextField::AssignedAiAgentIds)
    }

    /// `_department`.
    #[must_use]
    pub fn department_ids(self) -> Option<JsonStrList<'r>> {
        self.list(TextField::DepartmentIds)
    }

    /// `_businessHours`.
    #[must_use]
    pub fn business_hours_id(self) -> Option<JsonStr<'r>> {
        self.text(TextField::BusinessHoursId)
    }

    /// `chatTransferPermission`.
    #[must_use]
    pub fn chat_transfer_permission(self) -> Option<ChatTransferPermission> {
        self.row.chat_transfer_permission
    }

    /// `maskedAttributes`.
    #[must_use]
    pub fn masked_attributes(self) -> Option<JsonStrList<'r>> {
        self.list(TextField::MaskedAttributes)
    }

    /// What was there but could not be read.
    #[must_use]
    pub fn unrecognized(self) -> &'r [Unrecognized] {
        &self.row.unrecognized
    }

    fn text(self, field: TextField) -> Option<JsonStr<'r>> {
        self.strings.text(self.row, field)
    }

    fn list(self, field: TextField) -> Option<JsonStrList<'r>> {
        self.row.texts[field as usize].map(|span| self.strings.texts.list(span))
    }
}

/// An enum whose values have the same names upstream and in the schema, in the schema's order.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$value_doc])* $value,)+ }

        impl $name {
            /// Every value, in the order of the schema.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            /// The value's name upstream and in the schema.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$value => $text),+ }
            }

            /// The name as a JSON string, quotes included.
            #[must_use]
            pub fn json(self) -> &'static str {
                match self { $(Self::$value => concat!("\"", $text, "\"")),+ }
            }

            /// The value of that exact name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }
        }
    };
}

names! {
    /// Whether the member can be reached in live chat right now.
    LiveAvailability {
        /// Available.
        Online = "ONLINE",
        /// Not available.
        Offline = "OFFLINE",
    }
}
names! {
    /// Which leads the member sees.
    LeadsVisibility {
        /// Every lead of the account.
        All = "ALL",
        /// Only leads assigned to the member.
        Assigned = "ASSIGNED",
    }
}
names! {
    /// Whether the member may sign in.
    TeamMemberStatus {
        /// May sign in.
        Active = "ACTIVE",
        /// May not.
        Inactive = "INACTIVE",
    }
}
names! {
    /// To whom the member may transfer a chat.
    ChatTransferPermission {
        /// To anybody.
        All = "ALL",
        /// Only to those assigned.
        Assigned = "ASSIGNED",
    }
}
