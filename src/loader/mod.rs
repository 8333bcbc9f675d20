//! The loader: many keys of one request become few roster look-ups (the batching dataloader).

mod live_listener;
mod loader_factory;
mod lookups;
mod request_loader;

pub use live_listener::{LiveListener, LiveWatcher};
pub use loader_factory::LoaderFactory;
pub use request_loader::{Loaded, Loader, LookupSummary};
