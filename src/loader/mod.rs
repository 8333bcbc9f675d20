//! The loader: many keys of one request become few roster look-ups (the batching dataloader).

mod loader_factory;
mod request_loader;

pub use loader_factory::{LoaderFactory, TeamListener, TeamState, TeamWatcher};
pub use request_loader::{Loaded, Loader, LookupSummary};
