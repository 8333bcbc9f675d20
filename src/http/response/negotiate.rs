//! Content negotiation: which of GraphQL's two media types an answer has (RFC 9110, 12.5.1).

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

/// The media type that `Accept` weighs most, and `None` where it accepts neither. Where it weighs both the same, it is the one
/// made for GraphQL if that is named, and plain JSON if wildcards stand for both, or nothing is said.
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

/// How exactly a range names a media type. The most precise one decides, whatever others weigh.
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

/// What a range says of a media type, if anything. Answers are UTF-8: a range of another charset is of something else.
fn fit(range: &Element, media_type: MediaType) -> Option<Fit> {
    let precision = match range.name.as_str() {
        // A lone star is what some clients of old send.
        "*/*" | "*" => Precision::Anything,
        "application/*" => Precision::Application,
        name if name == media_type.name() => Precision::Type,
        _ => return None,
    };
    let foreign = |(name, value): &(String, String)| name == "charset" && !value.eq_ignore_ascii_case("utf-8");
    (!range.parameters.iter().any(foreign)).then_some(Fit { precision, weight: range.weight })
}
