//! A GraphQL service layer in front of the Flowmatix team-members endpoint.
//!
//! A request travels one way, and its answer comes back:
//!
//! ```text
//! http ──► graphql ──► loader ──► roster ──► upstream          leaves: model · config · telemetry
//!   └─► auth
//! ```
//!
//! `app` builds the hops and is the only module that knows them all; `cli` calls `app`; `demo` is the upstream in a box.

pub mod app;
pub mod cli;
pub mod demo;

pub mod http;

pub mod auth;
pub mod graphql;
pub mod loader;
pub mod roster;
pub mod upstream;

pub mod config;
pub mod model;
pub mod telemetry;
