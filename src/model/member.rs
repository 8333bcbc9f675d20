//! One person of a team, as the upstream told it, with every optional field absent, read, or kept aside as unreadable.

use std::sync::Arc;

use super::{Timestamp, UserType};

/// A member of a team. Only `id` is certain; everything else is `None` when missing, null, empty or unreadable.
#[derive(Clone, Default, PartialEq)]
pub struct TeamMember {
    /// The upstream's `_id`: not empty.
    pub id: Box<str>,
    /// `name`, as written.
    pub name: Option<Box<str>>,
    /// `name`, folded for comparison.
    pub folded_name: Option<Box<str>>,
    /// `contact`.
    pub contact: Option<Box<Contact>>,
    /// `picture`: an http or https URL.
    pub picture: Option<Box<str>>,
    /// `liveAvailability`.
    pub live_availability: Option<LiveAvailability>,
    /// `leadsVisibility`.
    pub leads_visibility: Option<LeadsVisibility>,
    /// `status`.
    pub status: Option<TeamMemberStatus>,
    /// `description`, often empty.
    pub description: Option<Box<str>>,
    /// `type`.
    pub user_type: Option<UserType>,
    /// `unreadMessages`.
    pub unread_messages: Option<i32>,
    /// `_role`, shared between the members that have it.
    pub role_id: Option<Arc<str>>,
    /// `_parent`, shared between the members that have it.
    pub agency_id: Option<Arc<str>>,
    /// `whitelabel`.
    pub whitelabel: Option<bool>,
    /// `createdAt`.
    pub created_at: Option<Timestamp>,
    /// `updatedAt`.
    pub updated_at: Option<Timestamp>,
    /// `__v`.
    pub version: Option<i32>,
    /// `assignedBots`.
    pub assigned_bot_ids: Option<Box<[Box<str>]>>,
    /// `assignedAiAgents`.
    pub assigned_ai_agent_ids: Option<Box<[Box<str>]>>,
    /// `_department`.
    pub department_ids: Option<Box<[Box<str>]>>,
    /// `_businessHours`.
    pub business_hours_id: Option<Box<str>>,
    /// `chatTransferPermission`.
    pub chat_transfer_permission: Option<ChatTransferPermission>,
    /// `maskedAttributes`.
    pub masked_attributes: Option<Box<[Box<str>]>>,
    /// What was there but could not be read.
    pub unrecognized: Box<[Unrecognized]>,
}

impl std::fmt::Debug for TeamMember {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A member is personal data; only the identifier may reach a log or a panic message.
        f.debug_struct("TeamMember").field("id", &self.id).finish_non_exhaustive()
    }
}

impl TeamMember {
    /// Heap and inline size in bytes, approximately: what the store counts.
    #[must_use]
    pub fn size(&self) -> usize {
        let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        let list = |list: &Option<Box<[Box<str>]>>| {
            list.as_ref().map_or(0, |list| list.iter().map(|item| item.len() + size_of::<Box<str>>()).sum())
        };
        size_of::<Self>()
            + self.id.len()
            + text(&self.name)
            + text(&self.folded_name)
            + self.contact.as_ref().map_or(0, |contact| contact.size())
            + text(&self.picture)
            + text(&self.description)
            + text(&self.business_hours_id)
            + list(&self.assigned_bot_ids)
            + list(&self.assigned_ai_agent_ids)
            + list(&self.department_ids)
            + list(&self.masked_attributes)
            + self.unrecognized.iter().map(|entry| size_of::<Unrecognized>() + entry.value.len()).sum::<usize>()
    }
}

/// How a member can be reached: personal data.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// `contact._id`.
    pub id: Option<Box<str>>,
    /// `contact.email`, as written.
    pub email: Option<Box<str>>,
    /// `contact.phone`.
    pub phone: Option<Phone>,
}

impl Contact {
    fn size(&self) -> usize {
        let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        let phone = self.phone.as_ref();
        size_of::<Self>()
            + text(&self.id)
            + text(&self.email)
            + phone.map_or(0, |phone| text(&phone.prefix) + text(&phone.number))
    }
}

/// A telephone number in the upstream's two parts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Phone {
    /// The country code without `+`.
    pub prefix: Option<Box<str>>,
    /// The number without the country code.
    pub number: Option<Box<str>>,
}

impl Phone {
    /// `+`, prefix and number, where both are there and together make a valid E.164 number (at most 15 digits, no leading zero).
    #[must_use]
    pub fn e164(&self) -> Option<String> {
        let (prefix, number) = (self.prefix.as_deref()?, self.number.as_deref()?);
        let digits: String = prefix
            .trim_start_matches('+')
            .chars()
            .chain(number.chars())
            .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'))
            .collect();
        let valid = (4..=15).contains(&digits.len())
            && !prefix.is_empty()
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit());
        valid.then(|| format!("+{digits}"))
    }

    /// What a search for a number looks in: `+`, prefix and number, as far as they are there.
    #[must_use]
    pub fn searchable(&self) -> String {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        format!("+{}{}", prefix.trim_start_matches('+'), self.number.as_deref().unwrap_or_default())
    }
}

/// A value that was there but could not be read as what its field is.
#[derive(Clone, PartialEq, Eq)]
pub struct Unrecognized {
    /// The field, as our schema names it; a dotted path inside `contact`.
    pub field: &'static str,
    /// The raw text: a string's characters, or the JSON of anything else; cut after 1,024 bytes.
    pub value: Box<str>,
}

impl Unrecognized {
    /// Whether the text may be contact data.
    #[must_use]
    pub fn is_contact(&self) -> bool {
        self.field == "contact" || self.field.starts_with("contact.")
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
