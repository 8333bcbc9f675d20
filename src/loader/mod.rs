//! The loader: many keys of one request become few roster look-ups (the batching dataloader).

mod request_loader;

pub use request_loader::{Loaded, Loader, LookupSummary};
