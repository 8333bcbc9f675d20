//! What the service is about, as plain values: accounts, members, rosters and the questions a roster answers, and the
//! caller who asks.
//!
//! A leaf: it imports nothing of ours, does no I/O and knows neither GraphQL, HTTP nor the upstream's JSON.

mod account;
mod caller;
mod clock;
mod contact;
mod cursor;
mod draft;
mod filter;
mod member;
mod order;
mod page;
mod roster;
mod row;
mod text;
mod timestamp;

pub use account::{Account, EmailAddress, InvalidEmail, UserType};
pub use caller::{Caller, CallerId, Credential, CredentialId, Grant, Grants, Refusal, RosterKey, Scopes};
pub use clock::Clock;
pub use contact::{Contact, Phone};
pub use cursor::{Cursor, CursorKey, InvalidCursor};
pub use draft::{Draft, OpenList};
pub use filter::{Filter, IntTest, StringTest, TimeTest};
pub use member::{ChatTransferPermission, LeadsVisibility, LiveAvailability, TeamMember, TeamMemberStatus};
pub use order::{Direction, Order, OrderField};
pub use page::{InvalidPage, Page, PageLimits, PageRequest};
pub use roster::{Drift, Role, Roster, SkippedRow, SnapshotId};
pub use row::{Row, TextField, Unrecognized};
pub use text::{Span, Text, TextList, fold};
pub use timestamp::Timestamp;
