//! How a member can be reached: personal data, behind a scope of its own.

use async_graphql::{ID, SimpleObject};

use crate::model::{Contact, Phone};

/// How a member can be reached. Reading it needs the scope `team:contact:read`.
#[derive(SimpleObject)]
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
#[graphql(name = "TeamMemberPhone")]
pub(super) struct PhoneNumber {
    /// The country code, without `+`.
    prefix: Option<String>,
    /// The number, without its country code.
    number: Option<String>,
    /// The whole number in E.164 form, such as `+15550100001`, where prefix and number make a valid one.
    e164: Option<String>,
}

impl From<&Contact> for TeamMemberContact {
    fn from(contact: &Contact) -> Self {
        Self {
            id: contact.id.as_deref().map(ID::from),
            email: contact.email.as_deref().map(str::to_owned),
            phone: contact.phone.as_ref().map(PhoneNumber::from),
        }
    }
}

impl From<&Phone> for PhoneNumber {
    fn from(phone: &Phone) -> Self {
        Self {
            prefix: phone.prefix.as_deref().map(str::to_owned),
            number: phone.number.as_deref().map(str::to_owned),
            e164: phone.e164(),
        }
    }
}
