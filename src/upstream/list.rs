//! A whole list: read in one call, or page by page, with the reservations that this takes.
//!
//! A list that changed while it was read is read again where the plan has room, unless it has changed in a second reading
//! lately. Invariant: what is returned is the whole list.

use std::sync::atomic::Ordering;

use super::Load;
use super::decode::{DecodedRows, ListProgress, PageRead, Pages};
use super::guarded::{GuardedUpstream, RESTLESS, Reading};
use crate::model::{Malformed, UpstreamError};

impl GuardedUpstream {
    /// The whole list, in one call or page by page.
    pub(super) async fn rows(&self, reading: &mut Reading<'_>) -> Result<DecodedRows, UpstreamError> {
        let deadline = reading.load.deadline;
        if !self.settings.paged {
            return Ok(self.call(reading, None, deadline).await?.rows);
        }
        let most = self.settings.pages_limit.min(self.budget.spendable());
        let mut pages =
            Pages::new(self.settings.pages_limit, self.settings.rows_limit, self.exact_totals.load(Ordering::Relaxed));
        let mut deadline = deadline;
        loop {
            if reading.reservation.calls() == 0 {
                self.extend(reading, 1, deadline).await?;
            }
            let page = self.call(reading, Some(pages.next()), deadline).await?;
            // Each page has a deadline of its own: a long list is not a slow upstream.
            let now = self.clock.now();
            deadline = now + self.settings.timeout;
            let began = self.clock.wall(reading.began.unwrap_or(now));
            let may_repeat = self.may_repeat(&reading.load, pages.next());
            match pages.take(page, PageRead { began, ended: self.clock.wall(now), may_repeat })? {
                ListProgress::Complete(rows) => {
                    let key = reading.load.grant.key();
                    match pages.never_rests() {
                        Some(true) => self.restless.insert(key.clone(), now + RESTLESS),
                        Some(false) => self.restless.invalidate(key),
                        None => {}
                    }
                    if pages.has_odd_totals() {
                        self.exact_totals.store(false, Ordering::Relaxed);
                    }
                    return Ok(rows);
                }
                ListProgress::More => {}
                ListProgress::Restarted => reading.began = None,
            }
            if let Some(left) = pages.left() {
                let length = pages.next() - 1 + left;
                if length > most {
                    return Err(Malformed::TooManyPages.into());
                }
                self.lengths.insert(reading.load.grant.key().clone(), length);
                reading.reservation.keep(left);
                let missing = left - reading.reservation.calls();
                if missing > 0 {
                    self.extend(reading, missing, deadline).await?;
                }
            }
        }
    }

    /// Whether a list that has changed after so many pages may be read again: the plan has room, and it is of use.
    fn may_repeat(&self, load: &Load<'_>, pages: u32) -> bool {
        let caller = load.grant.caller();
        self.restless.get(load.grant.key()).is_none_or(|until| until <= self.clock.now())
            && self.budget.would_reserve(caller, load.accepted, pages, load.need).is_ok()
    }
}
