//! Weighted lists: the form that `Accept` and `Accept-Encoding` share (RFC 9110, 12.4.2).
//!
//! An element has a name, parameters and a weight from 0 to 1; the default weight is 1. An element with a malformed weight is
//! ignored.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName};
use smallvec::SmallVec;

/// One element of such a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element<'h> {
    /// In lower case.
    pub(super) name: Cow<'h, str>,
    /// Their names in lower case, their values without quotes; in order, without the weight.
    pub(super) parameters: Vec<(String, String)>,
    /// In thousandths; 0 says "not acceptable".
    pub(super) weight: u16,
}

/// The elements of all header fields of this name; `None` where there are none, because the header is absent or empty.
pub(super) fn list<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<SmallVec<[Element<'h>; 2]>> {
    let mut any = false;
    let mut elements = SmallVec::new();
    for value in headers.get_all(name) {
        match String::from_utf8_lossy(value.as_bytes()) {
            Cow::Borrowed(value) => split(value, ',').for_each(|text| {
                any = true;
                elements.extend(element(text));
            }),
            Cow::Owned(value) => split(&value, ',').for_each(|text| {
                any = true;
                elements.extend(element(text).map(Element::into_owned));
            }),
        }
    }
    any.then_some(elements)
}

impl Element<'_> {
    fn into_owned<'o>(self) -> Element<'o> {
        Element { name: Cow::Owned(self.name.into_owned()), parameters: self.parameters, weight: self.weight }
    }
}

/// The text in lower case, in which most are.
fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) { text.to_ascii_lowercase().into() } else { text.into() }
}

fn element(text: &str) -> Option<Element<'_>> {
    let mut parts = split(text, ';');
    let name = lower(parts.next()?);
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
