//! Lists in OpenTelemetry's variables: `name=value,name=value`, whose values are percent-encoded, as in W3C Baggage.

use axum::http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

/// The items, each with its place from 1 on, or with what is wrong with it, without quoting it.
pub(super) fn items(list: &str) -> impl Iterator<Item = (usize, Result<(String, String), &'static str>)> {
    let items = list.split(',').map(str::trim).enumerate().map(|(place, item)| (place + 1, item));
    items.filter(|(_, item)| !item.is_empty()).map(|(place, text)| (place, item(text)))
}

fn item(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("is not `name=value`")?;
    let key = key.trim();
    if key.is_empty() {
        return Err("has no name");
    }
    Ok((key.to_owned(), decoded(value.trim()).ok_or("has a value that is not percent-encoded UTF-8")?))
}

fn decoded(value: &str) -> Option<String> {
    let is_digit = |digit: Option<&u8>| digit.is_some_and(u8::is_ascii_hexdigit);
    let bytes = value.as_bytes();
    let mut signs = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    let is_encoded = signs.all(|(at, _)| is_digit(bytes.get(at + 1)) && is_digit(bytes.get(at + 2)));
    // The library leaves a sign alone that begins no code.
    is_encoded.then(|| percent_decode_str(value).decode_utf8().ok().map(Into::into)).flatten()
}

/// Whether it is a field of HTTP.
pub(super) fn header(name: &str, value: &str) -> Result<(), &'static str> {
    HeaderName::try_from(name).map_err(|_| "has a name that is no header field's")?;
    HeaderValue::from_str(value).map(drop).map_err(|_| "has a value that is no header field's")
}
