//! Attacks: documents (`documents`), and every other part of a request, that cost as much as possible. Each is refused with a
//! small answer, or served within the documented memory and without delaying other callers.
//!
//! Most of them run against the real binary in its own process (`victim`), whose processor time and memory the system counts.
//! `worst` searches for further ones.

mod answers;
mod bodies;
mod documents;
mod gaps;
mod handshakes;
mod introspection;
mod lists;
mod measured;
mod mentions;
mod neighbour;
mod prepared;
mod shape;
mod subscriptions;
mod variables;
mod victim;
mod worst;
