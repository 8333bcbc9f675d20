//! The trace context of W3C, in and out: `traceparent`, and `tracestate` as it came.
//!
//! Reading them takes no memory. What does not follow the specification counts as absent, as it demands.

use std::str::FromStr as _;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// The length of a `traceparent` of version 00, in bytes.
const LENGTH: usize = 55;
/// The longest `tracestate` that is passed on, in bytes, and its most members.
const STATE_LIMIT: usize = 512;
const MEMBERS_LIMIT: usize = 32;
const SAMPLED: u128 = 1;

/// Where in which trace something happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    pub(super) sampled: bool,
    /// The entries of other systems.
    state: Option<HeaderValue>,
}

impl TraceContext {
    /// The context that a request came with.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let (trace, span, sampled) = parse(value.as_bytes())?;
        Some(Self { trace, span, sampled, state: state(headers) })
    }

    /// The beginning of a trace.
    pub(super) fn root() -> Self {
        Self { trace: TraceId::from(fastrand::u128(1..)), span: new_span(), sampled: false, state: None }
    }

    /// Something below this, in the same trace.
    pub(super) fn child(&self) -> Self {
        Self { span: new_span(), ..self.clone() }
    }

    /// The header fields that pass it on.
    pub(super) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
        let parent = format!("00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.sampled));
        let parent = HeaderValue::try_from(parent).ok().map(|parent| (TRACEPARENT, parent));
        parent.into_iter().chain(self.state.clone().map(|state| (TRACESTATE, state)))
    }

    /// As the library has it.
    pub(super) fn library(&self, is_remote: bool) -> SpanContext {
        let state = self.state.as_ref().and_then(|state| TraceState::from_str(state.to_str().ok()?).ok());
        let flags = TraceFlags::default().with_sampled(self.sampled);
        SpanContext::new(self.trace, self.span, flags, is_remote, state.unwrap_or_default())
    }
}

/// It need not be a secret, only another one each time.
fn new_span() -> SpanId {
    SpanId::from(fastrand::u64(1..))
}

/// Version, trace, parent and flags. A later version begins like 00, and may go on.
fn parse(text: &[u8]) -> Option<(TraceId, SpanId, bool)> {
    let (known, rest) = text.split_at_checked(LENGTH)?;
    let version = hex(&known[..2])?;
    let ends = rest.is_empty() || (version > 0 && rest[0] == b'-');
    let dashes = [2, 35, 52].iter().all(|at| known[*at] == b'-');
    let (trace, span, flags) = (hex(&known[3..35])?, hex(&known[36..52])?, hex(&known[53..])?);
    let valid = version != 0xff && ends && dashes && trace != 0 && span != 0;
    valid.then(|| (TraceId::from(trace), SpanId::from(span as u64), flags & SAMPLED != 0))
}

/// Digits in lower case, at most 32.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

/// The list of other systems' notes, where it is one.
fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut values = headers.get_all(TRACESTATE).iter();
    let first = values.next()?;
    // Several fields are one list.
    let list = match values.next() {
        None => first.clone(),
        Some(second) => {
            let all = [first, second].into_iter().chain(values).map(HeaderValue::as_bytes);
            HeaderValue::from_bytes(&all.collect::<Vec<_>>().join(&b',')).ok()?
        }
    };
    let members = list.to_str().ok()?.split(',').map(str::trim);
    let is_short = list.len() <= STATE_LIMIT && members.clone().count() <= MEMBERS_LIMIT;
    let is_list = members.clone().all(|member| member.is_empty() || is_member(member));
    (is_short && is_list && !members.clone().all(str::is_empty)).then_some(list)
}

fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else { return false };
    let of_key = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/@".contains(&b);
    let of_value = |b: u8| (b' '..=b'~').contains(&b) && b != b'=';
    !key.is_empty() && key.bytes().all(of_key) && !value.is_empty() && value.len() <= 256 && value.bytes().all(of_value)
}
