//! GraphQL: what can be asked (`schema`), what is refused before it runs (`limits`), and how it is answered (`execute`).

mod documents;
mod error;
mod execute;
mod fill;
mod language;
mod limits;
mod schema;

pub use documents::{InvalidManifest, Manifest, PersistedQuery, Reference};
pub use error::Code;
pub use execute::{Answer, Class, Document, Engine, Question, Request, Settings, Steps};
pub use schema::{api_sdl, federation_sdl};

pub use crate::upstream::Share;
pub use async_graphql::Variables;
