//! Documents that clients do not send: persisted queries, and the operator's trusted documents.

mod documents;
mod hash;
mod persisted;
mod shared;
mod trusted;

pub(super) use documents::{Documents, ResolvedDocument, not_listed};
pub use documents::{PersistedQuery, Reference};
pub(super) use hash::Hash;
pub use shared::SharedDocuments;
pub use trusted::{InvalidManifest, Manifest};
