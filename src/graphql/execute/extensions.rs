//! An answer's `extensions`: what the look-ups came to, what the operation cost, its trace, and its cache tags.
//!
//! Every answer has them, so they are written without a serializer.

use std::io::Write as _;

use super::answer_tags::TagsBeside;
use crate::loader::LookupSummary;
use crate::model::CacheTag;

/// The estimated cost of an operation, in cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReportedCost {
    pub(super) estimated: usize,
    pub(super) limit: usize,
}

/// The extensions of an answer, beside data and errors.
pub(super) struct AnswerExtensions<'e> {
    pub(super) summary: Option<LookupSummary>,
    pub(super) cost: Option<ReportedCost>,
    /// The trace.
    pub(super) ftv1: Option<&'e str>,
    pub(super) tags: Option<&'e TagsBeside>,
}

impl AnswerExtensions<'_> {
    /// Whether there is nothing to say.
    pub(super) fn is_empty(&self) -> bool {
        let (roots, entities) = self.tags.map_or((&[][..], None), TagsBeside::extensions);
        self.summary.is_none() && self.cost.is_none() && self.ftv1.is_none() && roots.is_empty() && entities.is_none()
    }

    /// Writes them as a JSON object.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let begin = out.len();
        if let Some(summary) = &self.summary {
            key(out, begin, b"\"upstream\":");
            upstream(summary, out);
        }
        if let Some(ReportedCost { estimated, limit }) = self.cost {
            key(out, begin, b"\"cost\":");
            // Vectors do not fail to be written.
            let _ = write!(out, "{{\"estimated\":{estimated},\"limit\":{limit}}}");
        }
        if let Some(ftv1) = self.ftv1 {
            // It is Base64, in which nothing needs to be escaped.
            key(out, begin, b"\"ftv1\":");
            out.push(b'"');
            out.extend_from_slice(ftv1.as_bytes());
            out.push(b'"');
        }
        let (roots, entities) = self.tags.map_or((&[][..], None), TagsBeside::extensions);
        if !roots.is_empty() {
            // As Apollo's router reads them: those of root fields, and those of entities, a list for each in their order.
            key(out, begin, b"\"apolloCacheTags\":");
            let _ = serde_json::to_writer(&mut *out, roots as &[CacheTag]);
        }
        if let Some(entities) = entities {
            key(out, begin, b"\"apolloEntityCacheTags\":");
            let _ = serde_json::to_writer(&mut *out, entities);
        }
        out.push(b'}');
    }
}

/// The key of the next member of an object that began at `begin`.
fn key(out: &mut Vec<u8>, begin: usize, key: &[u8]) {
    out.push(if out.len() == begin { b'{' } else { b',' });
    out.extend_from_slice(key);
}

fn upstream(summary: &LookupSummary, out: &mut Vec<u8>) {
    let number = |name: &[u8], number: u64, out: &mut Vec<u8>| {
        out.extend_from_slice(name);
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    };
    let word = |name: &[u8], word: Option<&'static str>, out: &mut Vec<u8>| {
        if let Some(word) = word {
            out.extend_from_slice(name);
            // A word of ours, in which nothing needs to be escaped.
            out.extend_from_slice(word.as_bytes());
            out.push(b'"');
        }
    };
    number(b"{\"calls\":", summary.calls.into(), out);
    word(b",\"cache\":\"", summary.cache.map(|cache| cache.name()), out);
    number(b",\"ageSeconds\":", summary.age.as_secs(), out);
    word(b",\"notice\":\"", summary.notice, out);
    if let Some(share) = summary.share {
        number(b",\"budget\":{\"limit\":", share.limit.into(), out);
        number(b",\"remaining\":", share.remaining.into(), out);
        number(b",\"resetSeconds\":", share.reset_seconds(), out);
        out.push(b'}');
    }
    out.push(b'}');
}
