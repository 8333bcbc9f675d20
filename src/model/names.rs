//! The enums whose values have the same names upstream and in the schema: one table for all of them.
//!
//! `graphql/schema/enums` makes the schema's enums from the same table, in its order and with its descriptions.

/// Calls the macro of this name with the whole table.
macro_rules! named_enums {
    ($with:ident) => {
        $with! {
            ("The kinds of user that the upstream names. More values may be added.", UserType = "crate::model::UserType" {
                ("A team user with the default agent role.", Agent, "AGENT")
                ("A team member with a custom role.", CustomUser, "CUSTOM_USER")
                ("The main customer role.", Customer, "CUSTOMER")
            })
            ("Whether a member can be reached in live chat right now. More values may be added.", LiveAvailability = "crate::model::LiveAvailability" {
                ("Available for live chat.", Online, "ONLINE")
                ("Not available for live chat.", Offline, "OFFLINE")
            })
            ("Which leads a member sees. More values may be added.", LeadsVisibility = "crate::model::LeadsVisibility" {
                ("Every lead of the account.", All, "ALL")
                ("Only the leads that are assigned to the member.", Assigned, "ASSIGNED")
            })
            ("Whether a member's access is switched on. More values may be added.", TeamMemberStatus = "crate::model::TeamMemberStatus" {
                ("The member has access.", Active, "ACTIVE")
                ("The member's access is switched off.", Inactive, "INACTIVE")
            })
            ("To whom a member may transfer a chat. More values may be added.", ChatTransferPermission = "crate::model::ChatTransferPermission" {
                ("To everybody.", All, "ALL")
                ("Only to those that are assigned.", Assigned, "ASSIGNED")
            })
        }
    };
}

pub(crate) use named_enums;

/// Defines the enums with their names.
macro_rules! enums {
    ($(($about:tt, $name:ident = $path:tt { $(($value_about:tt, $value:ident, $text:tt))+ }))+) => {$(
        #[doc = $about]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = $value_about] $value,)+ }

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
                match name { $($text => Some(Self::$value),)+ _ => None }
            }
        }
    )+};
}

named_enums!(enums);
