//! GraphQL: what can be asked (`schema`), what is refused before it runs (`limits`), and how it is answered (`execute`).

mod documents;
mod error;
mod execute;
mod first_map;
mod inspect;
mod json;
mod language;
mod limits;
mod plan;
mod request_error;
mod schema;
mod schema_changes;

pub use documents::{InvalidManifest, Manifest, PersistedQuery, Reference, SharedDocuments};
pub use error::Code;
pub use execute::{
    AnswerBody, AuditedOperation, BenchDocument, BenchQuestion, BenchSteps, BenchValidDocument, Class, Delivery,
    Engine, EventSummary, GraphQlResponse, LiveRequest, LiveSubscription, OperationSlot, Request, Settings, Started,
};
pub use inspect::{
    Inspector, NotInspected, OperationKind, OperationReport, OperationSource, RefusedCost, TeamShape, operation_sources,
};
pub use language::Variables;
pub use schema::{api_sdl, federation_sdl};
pub use schema_changes::{ChangeClass, InvalidSchema, SchemaChange, schema_changes};
