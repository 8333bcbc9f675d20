//! The account, as argument and as answer.

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

/// The account that an `account` argument's value means: none for no argument; `None` for a value that is no account.
pub(in crate::graphql) fn requested_account(value: Option<Value>) -> Option<Option<model::Account>> {
    match value {
        None => Some(None),
        Some(value) => AccountInput::parse(Some(value)).ok().map(|account| Some(account.into())),
    }
}

impl From<&model::Account> for Account {
    fn from(account: &model::Account) -> Self {
        Self { email: EmailAddress(account.email.clone()), user_type: account.user_type.into() }
    }
}
