//! The upstream: the only stage that knows the HTTP client and the REST shapes, and how much of the vendor's plan may be spent.
//!
//! Reading a team, step by step (`guarded`): reserve calls in the `budget` → acquire a permit → ask the breaker (`protect`) →
//! record the call → send it and judge the status (`transport`) → split and decode the body while it arrives (`decode`) →
//! retry once where that may help → one roster. A paged endpoint is read page by page.
//! Invariant: a roster is whole or absent, no call is made that is not recorded, and an error holds nothing secret or personal.

mod attempt;
mod budget;
mod decode;
mod guarded;
mod interface;
mod list;
mod live_check;
mod protect;
mod status;
mod token_call;
mod transport;

pub use budget::{Budget, InvalidLedger};
pub use decode::{RowPage, decode, decode_ahead, decode_roster, encode_roster};
pub use guarded::GuardedUpstream;
pub use interface::{Called, Endpoint, FetchedRoster, Load, LoadObserver, Need, Upstream};
pub use live_check::check_live;
pub use protect::probe_backoff;
pub use transport::{Client, Findings, Inspection, InvalidClient, RateLimit, Selects};
