//! One test binary; a module is a topic. Tests talk to the real service over real sockets, with the sample Flowmatix, or a
//! script of its, as the vendor.
// Tests start tasks and read clocks as they like.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, unreachable_pub)]

mod support;

mod accounts;
mod api_keys;
mod architecture;
mod attacks;
mod batches;
mod batching;
mod bodies;
mod browsers;
mod cases;
mod changing_lists;
mod check;
mod command_line;
mod compute;
mod configuration;
mod conformance;
mod credentials;
mod cursors;
mod decode;
mod document_ids;
mod documents;
mod engine;
mod entities;
mod faults;
mod fuzz;
mod generated_configurations;
mod grants;
mod groups;
mod guarded;
mod http;
mod http_bodies;
mod http_framing;
mod http_negotiation;
mod jwt;
mod language;
mod leaks;
mod ledger;
mod limits;
mod lists;
mod live;
mod logs;
mod member_fields;
mod node;
mod null_operators;
mod oracle;
mod outcomes;
mod overload;
mod paging;
mod persisted;
mod prepared;
mod properties;
mod reference_front;
mod reuse;
mod row_isolation;
mod sample;
mod scopes;
mod team;
mod tenants;
mod text;
mod throttles;
mod tls;
mod tokens;
