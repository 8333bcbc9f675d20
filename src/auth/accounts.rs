//! The accounts that a caller may read, and their notation in key files and claims.

use std::fmt;
use std::sync::Arc;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::{Account, EmailAddress, UserType};

/// The accounts that a caller may read.
#[derive(Clone, Debug)]
pub(super) enum AllowedAccounts {
    /// Every account that the upstream credential can read.
    Any,
    /// The accounts listed for this caller.
    Named(Arc<[Account]>),
    /// The default account only: none is listed for this caller.
    Default,
}

impl AllowedAccounts {
    pub(super) fn allow(&self, account: &Account, default: Option<&Account>) -> bool {
        match self {
            Self::Any => true,
            Self::Named(accounts) => accounts.contains(account),
            Self::Default => default == Some(account),
        }
    }

    /// The account of a request that names none.
    pub(super) fn preferred<'a>(&'a self, default: Option<&'a Account>) -> Option<&'a Account> {
        let only = match self {
            Self::Named(accounts) => accounts.first().filter(|_| accounts.len() == 1),
            Self::Any | Self::Default => None,
        };
        default.filter(|default| self.allow(default, Some(default))).or(only)
    }
}

/// An account in a key file or claim: `{ email = "…", type = "CUSTOMER" }`, with these two names and in no other form.
pub(super) struct WrittenAccount {
    email: String,
    r#type: String,
}

// Not derived: a derived one reads a list of two texts as well, whose order would be a second form.
impl<'de> Deserialize<'de> for WrittenAccount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = WrittenAccount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`email` and `type`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WrittenAccount, A::Error> {
                let (mut email, mut user_type) = (None, None);
                while let Some(name) = map.next_key::<String>()? {
                    let field = match name.as_str() {
                        "email" => &mut email,
                        "type" => &mut user_type,
                        _ => return Err(A::Error::custom("an account has `email` and `type`")),
                    };
                    if field.replace(map.next_value::<String>()?).is_some() {
                        return Err(A::Error::custom("a name stands twice"));
                    }
                }
                let both = email.zip(user_type).ok_or_else(|| A::Error::custom("an account has `email` and `type`"));
                both.map(|(email, r#type)| WrittenAccount { email, r#type })
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

impl WrittenAccount {
    pub(super) fn new(email: &str, user_type: &str) -> Self {
        Self { email: email.to_owned(), r#type: user_type.to_owned() }
    }

    /// The account; `None` when there is no such e-mail address or user type.
    pub(super) fn read(&self) -> Option<Account> {
        let email = EmailAddress::parse(&self.email).ok()?;
        Some(Account { email, user_type: UserType::from_name(&self.r#type)? })
    }

    /// All accounts of the list; `None` when one is invalid or the list is empty.
    pub(super) fn read_all(list: &[Self]) -> Option<AllowedAccounts> {
        let accounts: Option<Arc<[Account]>> = list.iter().map(Self::read).collect();
        accounts.filter(|accounts| !accounts.is_empty()).map(AllowedAccounts::Named)
    }
}
