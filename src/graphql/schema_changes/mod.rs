//! Changes of the contract: what of an older schema's clients a newer schema breaks, may surprise, or leaves alone.
//!
//! `compare` walks types and directives, `fields` objects, interfaces, enums and unions, `inputs` what clients send. The classes
//! are those of graphql-js (`findBreakingChanges`, `findDangerousChanges`), which a test compares with; where graphql-js says
//! nothing, `compare` says why a change has its class.

mod change;
mod compare;
mod describe;
mod fields;
mod inputs;
mod versions;

pub use change::{ChangeClass, SchemaChange};
pub use compare::{InvalidSchema, schema_changes};
