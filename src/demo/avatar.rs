//! The profile pictures of the sample: SVGs with initials on a coloured background.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

pub(super) async fn avatar(Path((initials, hue)): Path<(String, String)>) -> Response {
    let hue = hue.strip_suffix(".svg").and_then(|hue| hue.parse::<u16>().ok()).filter(|hue| *hue < 360);
    let plain = initials.len() <= 2 && initials.bytes().all(|b| b.is_ascii_alphabetic() || b == b'*');
    let (Some(hue), true) = (hue, plain) else { return StatusCode::NOT_FOUND.into_response() };
    let initials = initials.replace('*', "•");
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\" role=\"img\">\
         <rect width=\"64\" height=\"64\" rx=\"32\" fill=\"hsl({hue} 55% 42%)\"/>\
         <text x=\"32\" y=\"41\" font-family=\"system-ui,sans-serif\" font-size=\"26\" fill=\"#fff\" \
         text-anchor=\"middle\">{initials}</text></svg>"
    );
    ([(CONTENT_TYPE, "image/svg+xml")], svg).into_response()
}
