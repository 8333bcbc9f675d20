//! The service's domain as plain values: accounts, members, rosters and the questions a roster answers, callers and their
//! grants.
//!
//! A leaf: it imports nothing of ours, does no I/O and knows neither GraphQL, HTTP nor the upstream's JSON.

mod account;
mod cache_tag;
mod cached_roster;
mod caller;
mod caller_limits;
mod cancellation;
mod clock;
mod compiled_filter;
mod contact;
mod cursor;
mod fields;
mod filter;
mod folded_text;
mod groups;
mod id_index;
mod indexes;
mod invalidation;
mod json_str;
pub mod kinds;
mod live_team;
mod member;
mod member_record;
mod member_set;
mod member_test;
mod names;
mod order;
mod page;
mod permanent_token;
mod phone_search;
mod quota;
mod ranks;
mod recent_orders;
mod roster;
mod roster_builder;
mod roster_extent;
mod searches;
mod selection;
mod shared_texts;
mod sort_keys;
mod status;
mod team_difference;
mod team_listener;
mod timestamp;
mod unrecognized;
mod upstream_error;
mod vendor_message;

pub use account::{Account, EmailAddress, InvalidEmail};
pub use cache_tag::{AccountTags, CacheTag, CacheTagKey};
pub use cached_roster::{CacheResult, CachedRoster};
pub use caller::{
    AccessError, Caller, CallerId, Credential, CredentialId, Grant, Grants, IdentityHash, RosterKey, Scopes,
};
pub use caller_limits::CallerLimits;
pub use cancellation::{Cancellation, Cancelled, RowCounter};
pub use clock::Clock;
pub use contact::{Contact, Phone};
pub use cursor::{AccountHash, Cursor, InvalidCursor};
pub(crate) use fields::member_fields;
pub use fields::{ScalarField, Since};
pub use filter::{Filter, FilterField, IdSet, IntCondition, SearchText, TextCondition, TextSet, TimeCondition};
pub use folded_text::{Needle, fold_case, fold_for_search};
pub use groups::{Group, GroupKey, GroupOrder};
pub use invalidation::{Invalidation, InvalidationMode, InvalidationReport, InvalidationScope};
pub use json_str::{JsonSpan, JsonStr, JsonStrList};
pub use live_team::{FeedPrice, LiveTeam};
pub use member::TeamMember;
pub use member_record::{ContactRecord, MemberRecord, PhoneRecord};
pub use names::{ChatTransferPermission, LeadsVisibility, LiveAvailability, TeamMemberStatus, UserType};
pub use names::{Direction, GroupField, GroupOrderField, OrderField};
pub(crate) use names::{argument_enums, named_enums};
pub use order::Order;
pub use page::{InvalidPage, Page, PageLimits, PageRequest};
pub use permanent_token::PermanentToken;
pub use quota::{BudgetShare, PlanRoom, Pressure, RefreshPlan};
pub use roster::{Drift, Role, Roster, SkippedRow, SnapshotId};
pub use roster_builder::{Checkpoint, OpenList, RosterBuilder};
pub use roster_extent::RosterExtent;
pub use status::{ClusterStatus, KeptRoster, Pause, PauseReason, RosterStatus, SpentShare, UpstreamStatus};
pub use team_difference::TeamDifference;
pub use team_listener::TeamListener;
pub use timestamp::{PRINTED, Timestamp};
pub use unrecognized::Unrecognized;
pub use upstream_error::{ErrorKind, Fault, Malformed, Retry, UpstreamError};
