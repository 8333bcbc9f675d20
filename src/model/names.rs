//! The enums with names: those whose values have the same names upstream and in the schema, and those of arguments, which the
//! schema alone names. One table for each sort.
//!
//! `graphql/schema/enums` makes the schema's enums from the same tables, in their order and with their descriptions. A row is:
//! description, name here, name in the schema, path.

/// Calls the macro of this name with the whole table.
macro_rules! named_enums {
    ($with:ident) => {
        $with! {
            ("The kinds of user that the upstream names. More values may be added.", UserType as UserType = "crate::model::UserType" {
                ("A team user with the default agent role.", Agent, "AGENT")
                ("A team member with a custom role.", CustomUser, "CUSTOM_USER")
                ("The main customer role.", Customer, "CUSTOMER")
            })
            ("Whether a member can be reached in live chat right now. More values may be added.", LiveAvailability as LiveAvailability = "crate::model::LiveAvailability" {
                ("Available for live chat.", Online, "ONLINE")
                ("Not available for live chat.", Offline, "OFFLINE")
            })
            ("Which leads a member sees. More values may be added.", LeadsVisibility as LeadsVisibility = "crate::model::LeadsVisibility" {
                ("Every lead of the account.", All, "ALL")
                ("Only the leads that are assigned to the member.", Assigned, "ASSIGNED")
            })
            ("Whether a member's access is switched on. More values may be added.", TeamMemberStatus as TeamMemberStatus = "crate::model::TeamMemberStatus" {
                ("The member has access.", Active, "ACTIVE")
                ("The member's access is switched off.", Inactive, "INACTIVE")
            })
            ("To whom a member may transfer a chat. More values may be added.", ChatTransferPermission as ChatTransferPermission = "crate::model::ChatTransferPermission" {
                ("To everybody.", All, "ALL")
                ("Only to those that are assigned.", Assigned, "ASSIGNED")
            })
        }
    };
}

/// Calls the macro of this name with the enums of arguments. The order of fields and directions is part of a cursor's hash.
macro_rules! argument_enums {
    ($with:ident) => {
        $with! {
            ("A field that members can be sorted by. More values may be added.", OrderField as TeamMemberOrderField = "crate::model::OrderField" {
                ("By name, as Unicode sorts text of all languages together: by letters, then by accents, then by case.", Name, "NAME")
                ("ACTIVE, then INACTIVE.", Status, "STATUS")
                ("ONLINE, then OFFLINE.", LiveAvailability, "LIVE_AVAILABILITY")
                ("AGENT, CUSTOM_USER, CUSTOMER.", Type, "TYPE")
                ("By the number of unread messages.", UnreadMessages, "UNREAD_MESSAGES")
                ("By the time of creation.", CreatedAt, "CREATED_AT")
                ("By the time of the last change.", UpdatedAt, "UPDATED_AT")
                ("By identifier.", Id, "ID")
            })
            ("The direction of a sort.", Direction as OrderDirection = "crate::model::Direction" {
                ("Smallest first.", Asc, "ASC")
                ("Largest first.", Desc, "DESC")
            })
            ("A field that members can be grouped by. Contact data is not among them. More values may be added.", GroupField as TeamMemberGroupField = "crate::model::GroupField" {
                ("By the kind of user.", Type, "TYPE")
                ("By status.", Status, "STATUS")
                ("By live availability.", LiveAvailability, "LIVE_AVAILABILITY")
                ("By leads visibility.", LeadsVisibility, "LEADS_VISIBILITY")
                ("By role.", Role, "ROLE")
                ("By whether the member belongs to a white label.", Whitelabel, "WHITELABEL")
            })
            ("A field that groups can be sorted by. More values may be added.", GroupOrderField as TeamMemberGroupOrderField = "crate::model::GroupOrderField" {
                ("By the key's fields in the order of `by`: enums in the order of their values, roles by id, false before true. Nulls come\nlast in both directions.", Key, "KEY")
                ("By the number of members.", Count, "COUNT")
                ("By the sum of unread messages.", UnreadMessages, "UNREAD_MESSAGES")
            })
        }
    };
}

pub(crate) use {argument_enums, named_enums};

/// Defines the enums with their names.
macro_rules! enums {
    ($(($about:tt, $name:ident as $schema:ident = $path:tt { $(($value_about:tt, $value:ident, $text:tt))+ }))+) => {$(
        #[doc = $about]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = $value_about] $value,)+ }

        impl $name {
            /// Every value, in the order of the schema.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            /// The value's name.
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
                match name { $($text => Some(Self::$value),)+ _ => None }
            }
        }
    )+};
}

named_enums!(enums);
argument_enums!(enums);
