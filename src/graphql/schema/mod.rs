//! The schema: what can be asked, described for the people who read it in an explorer.
//!
//! Every field of a member, a role or a connection is a view of one snapshot; only the root fields and the entities load
//! anything. A root field is nullable, so that one failing account never nulls the others.

mod account;
mod builder;
mod connection;
mod contact;
mod entities;
mod enums;
mod federation_schema;
mod filter;
mod filter_reader;
mod groups;
mod list_arguments;
mod metered;
mod mutation;
mod node;
mod order;
mod query;
mod response_meter;
mod role;
mod scalars;
mod sdl;
mod session;
mod skipped_row;
mod subgraph_sdl;
mod subscription;
mod team;
mod team_member;

pub(super) use account::account_of;
pub use builder::api_sdl;
pub(super) use builder::{ApiRoot, SubgraphRoot, build, served_sdl};
pub(super) use entities::{EntityType, Representation, ServedSdl};
pub use federation_schema::federation_sdl;
pub(super) use filter_reader::{FilterContext, FilterValue, filter_of, read_filter, unreadable};
pub(super) use groups::{PreparedGroups, int, sum};
pub(super) use list_arguments::{ListParts, PreparedList, list_length};
pub(super) use mutation::Mutation;
pub(super) use order::{TeamMemberOrder, order};
pub(super) use response_meter::ResponseMeter;
pub(super) use session::{Session, View, Views};
pub(super) use subscription::Subscription;
