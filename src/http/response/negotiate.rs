//! Content negotiation: selects one of GraphQL's two media types (RFC 9110, 12.5.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

use super::quality::{self, Element};

/// The media type of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum MediaType {
    /// `application/graphql-response+json`: the status says whether the request was fine.
    GraphQlResponse,
    /// `application/json`: 200 for every answer to a well-formed GraphQL request.
    Json,
}

impl MediaType {
    /// As `Content-Type` has it.
    pub(in crate::http) fn header(self) -> &'static str {
        match self {
            Self::GraphQlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::GraphQlResponse => "application/graphql-response+json",
            Self::Json => "application/json",
        }
    }
}

/// The form of a stream in a response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum StreamType {
    /// `text/event-stream`.
    ServerSentEvents,
    /// `multipart/mixed` with `subscriptionSpec=1.0`.
    Multipart,
}

/// The form of a stream that the request accepts, the one with the greater weight where it accepts both; `None` where it
/// accepts none.
pub(in crate::http) fn accepted_stream(headers: &HeaderMap) -> Option<StreamType> {
    let ranges = quality::list(headers, &ACCEPT)?;
    let weigh = |fits: &dyn Fn(&Element) -> bool| {
        ranges.iter().filter(|range| fits(range)).map(|range| range.weight).max().unwrap_or_default()
    };
    let events = weigh(&|range| range.name == "text/event-stream");
    let parts = weigh(&|range| {
        let specified =
            |(name, value): &(String, String)| name == "subscriptionspec" && matches!(value.as_str(), "1.0" | "1");
        range.name == "multipart/mixed" && range.parameters.iter().any(specified)
    });
    match (events, parts) {
        (0, 0) => None,
        (events, parts) if parts >= events => Some(StreamType::Multipart),
        _ => Some(StreamType::ServerSentEvents),
    }
}

/// The media type with the greater weight in `Accept`; `None` where neither is accepted. With equal weights
/// `application/graphql-response+json` wins if it is named; otherwise, and without `Accept`, `application/json` does.
pub(in crate::http) fn accepted(headers: &HeaderMap) -> Option<MediaType> {
    let Some(ranges) = quality::list(headers, &ACCEPT) else { return Some(MediaType::Json) };
    let weigh = |media_type| ranges.iter().filter_map(|range| fit(range, media_type)).max().unwrap_or_default();
    let (graphql, json) = (weigh(MediaType::GraphQlResponse), weigh(MediaType::Json));
    match (graphql.weight, json.weight) {
        (0, 0) => None,
        (graphql, json) if graphql > json => Some(MediaType::GraphQlResponse),
        (equal, json) if equal == json && graphql.precision == Precision::Type => Some(MediaType::GraphQlResponse),
        _ => Some(MediaType::Json),
    }
}

/// How exactly a range names a media type. The most precise range decides, whatever the weights of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    #[default]
    None,
    Anything,
    Application,
    Type,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    precision: Precision,
    weight: u16,
}

/// How a range matches a media type. Responses are UTF-8, so a range with another charset does not match.
fn fit(range: &Element<'_>, media_type: MediaType) -> Option<Fit> {
    let precision = match &*range.name {
        // Some old clients send a lone star.
        "*/*" | "*" => Precision::Anything,
        "application/*" => Precision::Application,
        name if name == media_type.name() => Precision::Type,
        _ => return None,
    };
    let foreign = |(name, value): &(String, String)| name == "charset" && !value.eq_ignore_ascii_case("utf-8");
    (!range.parameters.iter().any(foreign)).then_some(Fit { precision, weight: range.weight })
}
