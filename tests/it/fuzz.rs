//! The harness of the fuzz targets, with a few thousand generated cases of almost valid bytes.

use proptest::prelude::*;

#[path = "../../fuzz/harness.rs"]
mod harness;

/// Pieces of a language, in any order, with anything between them.
fn pieces(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        20 => prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
        2 => "[ -~\\n]{0,4}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..3),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

const DOCUMENT: &[&str] = &[
    "{ ",
    "} ",
    "(",
    ") ",
    "[",
    "]",
    "query ",
    "fragment f on Query ",
    "...f ",
    "... on TeamMember ",
    "teamMembers",
    "nodes ",
    "name ",
    "role ",
    "members",
    "id ",
    "a: ",
    "first: 3",
    "$n",
    ": Int ",
    "= 1",
    "@skip(if: true) ",
    "\"",
    "\"\"\"",
    "#",
    "\\",
    "account: {email: \"a@b.example\", type: AGENT}",
    "_entities(representations: [{__typename: \"Role\", id: 1}])",
    "__schema ",
    "__typename ",
    "1e9 ",
    "-",
    "null ",
    "{\"query\":\"",
    "\",\"variables\":{",
    "\"n\":1}",
    "}",
    ",",
    "\u{feff}",
    "🏃",
    "\0",
];
const BODY: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"success\":true",
    "\"data\":",
    "\"_id\":\"65f1\"",
    "\"name\":",
    "\"a\\\"b\"",
    "\"contact\":",
    "\"phone\":",
    "null",
    "true",
    "1",
    "-1.5e3",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"code\":200",
    "\"updatedAt\":\"2024-01-01T00:00:00Z\"",
    " ",
    "\n",
    "{\"_id\":\"a\"}",
    "\"_role\":\"r\"",
    "\"type\":\"AGENT\"",
    "\"meta\":{\"total\":3}",
    "\\",
    "\"",
];
const HEADERS: &[&str] = &[
    "query=%7B__typename%7D",
    "query={roles{id}}",
    "&variables=",
    "%7B%7D",
    "{\"a\":1}",
    "&operationName=x",
    "&extensions=",
    "{\"persistedQuery\":{\"version\":1,\"sha256Hash\":\"",
    "ab",
    "\"}}",
    "\n",
    "accept:",
    "*/*",
    "application/json",
    ";q=0.5",
    ",",
    "authorization:Bearer ",
    "token",
    "x-flowmatix-email:",
    "a@b.example",
    "x-flowmatix-type:",
    "AGENT",
    "x-request-id:",
    "host:",
    "localhost",
    "x-forwarded-for:",
    "%",
    "&",
    "=",
    "content-type:application/json",
    "x-flowmatix-show-cost:true",
    "accept-encoding:gzip",
];

const FRAMES: &[&str] = &[
    "\0",
    "\u{1}",
    "\u{2}",
    "\u{3}",
    "{\"type\":\"subscribe\",\"id\":\"a\",\"payload\":{\"query\":\"{__typename}\"}}",
    "{\"type\":\"subscribe\",\"id\":\"b\",\"payload\":{\"query\":\"subscription{team{stale}}\"}}",
    "{\"type\":\"complete\",\"id\":\"a\"}",
    "{\"type\":\"ping\"}",
    "{\"type\":\"pong\"}",
    "{\"type\":\"connection_init\",\"payload\":{\"authorization\":\"Bearer u\"}}",
    "{\"type\":",
    "\"subscribe\"",
    "\"id\":",
    "\"payload\":",
    "{",
    "}",
    ",",
    "null",
    "\n",
    "\u{81}",
    "~",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_frames_are_answered_or_closed_with_a_code_that_was_meant(bytes in pieces(FRAMES)) {
        harness::frames(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_body_is_refused_or_answered(bytes in pieces(DOCUMENT)) {
        harness::request(&bytes);
    }

    #[test]
    fn any_upstream_body_is_read_the_same_however_it_is_cut(bytes in pieces(BODY)) {
        harness::upstream(&bytes);
    }

    #[test]
    fn any_headers_and_query_strings_are_refused_or_answered(bytes in pieces(HEADERS)) {
        harness::headers(&bytes);
    }
}
