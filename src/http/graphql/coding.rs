//! Content codings of request bodies: decodes `Content-Encoding` within the limit for bodies.

use std::io::Read;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use crate::graphql::Code;
use crate::http::response::error::{BODY_CODINGS, HttpError};

/// The largest window of zstd, as a power of two (RFC 9659).
const ZSTD_WINDOW: u32 = 23;
/// So many times as long as it was sent a body may be when it is decoded, or so long: what clients send is hardly a tenth as long
/// when it is encoded, and what would be a thousandth is made to cost much.
const DECODED_TIMES: usize = 64;
const DECODED_ROOM: usize = 64 << 10;
/// The size of the output buffer, in bytes.
const PIECE: usize = 16 << 10;

/// The coding of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum ContentCoding {
    Identity,
    Gzip,
    Brotli,
    Zstd,
}

/// The coding of a request's body. A list of several codings is refused like an unknown one.
pub(super) fn of(headers: &HeaderMap) -> Result<ContentCoding, HttpError> {
    let values = headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let names: Vec<String> = values
        .flat_map(|value| value.split(',').map(|name| name.trim().to_ascii_lowercase()).collect::<Vec<_>>())
        .filter(|name| !name.is_empty() && name != "identity")
        .collect();
    match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Ok(ContentCoding::Identity),
        ["gzip" | "x-gzip"] => Ok(ContentCoding::Gzip),
        ["br"] => Ok(ContentCoding::Brotli),
        ["zstd"] => Ok(ContentCoding::Zstd),
        _ => Err(HttpError::new(
            Code::InvalidContentEncoding,
            format!("send the body plain, or with one content-encoding of {BODY_CODINGS}"),
        )),
    }
}

/// How long a body of `sent` encoded bytes may be when it is decoded, where bodies are limited to `limit`.
pub(super) fn decoded_limit(sent: usize, limit: usize) -> usize {
    sent.saturating_mul(DECODED_TIMES).max(DECODED_ROOM).min(limit)
}

/// Decodes a body to at most `limit` bytes, and not to much more than was sent.
pub(in crate::http) fn decode(body: Bytes, coding: ContentCoding, limit: usize) -> Result<Bytes, HttpError> {
    let limit = decoded_limit(body.len(), limit);
    let decoded = match coding {
        ContentCoding::Identity => return Ok(body),
        ContentCoding::Gzip => read(flate2::bufread::MultiGzDecoder::new(&*body), limit),
        ContentCoding::Brotli => brotli(&body, limit),
        ContentCoding::Zstd => zstd::stream::read::Decoder::with_buffer(&*body)
            .and_then(|mut decoder| decoder.window_log_max(ZSTD_WINDOW).map(|()| decoder))
            .map_err(|_| DecodingError::Corrupt)
            .and_then(|decoder| read(decoder, limit)),
    };
    decoded.map(Bytes::from).map_err(|failure| match failure {
        DecodingError::TooLarge => {
            HttpError::new(Code::RequestTooLarge, "the body, once decoded, is larger than allowed")
        }
        DecodingError::Corrupt => HttpError::unreadable("the body is not what its content-encoding says"),
    })
}

enum DecodingError {
    TooLarge,
    Corrupt,
}

fn read(decoder: impl Read, limit: usize) -> Result<Vec<u8>, DecodingError> {
    let mut decoded = Vec::new();
    decoder.take(limit as u64 + 1).read_to_end(&mut decoded).map_err(|_| DecodingError::Corrupt)?;
    if decoded.len() > limit { Err(DecodingError::TooLarge) } else { Ok(decoded) }
}

/// Uses the stream interface, because the library's reader does not report bytes after the end of the stream.
fn brotli(body: &[u8], limit: usize) -> Result<Vec<u8>, DecodingError> {
    let mut state = BrotliState::new(StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default());
    let (mut left, mut place) = (body.len(), 0);
    let (mut decoded, mut piece, mut total) = (Vec::new(), vec![0; PIECE], 0);
    loop {
        let (mut room, mut written) = (piece.len(), 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut place,
            body,
            &mut room,
            &mut written,
            &mut piece,
            &mut total,
            &mut state,
        );
        decoded.extend_from_slice(&piece[..written]);
        if decoded.len() > limit {
            return Err(DecodingError::TooLarge);
        }
        match result {
            BrotliResult::ResultSuccess if left == 0 => return Ok(decoded),
            BrotliResult::NeedsMoreOutput => {}
            _ => return Err(DecodingError::Corrupt),
        }
    }
}
