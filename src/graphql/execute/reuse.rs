//! Identical questions: the same question about the same snapshots has the same data, whose bytes are used again.
//!
//! What is the same is decided by everything that data depends on: the document's full text, the operation, the variables as
//! they were filled in, the caller's scopes, and for each account read, in order, its roster key with the credential, the
//! snapshot, and whether it counts as stale. Only `data` is kept, which is the same in every media type; what is around it
//! is written anew. Answers with errors are not kept, nor is what was asked once.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_graphql::Variables;
use bytes::Bytes;
use moka::sync::Cache;

use super::plan::Plan;
use super::resolve::Resolved;
use crate::graphql::schema::View;
use crate::model::{RosterKey, Scopes, SnapshotId};

/// What an entry costs besides what is counted, in bytes, approximately.
const OVERHEAD: usize = 512;
/// How many questions are remembered to have been asked.
const ASKED: usize = 4096;
/// The largest answer that is kept is this part of what all may take.
const SHARE: usize = 16;

/// Everything that the data of an answer depends on.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Question {
    hash: u64,
    text: Arc<str>,
    operation: Option<Box<str>>,
    variables: Box<[u8]>,
    scopes: Scopes,
    rosters: Box<[Snapshot]>,
}

/// A roster, as an answer shows it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Snapshot {
    key: RosterKey,
    id: SnapshotId,
    stale: bool,
    /// Which key signs cursors, where there are any: a credential may keep its name and change.
    signature: Option<[u8; 16]>,
}

impl Hash for Question {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Data of answers, bounded in bytes.
pub(super) struct Answers {
    /// `None` where nothing may be kept.
    kept: Option<Cache<Question, Bytes>>,
    /// By hash, a part of the hash of who was there last.
    asked: Box<[AtomicU32]>,
    largest: usize,
    hasher: RandomState,
}

impl Answers {
    pub(super) fn new(limit: u64) -> Self {
        let weigh = |question: &Question, data: &Bytes| {
            // The text is shared with the prepared operation, unless that has gone.
            let size = question.text.len() + question.variables.len() + size_of_val(&*question.rosters) + data.len();
            u32::try_from(size + OVERHEAD).unwrap_or(u32::MAX)
        };
        let largest = usize::try_from(limit).unwrap_or(usize::MAX) / SHARE;
        let kept = (limit > 0).then(|| Cache::builder().max_capacity(limit).weigher(weigh).build());
        let asked = (0..if limit > 0 { ASKED } else { 0 }).map(|_| AtomicU32::new(0)).collect();
        Self { kept, asked, largest, hasher: RandomState::new() }
    }

    /// The question that a request asks; `None` where nothing may be kept, or a roster is missing.
    pub(super) fn question(
        &self,
        text: &Arc<str>,
        operation: Option<&str>,
        variables: &Variables,
        scopes: Scopes,
        (plan, resolved): (&Plan, &Resolved),
    ) -> Option<Question> {
        self.kept.as_ref()?;
        let snapshot = |view: &async_graphql::Result<Arc<View>>| {
            let view = view.as_ref().ok()?;
            Some(Snapshot {
                key: view.key().clone(),
                id: view.roster.id(),
                stale: view.stale,
                signature: plan.cursors.then(|| view.signature()),
            })
        };
        let rosters: Box<[Snapshot]> = resolved.views.iter().map(snapshot).collect::<Option<_>>()?;
        let variables = serde_json::to_vec(variables).ok()?.into_boxed_slice();
        let hash = self.hasher.hash_one((text, operation, &variables, scopes, &rosters));
        Some(Question { hash, text: text.clone(), operation: operation.map(Into::into), variables, scopes, rosters })
    }

    pub(super) fn get(&self, question: &Question) -> Option<Bytes> {
        self.kept.as_ref()?.get(question)
    }

    /// Keeps an answer's data, if the question was asked before.
    pub(super) fn keep(&self, question: Question, data: &[u8]) {
        let Some(kept) = &self.kept else { return };
        let mark = (question.hash >> 32) as u32;
        let asked = &self.asked[question.hash as usize % ASKED];
        if data.len() <= self.largest && asked.swap(mark, Ordering::Relaxed) == mark {
            kept.insert(question, Bytes::copy_from_slice(data));
        }
    }
}
