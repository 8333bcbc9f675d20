//! Documents that clients do not send: persisted queries, and the operator's trusted documents.

mod documents;
mod persisted;
mod trusted;

pub(super) use documents::{Documents, Hash, ResolvedDocument};
pub use documents::{PersistedQuery, Reference};
pub use trusted::{InvalidManifest, Manifest};
