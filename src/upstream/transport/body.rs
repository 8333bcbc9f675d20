//! An answer's body: undoes its `Content-Encoding` and feeds the envelope's reader, chunk by chunk, under one limit.
//!
//! Invariant: no more than `limit` decoded bytes are ever read, however small the body is on the wire.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use crate::model::Malformed;
use crate::upstream::decode::ahead::RowsAhead;
use crate::upstream::decode::envelope::{Envelope, EnvelopeReader};

/// The first bytes of a body are decoded where they come in, the rest of a long one beside the runtime's workers: handing over the
/// body of a usual team takes longer than reading it. Of a compressed one fewer, because they may unpack to more than expected.
///
/// Letting other tasks run now and then would not do: the connection's task reads ahead and wakes this one at once, so that the
/// two of them would keep a worker from its timers and from other sockets until the whole list is read.
const PLAIN_INLINE: u64 = 128 << 10;
const COMPRESSED_INLINE: u64 = 64 << 10;

/// So many bytes of a compressed body are decoded in one step: they may unpack to a thousand times as many.
const COMPRESSED_PIECE: usize = 1 << 10;
/// The same of a body that is not compressed.
const PLAIN_PIECE: usize = 256 << 10;

/// Room is made beforehand for a body of so many bytes at most: its length is only what its sender says it is.
const EXPECTED_LIMIT: u64 = 8 << 20;

/// So many times as long a compressed body may be when it is decoded, as far as can be said beforehand.
const EXPANSION: u64 = 16;

/// Reads one body.
pub(super) struct BodyReader {
    decoder: Decoder,
    is_empty: bool,
}

#[expect(clippy::large_enum_variant, reason = "one is made for a response")]
enum Decoder {
    Identity(Sink),
    /// One or more gzip members (RFC 1952, 2.2).
    Gzip(Box<MultiGzDecoder<Sink>>),
}

/// Where decoded bytes go.
struct Sink {
    reader: EnvelopeReader,
    length: u64,
    limit: u64,
    /// All that came, decoded, where it is kept.
    copy: Option<Vec<u8>>,
    /// Why no more bytes are taken.
    failed: Option<Malformed>,
}

/// How a body is encoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
}

impl BodyReader {
    /// Reads a body with these headers into `reader`, and keeps it with `copy`. `expected` is its length on the wire, where
    /// the sender says so.
    pub(super) fn new(
        headers: &HeaderMap,
        mut reader: EnvelopeReader,
        expected: Option<u64>,
        limit: u64,
        copy: bool,
    ) -> Result<Self, Malformed> {
        let encoding = encoding(headers)?;
        if encoding == Encoding::Identity {
            let expected = expected.map_or(0, |length| length.min(limit).min(EXPECTED_LIMIT));
            reader.expect(usize::try_from(expected).unwrap_or(0));
        }
        let sink = Sink { reader, length: 0, limit, copy: copy.then(Vec::new), failed: None };
        let decoder = match encoding {
            Encoding::Identity => Decoder::Identity(sink),
            Encoding::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(sink))),
        };
        Ok(Self { decoder, is_empty: true })
    }

    /// Takes the next bytes as they came.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), Malformed> {
        self.is_empty &= chunk.is_empty();
        match &mut self.decoder {
            Decoder::Identity(sink) => sink.take(chunk),
            Decoder::Gzip(decoder) => {
                decoder.write_all(chunk).map_err(|_| decoder.get_ref().failed.unwrap_or(Malformed::BadEncoding))
            }
        }
    }

    /// How many bytes to take in one step, so that none takes long.
    pub(super) fn piece(&self) -> usize {
        match self.decoder {
            Decoder::Identity(_) => PLAIN_PIECE,
            Decoder::Gzip(_) => COMPRESSED_PIECE,
        }
    }

    /// Where the next bytes of the wire, which are these, can be parted in two that are read at the same time: a little behind the
    /// middle, because the second is begun later.
    pub(super) fn split(&self, bytes: &[u8]) -> Option<usize> {
        match &self.decoder {
            Decoder::Identity(sink) if sink.copy.is_none() => sink.reader.find_row(bytes, bytes.len() / 9 * 5),
            _ => None,
        }
    }

    /// Takes what was read ahead of the next bytes, once the first part has been taken: how many of them are done with.
    pub(super) fn take_ahead(&mut self, ahead: RowsAhead) -> Result<usize, Malformed> {
        match &mut self.decoder {
            Decoder::Identity(sink) => sink.take_ahead(ahead),
            Decoder::Gzip(_) => Ok(0),
        }
    }

    /// How many decoded bytes are few enough not to be handed over to other threads.
    pub(super) fn inline_limit(&self) -> u64 {
        match self.decoder {
            Decoder::Identity(_) => PLAIN_INLINE,
            Decoder::Gzip(_) => COMPRESSED_INLINE,
        }
    }

    /// How many decoded bytes there will have been after so many more of the wire, approximately.
    pub(super) fn length_with(&self, more: usize) -> u64 {
        match &self.decoder {
            Decoder::Identity(sink) => sink.length + more as u64,
            Decoder::Gzip(decoder) => decoder.get_ref().length + more as u64 * EXPANSION,
        }
    }

    /// Ends the body; also returns what came, where that was kept.
    pub(super) fn finish(self) -> Result<(Envelope, Option<Vec<u8>>), Malformed> {
        if self.is_empty {
            return Err(Malformed::Empty);
        }
        let sink = match self.decoder {
            Decoder::Identity(sink) => sink,
            Decoder::Gzip(mut decoder) => {
                // A member without its end was cut off; one with a wrong checksum was damaged.
                decoder.try_finish().map_err(|error| match (decoder.get_ref().failed, error.kind()) {
                    (Some(failed), _) => failed,
                    (None, io::ErrorKind::UnexpectedEof) => Malformed::Truncated,
                    (None, _) => Malformed::BadEncoding,
                })?;
                decoder.finish().map_err(|_| Malformed::BadEncoding)?
            }
        };
        Ok((sink.reader.finish()?, sink.copy))
    }
}

impl Sink {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        self.length += bytes.len() as u64;
        if self.length > self.limit {
            return Err(Malformed::TooLarge);
        }
        if let Some(copy) = &mut self.copy {
            copy.extend_from_slice(bytes);
        }
        self.reader.push(bytes)
    }

    fn take_ahead(&mut self, ahead: RowsAhead) -> Result<usize, Malformed> {
        let taken = self.reader.take_ahead(ahead)?;
        self.length += taken as u64;
        if self.length > self.limit { Err(Malformed::TooLarge) } else { Ok(taken) }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed.is_none() {
            self.failed = self.take(bytes).err();
        }
        match self.failed {
            None => Ok(bytes.len()),
            Some(failed) => Err(io::Error::other(failed)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The encoding that the headers name: gzip under both of its names, in any case (RFC 9110, 8.4.1), or none.
fn encoding(headers: &HeaderMap) -> Result<Encoding, Malformed> {
    let mut encoding = Encoding::Identity;
    for value in headers.get_all(CONTENT_ENCODING) {
        for name in value.to_str().map_err(|_| Malformed::BadEncoding)?.split(',') {
            let name = name.trim();
            if name.is_empty() || name.eq_ignore_ascii_case("identity") {
                continue;
            }
            let is_gzip = name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip");
            if !is_gzip || encoding == Encoding::Gzip {
                return Err(Malformed::BadEncoding);
            }
            encoding = Encoding::Gzip;
        }
    }
    Ok(encoding)
}
