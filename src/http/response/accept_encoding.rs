//! Content codings of answers: which one `Accept-Encoding` asks for (RFC 9110, 12.5.3).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

use super::quality;

/// How an answer may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// As it is.
    Identity,
    /// With this coding, where it is long enough for that to pay.
    Preferred(&'static str),
    /// With this coding, however short it is: the request refuses plain bytes.
    Required(&'static str),
}

/// The codings that there are, the best first, and another name that one has.
const CODINGS: [(&str, &str); 3] = [("zstd", "zstd"), ("br", "br"), ("gzip", "x-gzip")];

/// The coding that the request weighs most, the best of those that it weighs the same; `None` where it accepts none.
pub(super) fn chosen(headers: &HeaderMap) -> Option<Coding> {
    let Some(elements) = quality::list(headers, &ACCEPT_ENCODING) else { return Some(Coding::Identity) };
    let weight_of =
        |name: &str| elements.iter().filter(|element| element.name == name).map(|element| element.weight).max();
    let others = weight_of("*");
    let identity = weight_of("identity");
    let weighed = CODINGS.iter().filter_map(|(name, alias)| {
        let weight = weight_of(name).or_else(|| weight_of(alias)).or(others)?;
        (weight > 0).then_some((*name, weight))
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
