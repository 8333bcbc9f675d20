//! Malformed responses of the sample, by kind: rows, envelopes, media types and sizes that the service must tolerate or
//! refuse.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use super::people::envelope;
use super::switches::InvalidSwitches;

/// The malformed response of this kind; `rows` are the valid rows of the account.
pub(super) fn answer(malformed: InvalidSwitches, rows: &[Value]) -> Response<Body> {
    let whole = || envelope(rows.to_vec()).to_string();
    let body = match malformed {
        InvalidSwitches::Html => {
            return plain("text/html", "<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>");
        }
        InvalidSwitches::NotJson => return plain("text/plain", "Service is being updated"),
        InvalidSwitches::Empty => Vec::new(),
        InvalidSwitches::Truncated => {
            let mut body = whole().into_bytes();
            body.truncate(body.len() / 2);
            body
        }
        InvalidSwitches::SuccessFalse => {
            json!({ "success": false, "message": "User not found", "data": null, "code": 404 }).to_string().into()
        }
        InvalidSwitches::SuccessFalseNoCode => {
            json!({ "success": false, "message": "Something went wrong", "data": null, "code": 200 }).to_string().into()
        }
        InvalidSwitches::InvalidUtf8 => {
            let mut body =
                br#"{"success":true,"message":"","data":[{"_id":"65f1a0c2d4e5f6a7b8c9d001","name":""#.to_vec();
            body.extend([0xff, 0xfe, 0xc3]);
            body.extend(br#""}],"code":200}"#);
            body
        }
        InvalidSwitches::Deep => {
            let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
            format!(r#"{{"success":true,"data":[{{"_id":"1","extra":{open}{close}}}],"code":200}}"#).into()
        }
        InvalidSwitches::WrongShape => {
            json!({ "success": true, "message": "", "data": { "users": [] }, "code": 200 }).to_string().into()
        }
        InvalidSwitches::BadRows => envelope([rows, &bad_rows()].concat()).to_string().into(),
        InvalidSwitches::Huge => return huge(),
        InvalidSwitches::Redirect => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::FOUND;
            response.headers_mut().insert(LOCATION, axum::http::HeaderValue::from_static("/elsewhere"));
            return response;
        }
    };
    let mut response = plain("application/json", "");
    *response.body_mut() = Body::from(body);
    response
}

/// Invalid rows of every kind: five unreadable ones, one with an unexpected value in every field, and one duplicate.
fn bad_rows() -> Vec<Value> {
    vec![
        json!({ "name": "No id" }),
        json!({ "_id": "", "name": "Empty id" }),
        json!({ "_id": 42, "name": "A number for an id" }),
        json!("not a row"),
        Value::Null,
        json!({
            "_id": "65f1ffffffffffffffffff01", "whitelabel": "yes", "name": 7, "contact": "by post",
            "picture": "javascript:alert(1)", "liveAvailability": "AWAY", "leadsVisibility": 1, "status": "SUSPENDED",
            "description": ["text"], "type": "ROBOT", "unreadMessages": "many", "_role": {}, "_parent": 5,
            "createdAt": "yesterday", "updatedAt": 1_714_151_422_134_i64, "__v": 1.5, "assignedBots": "none",
            "_department": ["sales", 3], "shoeSize": 42
        }),
        json!({ "_id": "65f1ffffffffffffffffff02", "name": "Older", "updatedAt": "2024-01-01T00:00:00.000Z" }),
        json!({ "_id": "65f1ffffffffffffffffff02", "name": "Newer", "updatedAt": "2024-06-01T00:00:00.000Z" }),
    ]
}

fn huge() -> Response<Body> {
    let head = Bytes::from_static(br#"{"success":true,"message":"","data":[{"_id":"0"}"#);
    let row = format!(r#",{{"_id":"65f1a0c2d4e5f6a7b8c9d001","description":"{}"}}"#, "x".repeat(900));
    let rows = Bytes::from(row.repeat(64));
    let endless = stream::unfold(Some(head), move |first| {
        let rows = rows.clone();
        async move { Some((Ok::<_, Infallible>(first.unwrap_or(rows)), None)) }
    });
    Response::new(Body::from_stream(endless))
}

fn plain(media_type: &'static str, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, axum::http::HeaderValue::from_static(media_type));
    response
}
