//! What the service is about, as plain values: accounts, members, rosters and the questions a roster answers, and the
//! caller who asks.
//!
//! A leaf: it imports nothing of ours, does no I/O and knows neither GraphQL, HTTP nor the upstream's JSON.

mod account;
mod caller;
mod clock;
mod contact;
mod cursor;
mod filter;
mod json_str;
mod member;
mod member_record;
mod order;
mod page;
mod quota;
mod roster;
mod roster_builder;
mod timestamp;
mod upstream_error;

pub use account::{Account, EmailAddress, InvalidEmail, UserType};
pub use caller::{AccessError, Caller, CallerId, Credential, CredentialId, Grant, Grants, RosterKey, Scopes};
pub use clock::Clock;
pub use contact::{Contact, Phone};
pub use cursor::{Cursor, CursorKey, InvalidCursor};
pub use filter::{Filter, IntTest, StringTest, TimeTest};
pub use json_str::{JsonStr, JsonStrList, Span, fold};
pub use member::{ChatTransferPermission, LeadsVisibility, LiveAvailability, TeamMember, TeamMemberStatus};
pub use member_record::{MemberRecord, TextField, Unrecognized};
pub use order::{Direction, Order, OrderField};
pub use page::{InvalidPage, Page, PageLimits, PageRequest};
pub use quota::{BudgetShare, Pressure};
pub use roster::{Drift, Role, Roster, SkippedRow, SnapshotId};
pub use roster_builder::{OpenList, RosterBuilder};

pub use timestamp::Timestamp;
pub use upstream_error::{ErrorKind, Fault, Malformed, Retry, UpstreamError};
