//! Other spellings of a document that the specification gives the same meaning, and graphql-js does not.

use super::generate::Case;
use super::shrink::tokens;

const REASON: &str =
    "2.9.4: an escape in braces has any number of digits, and a block string is the same value as a string";

/// The request in the spelling that graphql-js understands, if that is another, and why it means the same.
pub fn respelled(case: &Case) -> Option<(Case, &'static str)> {
    let query: String = tokens(&case.query).iter().map(|token| respelled_token(token)).collect();
    (query != case.query).then(|| (Case { query, ..case.clone() }, REASON))
}

fn respelled_token(token: &str) -> String {
    let block = token.strip_prefix("\"\"\"").and_then(|rest| rest.strip_suffix("\"\"\""));
    if let Some(inner) = block {
        let is_plain = !inner.is_empty() && inner.chars().all(|c| c.is_ascii_alphanumeric());
        return if is_plain { format!("\"{inner}\"") } else { token.to_owned() };
    }
    if !token.starts_with('"') {
        return token.to_owned();
    }
    let mut respelled = String::new();
    let mut rest = token;
    while let Some(at) = rest.find('\\') {
        respelled.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(digits) = rest.strip_prefix("\\u{") {
            // At least one digit stays.
            let zeros = digits.bytes().take_while(|byte| *byte == b'0').count();
            let is_digit = digits[zeros..].starts_with(|c: char| c.is_ascii_hexdigit());
            respelled.push_str("\\u{");
            rest = &digits[if is_digit { zeros } else { zeros.saturating_sub(1) }..];
        } else {
            let length = rest.chars().take(2).map(char::len_utf8).sum();
            respelled.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    respelled + rest
}
