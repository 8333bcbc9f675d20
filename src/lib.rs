//! A GraphQL service layer in front of the Flowmatix team-members endpoint.
//!
//! A request travels one way, stage by stage, and its response comes back the same way:
//!
//! ```text
//! http ──► graphql ──► loader ──► roster ──► upstream          leaves: model · config · telemetry · compute ·
//!   └─► auth                                                               cluster · forecast · files · webhook
//! ```
//!
//! `app` builds the stages and is the only module that knows them all; `cli` calls `app`; `demo` is a sample upstream.

pub mod app;
pub mod cli;
pub mod demo;

pub mod http;

pub mod auth;
pub mod graphql;
pub mod loader;
pub mod roster;
pub mod upstream;

pub mod cluster;
pub mod compute;
pub mod config;
pub mod files;
pub mod forecast;
pub mod model;
pub mod telemetry;
pub mod webhook;
