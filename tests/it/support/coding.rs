//! What a body says behind its content coding.

use std::io::Read;

/// Decodes a body of this `Content-Encoding`; the empty one is none.
pub fn decoded(coding: &str, body: &[u8]) -> Vec<u8> {
    let read = |mut decoder: Box<dyn Read + '_>| {
        let mut decoded = Vec::new();
        decoder.read_to_end(&mut decoded).unwrap();
        decoded
    };
    match coding {
        "gzip" => read(Box::new(flate2::read::GzDecoder::new(body))),
        "br" => read(Box::new(brotli::Decompressor::new(body, 4096))),
        "zstd" => zstd::stream::decode_all(body).unwrap(),
        "" => body.to_vec(),
        _ => panic!("no coding {coding}"),
    }
}
