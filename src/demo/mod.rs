//! The sample Flowmatix: a stand-in upstream for trying the service, and the upstream of its tests.
//!
//! It knows the wire shapes and nothing else. It listens on loopback addresses only: its controls need no credential.

mod accounts;
mod avatar;
mod calls;
mod faults;
mod people;
mod plan;
mod sample;
mod scripted;
mod server;
mod switches;
mod teams;

pub use accounts::{ACCOUNTS, AGENCY_TOKEN, DemoAccount};
pub use calls::ReceivedCall;
pub use sample::Demo;
pub use scripted::Scripted;
pub use switches::{DemoSwitches, InvalidSwitches};
