//! The keys of a row, of its contact and of its phone, as the vendor names them.

use super::json::KeyOrder;
use crate::model::{ScalarField, Since};

/// A key of a row.
#[derive(Clone, Copy)]
pub(in crate::upstream) enum RowKey {
    Id,
    Contact,
    Role,
    Parent,
    Scalar(ScalarField),
    Unknown,
}

/// Keys of a row that are no scalar fields of the table.
const OTHERS: [(&str, RowKey); 4] =
    [("_id", RowKey::Id), ("contact", RowKey::Contact), ("_role", RowKey::Role), ("_parent", RowKey::Parent)];

impl RowKey {
    pub(in crate::upstream) fn of(key: &str) -> Self {
        let other = || OTHERS.iter().find(|(known, _)| *known == key).map(|(_, other)| *other);
        ScalarField::from_key(key).map(Self::Scalar).or_else(other).unwrap_or(Self::Unknown)
    }
}

/// The keys of a row that the vendor documents.
pub(in crate::upstream) fn documented() -> impl Iterator<Item = &'static str> {
    OTHERS.iter().map(|(key, _)| *key).chain(since(Since::Documented))
}

/// The keys that newer versions of the upstream add.
pub(in crate::upstream) fn newer() -> impl Iterator<Item = &'static str> {
    since(Since::Newer)
}

fn since(since: Since) -> impl Iterator<Item = &'static str> {
    ScalarField::ALL.iter().filter(move |field| field.since() == since).map(|field| field.key())
}

/// A key of a contact.
#[derive(Clone, Copy)]
pub(in crate::upstream) enum ContactKey {
    Id,
    Email,
    Phone,
    Unknown,
}

impl ContactKey {
    pub(in crate::upstream) fn of(key: &str) -> Self {
        match key {
            "_id" => Self::Id,
            "email" => Self::Email,
            "phone" => Self::Phone,
            _ => Self::Unknown,
        }
    }
}

/// A key of a telephone number.
#[derive(Clone, Copy)]
pub(in crate::upstream) enum PhoneKey {
    Prefix,
    Number,
    Unknown,
}

impl PhoneKey {
    pub(in crate::upstream) fn of(key: &str) -> Self {
        match key {
            "prefix" => Self::Prefix,
            "number" => Self::Number,
            _ => Self::Unknown,
        }
    }
}

/// The orders in which the last objects had their keys.
#[derive(Default)]
pub(in crate::upstream) struct Orders {
    pub(in crate::upstream) row: KeyOrder<RowKey>,
    pub(in crate::upstream) contact: KeyOrder<ContactKey>,
    pub(in crate::upstream) phone: KeyOrder<PhoneKey>,
}
