//! One test binary; a module is a topic. Tests talk to the real service over real sockets, with the sample Flowmatix, or a
//! script of its, as the vendor.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod support;

mod accounts;
mod api_keys;
mod architecture;
mod attacks;
mod batches;
mod batching;
mod browsers;
mod cases;
mod check;
mod command_line;
mod configuration;
mod credentials;
mod cursors;
mod decode;
mod documents;
mod engine;
mod entities;
mod faults;
mod fuzz;
mod grants;
mod guarded;
mod http;
mod jwt;
mod leaks;
mod ledger;
mod limits;
mod lists;
mod logs;
mod oracle;
mod outcomes;
mod overload;
mod paging;
mod persisted;
mod prepared;
mod properties;
mod reference_front;
mod reuse;
mod sample;
mod scopes;
mod tenants;
mod throttles;
mod tls;
