//! The account as the schema has it: the argument that selects a team, and the object in answers.

use async_graphql::{InputObject, InputType, SimpleObject, Value};

use super::enums::UserType;
use super::scalars::EmailAddress;
use crate::model;

/// The account whose team is read: the two parameters that the upstream requires.
#[derive(InputObject)]
pub(in crate::graphql) struct AccountInput {
    /// The e-mail address of the account's user.
    email: EmailAddress,
    /// The type of the account's user.
    #[graphql(name = "type")]
    user_type: UserType,
}

/// An account: the e-mail address and user type under which the upstream lists one team.
#[derive(SimpleObject)]
#[graphql(shareable)]
pub(super) struct Account {
    /// The e-mail address of the account's user, in lower case.
    email: EmailAddress,
    /// The type of the account's user.
    #[graphql(name = "type")]
    user_type: UserType,
}

impl From<AccountInput> for model::Account {
    fn from(account: AccountInput) -> Self {
        Self { email: account.email.0, user_type: account.user_type.into() }
    }
}

/// The account that a value means; `None` for one that is no account. Often it is the one that was read before.
pub(in crate::graphql) fn account_of(value: &Value, last: Option<&model::Account>) -> Option<model::Account> {
    // As nearly all are; what is not like it, the type's own parser judges.
    if let Value::Object(fields) = value
        && let (2, Some(Value::String(email)), Some(user_type)) =
            (fields.len(), fields.get("email"), fields.get("type"))
        && let Some(name) = name(user_type)
    {
        let user_type = model::UserType::from_name(name)?;
        let known = last.map(|last| &last.email).filter(|known| known.as_str() == email).cloned();
        return Some(model::Account { email: known.or_else(|| model::EmailAddress::parse(email).ok())?, user_type });
    }
    AccountInput::parse(Some(value.clone())).ok().map(Into::into)
}

/// The name that an enum's value is written as, in a document or in variables.
fn name(value: &Value) -> Option<&str> {
    match value {
        Value::Enum(name) => Some(name),
        Value::String(name) => Some(name),
        _ => None,
    }
}

impl From<&model::Account> for Account {
    fn from(account: &model::Account) -> Self {
        Self { email: EmailAddress(account.email.clone()), user_type: account.user_type.into() }
    }
}
