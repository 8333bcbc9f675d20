//! Negotiation of content codings: selects the coding of a response by `Accept-Encoding` (RFC 9110, 12.5.3).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

use super::quality;

/// The coding of a response, named as the request's `Accept-Encoding` has it from now on: where brotli is acceptable too, it is named
/// behind the coding, for what is stored as brotli.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// No coding.
    Identity,
    /// This coding, where the response is long enough to profit.
    Preferred(&'static str),
    /// This coding always: the request refuses identity.
    Required(&'static str),
}

/// The supported codings with their aliases, the preferred one first, and how each is named where brotli is acceptable too.
const CODINGS: [(&str, &str, &str); 3] =
    [("zstd", "zstd", "zstd, br;q=0.5"), (BROTLI, BROTLI, BROTLI), ("gzip", "x-gzip", "gzip, br;q=0.5")];
/// The coding that built-in files are stored in.
pub(in crate::http) const BROTLI: &str = "br";

/// The coding with the greatest weight, the preferred one among equals; `None` where none is acceptable.
pub(super) fn choose(headers: &HeaderMap) -> Option<Coding> {
    let Some(elements) = quality::list(headers, &ACCEPT_ENCODING) else { return Some(Coding::Identity) };
    let weight_of =
        |name: &str| elements.iter().filter(|element| element.name == name).map(|element| element.weight).max();
    let others = weight_of("*");
    let identity = weight_of("identity");
    let brotli = weight_of(BROTLI).or(others).is_some_and(|weight| weight > 0);
    let weighed = CODINGS.iter().filter_map(|(name, alias, beside_brotli)| {
        let weight = weight_of(name).or_else(|| weight_of(alias)).or(others)?;
        (weight > 0).then_some((if brotli { *beside_brotli } else { *name }, weight))
    });
    // The first of the best.
    let best = weighed.fold(None, |best: Option<(&'static str, u16)>, next| match best {
        Some((_, weight)) if weight >= next.1 => best,
        _ => Some(next),
    });
    match (best, identity.or(others.filter(|weight| *weight == 0))) {
        (None, Some(0)) => None,
        (Some((name, _)), Some(0)) => Some(Coding::Required(name)),
        (Some((name, weight)), plain) if plain.is_none_or(|plain| weight >= plain) => Some(Coding::Preferred(name)),
        _ => Some(Coding::Identity),
    }
}

/// Whether a response that is stored as brotli is sent as it is, which is so wherever brotli is acceptable and nothing is preferred
/// to codings.
pub(in crate::http) fn takes_brotli(headers: &HeaderMap) -> bool {
    match choose(headers) {
        Some(Coding::Preferred(name) | Coding::Required(name)) => {
            name.split(", ").any(|element| element.split(';').next() == Some(BROTLI))
        }
        Some(Coding::Identity) | None => false,
    }
}
