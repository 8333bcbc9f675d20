//! How a member can be reached: personal data, behind a scope of its own.

use async_graphql::{ID, SimpleObject};

use crate::model::{Contact, JsonStr, Phone};

/// How a member can be reached. Reading it needs the scope `team:contact:read`.
#[derive(SimpleObject)]
#[graphql(tag = "personal-data")]
pub(super) struct TeamMemberContact {
    /// The identifier of the contact.
    id: Option<ID>,
    /// The e-mail address, as the upstream has it.
    email: Option<String>,
    /// The telephone number.
    phone: Option<PhoneNumber>,
}

/// A telephone number.
#[derive(SimpleObject)]
#[graphql(name = "TeamMemberPhone", tag = "personal-data")]
pub(super) struct PhoneNumber {
    /// The country code, without `+`.
    prefix: Option<String>,
    /// The number, without its country code.
    number: Option<String>,
    /// The whole number in E.164 form, such as `+15550100001`, where prefix and number make a valid one.
    e164: Option<String>,
}

impl From<Contact<'_>> for TeamMemberContact {
    fn from(contact: Contact<'_>) -> Self {
        Self {
            id: contact.id().map(|id| ID(plain(id))),
            email: contact.email().map(plain),
            phone: contact.phone().map(PhoneNumber::from),
        }
    }
}

impl From<Phone<'_>> for PhoneNumber {
    fn from(phone: Phone<'_>) -> Self {
        Self { prefix: phone.prefix().map(plain), number: phone.number().map(plain), e164: phone.e164() }
    }
}

fn plain(text: JsonStr<'_>) -> String {
    text.plain().into_owned()
}
