//! Decoding: response bytes become rows of a roster, each row on its own.
//!
//! The steps: `envelope` splits the body into rows while it arrives (`scan` finds where one ends, `boundary` where one ends
//! whose brackets do not say) → `rows` reads each of them (`json` for the syntax,
//! `fields` for the names, `value` for the values), some of them `ahead` → `pages` joins the pages of a paged list.

pub(super) mod ahead;
mod boundary;
pub(super) mod envelope;
pub(super) mod fields;
mod input;
mod json;
mod pages;
pub(super) mod permanent_token;
mod row;
mod rows;
mod scan;
mod snapshot;
mod value;

pub(super) use pages::{ListProgress, PageRead, Pages};
pub use pages::{RowPage, decode, decode_ahead};
pub(super) use rows::DecodedRows;
pub use snapshot::{decode_roster, encode_roster};
