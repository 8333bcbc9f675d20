//! The section `account`: the account of requests that name none, and the sources that may name one.

use crate::model::UserType;

section! {
    /// The default account, and how a request may select another one.
    pub struct AccountConfig in "account" {
        /// The e-mail address of the default account.
        pub email: Option<String> = None,
        /// The user type of the default account.
        pub user_type as "type": Option<UserType> = None,
        /// The sources that may select the account: the `account` argument, the headers `x-flowmatix-email` and
        /// `x-flowmatix-type`, or this configuration.
        pub sources: Vec<AccountSource> = vec![AccountSource::Argument, AccountSource::Headers, AccountSource::Default],
    }
}

names! {
    /// A source that may select an account.
    pub enum AccountSource {
        /// The `account` argument.
        Argument = "argument",
        /// The request's headers.
        Headers = "headers",
        /// The configuration.
        Default = "default",
    }
}
