//! Cache tags: names of what an answer was made from, by which a cache in front of the service can drop it again.
//!
//! A name is a keyed hash of an account, or of a member or role in it. It holds no personal data, and without the key a
//! guess at the account or the member cannot be confirmed.

use std::fmt;

use aws_lc_rs::hmac;
use serde::{Serialize, Serializer};

use super::Account;

/// How much of a hash is used, in bytes: equal names by chance are out of the question, and so is guessing.
const HASH_LENGTH: usize = 16;

/// The kind of entity that a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum TagKind {
    Account,
    Team,
    Member,
    Role,
}

/// The name of something that answers are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheTag {
    kind: TagKind,
    hash: [u8; HASH_LENGTH],
}

/// Makes names with a key.
pub struct CacheTagKey(hmac::Key);

/// Makes the names of one account.
pub struct AccountTags {
    /// Has taken in the account.
    context: hmac::Context,
    /// In every answer about the account: what all of them are dropped by.
    pub account: CacheTag,
    /// In every answer that depends on more of the account's list than one member, or the members of one role.
    pub team: CacheTag,
}

impl CacheTag {
    /// The most bytes that a name has.
    pub const MAX_LENGTH: usize = "account-".len() + 2 * HASH_LENGTH;
}

impl fmt::Display for CacheTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TagKind::Account => "account-",
            TagKind::Team => "team-",
            TagKind::Member => "member-",
            TagKind::Role => "role-",
        })?;
        // Some caches take names that differ in case alone for the same one.
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for CacheTag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl CacheTagKey {
    /// With this secret. The same secret makes the same names, on every replica and after a restart.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The names of an account.
    #[must_use]
    pub fn account(&self, account: &Account) -> AccountTags {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [account.email.as_str(), account.user_type.name()] {
            update(&mut context, part);
        }
        let (account, team) = (sign(&context, TagKind::Account, ""), sign(&context, TagKind::Team, ""));
        AccountTags { context, account, team }
    }
}

impl AccountTags {
    /// In every answer about this member.
    #[must_use]
    pub fn member(&self, id: &str) -> CacheTag {
        sign(&self.context, TagKind::Member, id)
    }

    /// In every answer about this role and its members.
    #[must_use]
    pub fn role(&self, id: &str) -> CacheTag {
        sign(&self.context, TagKind::Role, id)
    }
}

fn sign(account: &hmac::Context, kind: TagKind, id: &str) -> CacheTag {
    let mut context = account.clone();
    context.update(&[kind as u8]);
    update(&mut context, id);
    let mut hash = [0; HASH_LENGTH];
    hash.copy_from_slice(&context.sign().as_ref()[..HASH_LENGTH]);
    CacheTag { kind, hash }
}

/// Takes in a part with its length, so that no two lists of parts are one text.
fn update(context: &mut hmac::Context, part: &str) {
    context.update(&(part.len() as u64).to_be_bytes());
    context.update(part.as_bytes());
}
