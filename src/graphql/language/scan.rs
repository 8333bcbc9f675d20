//! The pre-check: one pass over the document's bytes, before the parser, whose stack and time small texts can exhaust.
//!
//! It recognises only what it needs to count tokens and brackets: comments, strings and block strings.

use crate::config;
use crate::graphql::error::Code;
use crate::graphql::request_error::RequestError;

/// Rejects a text that must not reach the parser, and returns how many tokens it has. `total` counts the tokens of all texts of
/// an HTTP request.
pub(in crate::graphql) fn check_text(
    text: &str,
    total: &mut usize,
    limits: &config::GraphQlConfig,
) -> Result<usize, RequestError> {
    let before = *total;
    *total = check(text, before, limits)?;
    Ok(*total - before)
}

/// Counts the tokens of a text that was scanned before.
pub(in crate::graphql) fn check_tokens(
    tokens: usize,
    total: &mut usize,
    limits: &config::GraphQlConfig,
) -> Result<(), RequestError> {
    *total = total.saturating_add(tokens);
    if *total > limits.tokens_limit { Err(too_many_tokens(limits)) } else { Ok(()) }
}

/// Looks through `text`, and returns how many tokens there are with those `before` it.
fn check(text: &str, before: usize, limits: &config::GraphQlConfig) -> Result<usize, RequestError> {
    let document_limit = usize::try_from(limits.document_limit.as_u64()).unwrap_or(usize::MAX);
    if text.len() > document_limit {
        return Err(RequestError::past(Code::RequestTooLarge, "the document's length in bytes", document_limit));
    }
    let bytes = text.as_bytes();
    let (mut at, mut tokens, mut depth) = (0, before, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        let length = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at += length_while(&bytes[at..], |b| b != b'\n' && b != b'\r');
                continue;
            }
            b'"' => string_length(&bytes[at..]),
            b'{' | b'[' | b'(' => {
                depth += 1;
                if depth > limits.nesting_limit {
                    return Err(RequestError::past(
                        Code::MaxRecursion,
                        "the nesting of brackets",
                        limits.nesting_limit,
                    ));
                }
                1
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                1
            }
            byte if is_word(byte) => length_while(&bytes[at..], is_word),
            _ => 1,
        };
        tokens += 1;
        if tokens > limits.tokens_limit {
            return Err(too_many_tokens(limits));
        }
        at += length;
    }
    Ok(tokens)
}

fn too_many_tokens(limits: &config::GraphQlConfig) -> RequestError {
    RequestError::past(Code::MaxTokens, "the number of tokens", limits.tokens_limit)
}

/// Names, numbers, and everything that is not ASCII, which the parser judges.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+') || byte >= 0x80
}

pub(super) fn length_while(bytes: &[u8], holds: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !holds(byte)).unwrap_or(bytes.len())
}

/// The length of the string that begins at the front, or of all there is when it does not end.
pub(super) fn string_length(bytes: &[u8]) -> usize {
    let (block, mut at) = if bytes.starts_with(b"\"\"\"") { (true, 3) } else { (false, 1) };
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        at += match byte {
            b'\\' if block && rest.starts_with(b"\\\"\"\"") => 4,
            b'\\' if !block => 2,
            b'"' if block && rest.starts_with(b"\"\"\"") => return at + 3,
            b'"' if !block => return at + 1,
            // A string ends with its line, whether it was closed or not.
            b'\n' | b'\r' if !block => return at,
            _ => 1,
        };
    }
    bytes.len()
}
