//! Attacks: the worst that fits into a document (`documents`) and into everything else of a request. Refused small and fast,
//! within the memory that is documented, and without holding up others.
//!
//! Most of them are against the real binary in a process of its own (`victim`), whose processor time and memory the system
//! counts. `worst` searches for requests that nobody thought of.

mod answers;
mod bodies;
mod documents;
mod gaps;
mod lists;
mod measured;
mod neighbour;
mod prepared;
mod shape;
mod variables;
mod victim;
mod worst;
