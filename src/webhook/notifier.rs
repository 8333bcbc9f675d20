//! The webhook as the rosters see it: hears of a change, finds its names, and hands them to the sender.
//!
//! Invariant: it returns at once. Two long lists are compared beside the runtime's workers, one pair at a time; what cannot be
//! compared now, or has more names than a post should, is said to have changed as a whole.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

use super::pending::{Change, Pending};
use super::post::{InvalidWebhook, PostSecret, WebhookReceiver};
use super::sender::{Queue, WebhookSender};
use crate::config::{CacheTagsConfig, HttpUrl};
use crate::model::{Account, AccountTags, CacheTag, CacheTagKey, Clock, Roster, TeamDifference, TeamListener};
use crate::telemetry::Metrics;

/// Longer lists, in members, are not compared where a load waits for it.
const INLINE: usize = 1_000;
/// Of more changed members the account is named instead.
const MEMBERS: usize = 500;

/// Posts the names of what has changed. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Webhook {
    key: Arc<CacheTagKey>,
    queue: Arc<Queue>,
    /// Taken while two long lists are compared.
    comparing: Arc<Semaphore>,
    clock: Clock,
    metrics: Arc<Metrics>,
    _sending: Arc<Sending>,
}

impl Webhook {
    /// Starts to post to `url`; names are made with `key`, and of use for `useful_for`.
    ///
    /// # Errors
    /// When there can be no client for it.
    pub fn start(
        settings: &CacheTagsConfig,
        url: &HttpUrl,
        key: Arc<CacheTagKey>,
        secret: PostSecret,
        useful_for: Duration,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, InvalidWebhook> {
        let receiver = WebhookReceiver::new(settings, url, secret)?;
        let pending = Mutex::new(Pending::new(settings.webhook_queue_limit, useful_for));
        let queue = Arc::new(Queue { pending, filled: Notify::new() });
        let sender = WebhookSender::new(queue.clone(), receiver, settings.webhook_retries, clock, metrics.clone());
        #[expect(clippy::disallowed_methods, reason = "one for a service, and it ends with the runtime")]
        let sending = Arc::new(Sending(tokio::spawn(sender.run())));
        Ok(Self { key, queue, comparing: Arc::new(Semaphore::new(1)), clock, metrics, _sending: sending })
    }

    fn compare(&self, account: &Account, before: &Roster, after: &Roster) {
        match TeamDifference::between(before, after, MEMBERS) {
            TeamDifference::None => {}
            TeamDifference::Many => self.withdrawn(account),
            TeamDifference::Some { members, roles } => {
                let names = self.key.account(account);
                let members = members.iter().map(|id| names.member(id));
                let tags = members.chain(roles.iter().map(|id| names.role(id)));
                // With one member, every list may have changed.
                self.post(tags.chain([names.team]).collect(), &names);
            }
        }
    }

    /// Has these names posted; where there is no room for all of them, the account's instead.
    fn post(&self, tags: Vec<CacheTag>, names: &AccountTags) {
        let mut pending = self.queue.pending.lock();
        let tags = if pending.has_room(tags.len()) { tags } else { vec![names.account, names.team] };
        let now = self.clock.now();
        let dropped = tags.into_iter().filter(|tag| !pending.insert(Change::Tag(*tag), now)).count();
        self.metrics.cache_tags().dropped("full", dropped);
        self.filled(&pending);
    }

    fn filled(&self, pending: &Pending) {
        self.metrics.cache_tags().set_pending(pending.len());
        self.queue.filled.notify_one();
    }
}

impl TeamListener for Webhook {
    fn read(&self, account: &Account, before: &Arc<Roster>, after: &Arc<Roster>) {
        if before.len().max(after.len()) <= INLINE {
            return self.compare(account, before, after);
        }
        let Ok(permit) = self.comparing.clone().try_acquire_owned() else { return self.withdrawn(account) };
        let (webhook, account, before, after) = (self.clone(), account.clone(), before.clone(), after.clone());
        tokio::task::spawn_blocking(move || {
            webhook.compare(&account, &before, &after);
            drop(permit);
        });
    }

    fn withdrawn(&self, account: &Account) {
        let names = self.key.account(account);
        self.post(vec![names.account, names.team], &names);
    }

    fn all_withdrawn(&self) {
        let mut pending = self.queue.pending.lock();
        pending.insert(Change::All, self.clock.now());
        self.filled(&pending);
    }
}

/// The sender's task, which ends with the webhook.
struct Sending(JoinHandle<()>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.abort();
    }
}
