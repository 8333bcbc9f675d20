//! The webhook: tells a cache in front of the service, such as a router's, which of its answers are no longer true.
//!
//! A leaf that knows the router's endpoint and nothing of ours but `model`. `roster` tells it of changes through the model's
//! `TeamListener`; it never blocks a load, and what it cannot post is dropped and counted.

mod notifier;
mod pending;
mod post;
mod retry_budget;
mod sender;

pub use notifier::Webhook;
pub use post::{InvalidWebhook, PostSecret};
