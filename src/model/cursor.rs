//! Cursors: a position in a sorted list of one account, as an opaque text. It is versioned and checked, so that a cursor of
//! another list is refused; it is no secret, gives no right, and holds no personal data.
//!
//! A cursor records what its member was sorted by, so that a list goes on from there even if the member has moved, changed or
//! left. Names are personal data. Of a name it records the first three bytes of its sort key, and to be exact where many
//! names begin alike, hashes of its member and of the member in front of it, which are looked for again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::names::OrderField;
use super::ranks::Whereabouts;
use super::{Account, Order, Roster, TeamMember};

/// The layout below. Version 1 was signed with a key of the upstream credential.
const VERSION: u8 = 2;
/// No id is longer than 128 bytes and no order has more than eight keys, so no cursor is longer than this.
const LENGTH_LIMIT: usize = 400;

/// A position in a list: in front of it is all that sorted before a member, and that member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The member's id.
    pub(super) id: String,
    /// The member's value for each key of the order.
    pub(super) recorded: Vec<Recorded>,
    /// For orders with the name among their keys.
    pub(super) neighbours: Option<Neighbours>,
}

/// A value that was sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    Missing,
    Number(i64),
    /// Whereabouts only: names that begin alike are alike here.
    Name(Whereabouts),
}

/// Members by hashes of their id and of what they were sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Neighbours {
    pub(super) own: u32,
    /// The member in front in the list; `None` for the list's first.
    pub(super) previous: Option<u32>,
}

impl Neighbours {
    fn of(roster: &Roster, order: &Order, index: u32, previous: Option<u32>) -> Option<Self> {
        let hash = |index| member_hash(roster.member(index), order);
        order.has_name().then(|| Self { own: hash(index), previous: previous.map(hash) })
    }
}

/// Why a text is not a cursor of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCursor {
    /// It is no cursor at all, or was changed.
    #[error("not a cursor of this list: it is incomplete or was changed")]
    Malformed,
    /// It has another layout.
    #[error("not a cursor of this list: it was made by another version of this service; start from the first page")]
    OtherVersion,
    /// It belongs to another account's team.
    #[error("not a cursor of this list: it comes from another account")]
    OtherAccount,
    /// It belongs to another order of the team.
    #[error("not a cursor of this list: it comes from another order")]
    OtherOrder,
}

impl Cursor {
    /// The position right behind a member of a roster, in a list where `previous` is in front of it.
    pub(super) fn behind(roster: &Roster, order: &Order, index: u32, previous: Option<u32>) -> Self {
        Self {
            id: roster.member(index).id().plain().into_owned(),
            recorded: order.keys().iter().map(|(field, _)| record(*field, roster, index)).collect(),
            neighbours: Neighbours::of(roster, order, index, previous),
        }
    }

    /// The cursor's text: unpadded base64url of version, hashes of account and order, recorded values, id, and a checksum.
    #[must_use]
    pub fn encode(&self, account: &Account, order: &Order) -> String {
        let mut bytes = Vec::with_capacity(64);
        push_cursor(
            &mut bytes,
            AccountHash::of(account),
            order,
            self.recorded.iter().copied(),
            self.neighbours,
            &self.id,
        );
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Writes the text of the cursor that [`behind`](Self::behind) makes to the end of `out`; `bytes` is room that is used
    /// again for the next. An answer has thousands of them.
    pub(super) fn write_behind(
        roster: &Roster,
        account: AccountHash,
        order: &Order,
        (index, previous): (u32, Option<u32>),
        bytes: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) {
        let recorded = order.keys().iter().map(|(field, _)| record(*field, roster, index));
        let neighbours = Neighbours::of(roster, order, index, previous);
        bytes.clear();
        push_cursor(bytes, account, order, recorded, neighbours, &roster.member(index).id().plain());
        let start = out.len();
        out.resize(start + bytes.len() * 4 / 3 + 4, 0);
        let length = URL_SAFE_NO_PAD.encode_slice(bytes, &mut out[start..]).unwrap_or_default();
        out.truncate(start + length);
    }

    /// Reads a cursor of this account and order.
    ///
    /// # Errors
    /// [`InvalidCursor`] says why it is not one.
    pub fn decode(account: &Account, order: &Order, text: &str) -> Result<Self, InvalidCursor> {
        if text.len() > LENGTH_LIMIT {
            return Err(InvalidCursor::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor::Malformed)?;
        let (body, check) = bytes.split_last_chunk().ok_or(InvalidCursor::Malformed)?;
        match body.first() {
            Some(&VERSION) if crc32fast::hash(body) == u32::from_be_bytes(*check) => {}
            Some(&VERSION) | None => return Err(InvalidCursor::Malformed),
            Some(_) => return Err(InvalidCursor::OtherVersion),
        }
        let mut rest = Bytes(&body[1..]);
        if rest.number()? != AccountHash::of(account).0 {
            return Err(InvalidCursor::OtherAccount);
        }
        if rest.number()? != order.hash32() {
            return Err(InvalidCursor::OtherOrder);
        }
        let recorded = order.keys().iter().map(|(field, _)| rest.recorded(*field)).collect::<Result<_, _>>()?;
        let neighbours = order.has_name().then(|| rest.neighbours()).transpose()?;
        let id = String::from_utf8(rest.0.to_vec()).map_err(|_| InvalidCursor::Malformed)?;
        if id.is_empty() {
            return Err(InvalidCursor::Malformed);
        }
        Ok(Self { id, recorded, neighbours })
    }
}

/// The bytes of a cursor, with their checksum.
fn push_cursor(
    bytes: &mut Vec<u8>,
    account: AccountHash,
    order: &Order,
    recorded: impl Iterator<Item = Recorded>,
    neighbours: Option<Neighbours>,
    id: &str,
) {
    bytes.push(VERSION);
    bytes.extend_from_slice(&account.0.to_be_bytes());
    bytes.extend_from_slice(&order.hash32().to_be_bytes());
    for value in recorded {
        match value {
            Recorded::Missing => bytes.push(0),
            Recorded::Number(number) => {
                bytes.push(1);
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            Recorded::Name(whereabouts) => {
                bytes.push(2);
                bytes.extend_from_slice(&whereabouts);
            }
        }
    }
    if let Some(Neighbours { own, previous }) = neighbours {
        bytes.extend_from_slice(&own.to_be_bytes());
        bytes.push(u8::from(previous.is_some()));
        bytes.extend_from_slice(&previous.unwrap_or_default().to_be_bytes());
    }
    bytes.extend_from_slice(id.as_bytes());
    let check = crc32fast::hash(bytes);
    bytes.extend_from_slice(&check.to_be_bytes());
}

/// The unread rest.
struct Bytes<'b>(&'b [u8]);

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], InvalidCursor> {
        let (front, rest) = self.0.split_first_chunk().ok_or(InvalidCursor::Malformed)?;
        self.0 = rest;
        Ok(*front)
    }

    fn number(&mut self) -> Result<u32, InvalidCursor> {
        self.take().map(u32::from_be_bytes)
    }

    fn recorded(&mut self, field: OrderField) -> Result<Recorded, InvalidCursor> {
        let [kind] = self.take()?;
        match (kind, field) {
            (0, _) => Ok(Recorded::Missing),
            (2, OrderField::Name) => self.take().map(Recorded::Name),
            (1, OrderField::Name) => Err(InvalidCursor::Malformed),
            (1, _) => self.take().map(|bytes| Recorded::Number(i64::from_be_bytes(bytes))),
            _ => Err(InvalidCursor::Malformed),
        }
    }

    fn neighbours(&mut self) -> Result<Neighbours, InvalidCursor> {
        let own = self.number()?;
        let [has_previous] = self.take()?;
        let previous = self.number()?;
        Ok(Neighbours { own, previous: (has_previous == 1).then_some(previous) })
    }
}

/// The record of a member's value in a cursor. The id is recorded whole, for all orders end with it.
pub(super) fn record(field: OrderField, roster: &Roster, index: u32) -> Recorded {
    let member = roster.member(index);
    let value = match field {
        OrderField::Name => {
            let whereabouts = member.name().map(|_| roster.name_ranks().whereabouts(index));
            return whereabouts.map_or(Recorded::Missing, Recorded::Name);
        }
        OrderField::Id => None,
        _ => number(field, member),
    };
    value.map_or(Recorded::Missing, Recorded::Number)
}

/// The values other than texts, as numbers.
fn number(field: OrderField, member: TeamMember<'_>) -> Option<i64> {
    match field {
        OrderField::Name | OrderField::Id => None,
        OrderField::Status => Some(member.status()? as i64),
        OrderField::LiveAvailability => Some(member.live_availability()? as i64),
        OrderField::Type => Some(member.user_type()? as i64),
        OrderField::UnreadMessages => Some(member.unread_messages()?.into()),
        OrderField::CreatedAt => Some(member.created_at()?.millis()),
        OrderField::UpdatedAt => Some(member.updated_at()?.millis()),
    }
}

/// A member and what it is sorted by, in 32 bits: equal again only if neither has changed.
pub(super) fn member_hash(member: TeamMember<'_>, order: &Order) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(member.id().json().as_bytes());
    for (field, _) in order.keys() {
        match field {
            OrderField::Name => hasher.update(member.name().map_or("", |name| name.json()).as_bytes()),
            field => match number(*field, member) {
                Some(number) => hasher.update(&number.to_be_bytes()),
                None => hasher.update(b"-"),
            },
        }
    }
    hasher.finalize()
}

/// The account in 32 bits, for cursors: enough to notice a cursor of another account, too little to name one.
#[derive(Clone, Copy, Debug)]
pub struct AccountHash(u32);

impl AccountHash {
    /// The hash of an account.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(account.user_type.name().as_bytes());
        hasher.update(account.email.as_str().as_bytes());
        Self(hasher.finalize())
    }
}
