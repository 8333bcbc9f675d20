//! Content negotiation: which of GraphQL's two media types an answer has (GraphQL over HTTP, "Media Types").

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// The media type of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum MediaType {
    /// `application/graphql-response+json`: the status says whether the request was fine.
    GraphQlResponse,
    /// `application/json`: 200 for whatever is a GraphQL answer.
    Json,
}

impl MediaType {
    pub(in crate::http) fn header(self) -> &'static str {
        match self {
            Self::GraphQlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// What `Accept` likes best; plain JSON where it does not say, and `None` where it wants neither.
pub(in crate::http) fn accepted(headers: &HeaderMap) -> Option<MediaType> {
    let mut ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if ranges.peek().is_none() {
        return Some(MediaType::Json);
    }
    let mut best: Option<(f32, MediaType)> = None;
    for range in ranges.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media_type = match parts.next().map(str::to_ascii_lowercase).as_deref() {
            Some("application/graphql-response+json") => MediaType::GraphQlResponse,
            Some("application/json" | "application/*" | "*/*") => MediaType::Json,
            _ => continue,
        };
        let (mut quality, mut other_charset) = (1.0, false);
        for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => quality = value.trim().parse().unwrap_or(0.0),
                "charset" => other_charset = !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8"),
                _ => {}
            }
        }
        let better = match best {
            None => true,
            // Of two that are liked equally, the one that was made for GraphQL.
            Some((known, _)) => quality > known || (quality == known && media_type == MediaType::GraphQlResponse),
        };
        if quality > 0.0 && !other_charset && better {
            best = Some((quality, media_type));
        }
    }
    best.map(|(_, media_type)| media_type)
}
