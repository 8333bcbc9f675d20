//! Weighted lists: the form that `Accept` and `Accept-Encoding` share (RFC 9110, 12.4.2).
//!
//! An element has a name, parameters and a weight from 0 to 1; the default weight is 1. An element with a malformed weight is
//! ignored.

use axum::http::{HeaderMap, HeaderName};

/// One element of such a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element {
    /// In lower case.
    pub(super) name: String,
    /// Their names in lower case, their values without quotes; in order, without the weight.
    pub(super) parameters: Vec<(String, String)>,
    /// In thousandths; 0 says "not acceptable".
    pub(super) weight: u16,
}

/// The elements of all header fields of this name; `None` where there are none, because the header is absent or empty.
pub(super) fn list(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<Element>> {
    let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let mut any = false;
    let mut elements = Vec::new();
    for value in values {
        for text in split(&value, ',') {
            any = true;
            elements.extend(element(text));
        }
    }
    any.then_some(elements)
}

fn element(text: &str) -> Option<Element> {
    let mut parts = split(text, ';');
    let name = parts.next()?.to_ascii_lowercase();
    let mut element = Element { name, parameters: Vec::new(), weight: 1000 };
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (name.trim().to_ascii_lowercase(), unquote(value.trim()));
        if name == "q" {
            element.weight = weight(&value)?;
            // Parameters after the weight are extensions of the list.
            break;
        }
        element.parameters.push((name, value));
    }
    Some(element)
}

/// The non-empty parts between separators that are not inside quotes, trimmed.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == separator && !quoted,
        }
        false
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

fn unquote(value: &str) -> String {
    match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        Some(inside) => inside.replace('\\', ""),
        None => value.to_owned(),
    }
}

/// A weight in thousandths. Java's default, `.2`, has no digit in front, and some clients write more than three behind.
fn weight(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if text.is_empty() || text == "." || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u16 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let thousandths = fraction.bytes().chain(*b"000").take(3).fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    let weight = whole.checked_mul(1000)?.checked_add(thousandths)?;
    // 0.0001 is not "not acceptable".
    let rounded = if weight == 0 && fraction.bytes().any(|digit| digit != b'0') { 1 } else { weight };
    (rounded <= 1000).then_some(rounded)
}
