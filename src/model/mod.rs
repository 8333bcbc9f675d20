//! What the service is about, as plain values: accounts, members, rosters and the questions a roster answers, and the
//! caller who asks.
//!
//! A leaf: it imports nothing of ours, does no I/O and knows neither GraphQL, HTTP nor the upstream's JSON.

mod account;
mod caller;
mod clock;
mod cursor;
mod filter;
mod member;
mod order;
mod page;
mod roster;
mod text;
mod timestamp;

pub use account::{Account, EmailAddress, InvalidEmail, UserType};
pub use caller::{Caller, CallerId, Credential, CredentialId, Grant, Grants, Refusal, RosterKey, Scopes};
pub use clock::Clock;
pub use cursor::{Cursor, CursorKey, InvalidCursor};
pub use filter::{Filter, IntTest, StringTest, TimeTest};
pub use member::{
    ChatTransferPermission, Contact, LeadsVisibility, LiveAvailability, Phone, TeamMember, TeamMemberStatus,
    Unrecognized,
};
pub use order::{Direction, Order, OrderField};
pub use page::{InvalidPage, Page, PageLimits, PageRequest};
pub use roster::{Drift, Role, Roster, SkippedRow, SnapshotId};
pub use text::fold;
pub use timestamp::Timestamp;
