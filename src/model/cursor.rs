//! A place in a sorted list of one account, for paging: opaque, versioned, authenticated, without personal data.
//!
//! The tag covers the account and the order, so a cursor is of use only where it came from. The key is derived from the
//! upstream credential's secret, so that it survives a restart, and only who holds the secret can make one. Where a held
//! secret is replaced, cursors of the last one stay good in the process that saw the change.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Account, Order};

const VERSION: u8 = 1;
const TAG_LEN: usize = 16;
const RANK_LEN: usize = 4;

/// A place in a list: a member and the rank that it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The member's id.
    pub id: String,
    /// Its place in the list when the cursor was made, from 0: where to go on if the member is gone.
    pub rank: u32,
}

/// The text is no cursor of this account and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list: it was altered, or comes from another account or order")]
pub struct InvalidCursor;

/// Signs and checks cursors.
#[derive(Clone)]
pub struct CursorKey {
    key: hmac::Key,
    /// What checks cursors that were made before the secret changed.
    last: Option<hmac::Key>,
}

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

impl CursorKey {
    /// Derives the key from an upstream credential.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let key = hmac::sign(&secret, b"flowmatix-graphql cursor 1");
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), last: None }
    }

    /// The same key, which also takes what `last` made.
    #[must_use]
    pub fn after(self, last: &Self) -> Self {
        Self { last: Some(last.key.clone()), ..self }
    }

    /// Tells the key from any other, and nothing else of it.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 16] {
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&hmac::sign(&self.key, b"fingerprint").as_ref()[..16]);
        fingerprint
    }

    /// The cursor's text: unpadded base64url of version, rank, id and tag.
    #[must_use]
    pub fn seal(&self, account: &Account, order: &Order, id: &str, rank: u32) -> String {
        let mut bytes = Vec::with_capacity(1 + RANK_LEN + id.len() + TAG_LEN);
        bytes.push(VERSION);
        bytes.extend_from_slice(&rank.to_be_bytes());
        bytes.extend_from_slice(id.as_bytes());
        let tag = tag(&self.key, account, order, &bytes);
        bytes.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that this key made for this account and order.
    ///
    /// # Errors
    /// [`InvalidCursor`] for anything else, without saying what is wrong with it.
    pub fn open(&self, account: &Account, order: &Order, text: &str) -> Result<Cursor, InvalidCursor> {
        // No id is longer than 128 bytes, so no cursor is longer than this.
        if text.len() > 256 {
            return Err(InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let tag_at = bytes.len().checked_sub(TAG_LEN).ok_or(InvalidCursor)?;
        let (body, shown) = bytes.split_at(tag_at);
        let made = |key| verify_slices_are_equal(shown, &tag(key, account, order, body)).is_ok();
        if !made(&self.key) && !self.last.as_ref().is_some_and(made) {
            return Err(InvalidCursor);
        }
        match body {
            [VERSION, r0, r1, r2, r3, id @ ..] => Ok(Cursor {
                id: String::from_utf8(id.to_vec()).map_err(|_| InvalidCursor)?,
                rank: u32::from_be_bytes([*r0, *r1, *r2, *r3]),
            }),
            _ => Err(InvalidCursor),
        }
    }
}

fn tag(key: &hmac::Key, account: &Account, order: &Order, body: &[u8]) -> [u8; TAG_LEN] {
    let order = order.fingerprint();
    let email = account.email.as_str().as_bytes();
    let mut context = hmac::Context::with_key(key);
    // Lengths first, so that no two different inputs read the same.
    for part in [email, account.user_type.name().as_bytes(), &order, body] {
        context.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        context.update(part);
    }
    let mut tag = [0; TAG_LEN];
    tag.copy_from_slice(&context.sign().as_ref()[..TAG_LEN]);
    tag
}
