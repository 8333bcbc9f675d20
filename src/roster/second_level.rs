//! The second level: rosters that other replicas have read, and the single flight over all replicas.
//!
//! A load looks here before it calls the upstream, claims the roster so that other replicas wait for it, and publishes what it
//! read. What is refused or has to be forgotten changes a mark, and a roster that was published under another mark is none.
//! A claim is an optimisation: it may be lost, and then a roster is read twice, within the plan.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::store::StoredRoster;
use crate::cluster::{Claim, Cluster, Notice, TierError};
use crate::model::{Clock, CredentialId, ErrorKind, Grant, UpstreamError};
use crate::telemetry::Metrics;
use crate::upstream::{decode_roster, encode_roster};

/// How long a claim holds unless it is renewed, at least; it is renewed thrice in that time.
const CLAIM: Duration = Duration::from_millis(900);
const RENEWALS: u32 = 3;
/// How often another replica's load is looked for, at first and at most.
const POLL: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(50));
/// How long a refusal keeps others from trying.
const REFUSED: Duration = Duration::from_secs(10);
/// Of longer rosters, writing and reading would hold up other requests.
const INLINE: usize = 500;
const INLINE_BYTES: usize = 256 << 10;
/// Accounts and credentials that a notice may be about.
const KNOWN: u64 = 100_000;
/// The kinds of notices.
pub(super) const UNAUTHENTICATED: &str = "401";
pub(super) const FORBIDDEN: &str = "403";

/// The second level: the rosters that all replicas keep.
pub(super) struct SecondLevel {
    pub(super) cluster: Arc<Cluster>,
    /// How long a roster may be served.
    pub(super) max_age: Duration,
    /// How long a claim holds unless it is renewed: long enough for a renewal that the tier takes its whole time for.
    pub(super) claim_time: Duration,
    /// By the hash that a notice is about. It decides nothing of rosters, so the library's clock may say when a grant, and the
    /// credential in it, has been of no use for so long that it is dropped from memory.
    known: Cache<Arc<str>, Grant>,
    pub(super) clock: Clock,
    metrics: Arc<Metrics>,
}

/// The names of a roster's records.
pub(super) struct RecordNames {
    roster: String,
    claim: String,
    /// The marks that rosters are published under: of the credential, of the account with it, of the account with any,
    /// and of all.
    generations: [String; 4],
    /// Whether the credential is refused, and the account with it.
    refused: [String; 2],
}

/// The marks that a roster is published under.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RosterMarks(Vec<u8>);

/// The result of a look-up.
pub(super) enum Lookup {
    /// A roster, and whether it is young enough.
    Roster(StoredRoster, bool, RosterMarks),
    Missing(RosterMarks),
    /// Another replica was refused.
    Refused(UpstreamError),
    /// The tier is away.
    Away,
}

/// The right to load, as far as other replicas heed it.
pub(super) enum LoadPermission {
    /// No other replica loads.
    Ours(Option<Claim>, RosterMarks),
    /// It is there already.
    Roster(StoredRoster),
    Refused(UpstreamError),
}

impl SecondLevel {
    pub(super) fn new(cluster: Arc<Cluster>, max_age: Duration, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let known = Cache::builder().max_capacity(KNOWN).time_to_idle(2 * max_age).build();
        let claim_time = CLAIM.max(RENEWALS * cluster.values.wait());
        Self { cluster, max_age, claim_time, known, clock, metrics }
    }

    /// Has `act` told of what other replicas were refused: a grant that it is about, and the error.
    pub(super) fn subscribe(self: &Arc<Self>, act: impl Fn(&Grant, UpstreamError) + Send + Sync + 'static) {
        let second = Arc::downgrade(self);
        self.cluster.notices.subscribe(move |notice, age| {
            let Some(second) = second.upgrade() else { return };
            // By then it is asked anew.
            if age >= REFUSED {
                return;
            }
            let error = match notice.kind.as_str() {
                UNAUTHENTICATED => ErrorKind::Unauthenticated,
                FORBIDDEN => ErrorKind::Forbidden,
                _ => return,
            };
            if let Some(grant) = second.known.get(notice.about.as_str()) {
                act(&grant, error.into());
            }
        });
    }

    pub(super) fn names(&self, grant: &Grant) -> RecordNames {
        let names = self.cluster.values.names();
        let credential = credential(grant);
        let account = account(grant);
        self.known.insert(names.hash("credential", &[credential]).into(), grant.clone());
        self.known.insert(names.hash("account", &account).into(), grant.clone());
        RecordNames {
            roster: names.of("roster", &account),
            claim: names.of("claim", &account),
            generations: [
                names.of("credential-mark", &grant.key().credential.parts()),
                names.of("account-mark", &account),
                names.of("anybodys-mark", &account[1..]),
                names.single("all-mark"),
            ],
            refused: [names.of("credential-refused", &[credential]), names.of("account-refused", &account)],
        }
    }

    /// Looks for a roster that began at `oldest` or later.
    pub(super) async fn find(&self, names: &RecordNames, oldest: Instant) -> Lookup {
        let marks: Vec<&str> = names.generations.iter().chain(&names.refused).map(String::as_str).collect();
        let read = match self.cluster.values.read(&names.roster, &marks).await {
            Ok(read) => read,
            Err(_) => {
                self.metrics.second_level("away");
                return Lookup::Away;
            }
        };
        let mark = |place: usize| read.marks.get(place).and_then(Option::as_deref);
        if mark(4).is_some() {
            return Lookup::Refused(ErrorKind::Unauthenticated.into());
        }
        if mark(5).is_some() {
            return Lookup::Refused(ErrorKind::Forbidden.into());
        }
        let generation =
            RosterMarks((0..4).map(|place| mark(place).unwrap_or_default()).collect::<Vec<_>>().join(&b'/'));
        let Some((bytes, left)) = read.value else {
            self.metrics.second_level("miss");
            return Lookup::Missing(generation);
        };
        match self.read(bytes, left, &generation).await {
            Some(stored) if stored.began >= oldest => {
                self.metrics.second_level("hit");
                Lookup::Roster(stored, true, generation)
            }
            stale => {
                self.metrics.second_level("miss");
                match stale {
                    Some(stored) => Lookup::Roster(stored, false, generation),
                    None => Lookup::Missing(generation),
                }
            }
        }
    }

    /// Waits for the turn to load, or for the roster that another replica loads, until `deadline`.
    pub(super) async fn turn(
        &self,
        names: &RecordNames,
        found: RosterMarks,
        oldest: Instant,
        deadline: Instant,
    ) -> LoadPermission {
        let mut generation = found;
        let mut pause = POLL.0;
        loop {
            let claim = match self.cluster.values.claim(&names.claim, self.claim_time).await {
                Ok(claim) => claim,
                Err(_) => return LoadPermission::Ours(None, generation),
            };
            // What was published between the look-up and the claim is here now.
            match self.find(names, oldest).await {
                Lookup::Roster(stored, true, _) => {
                    self.give_up(claim);
                    return LoadPermission::Roster(stored);
                }
                Lookup::Refused(error) => {
                    self.give_up(claim);
                    return LoadPermission::Refused(error);
                }
                Lookup::Roster(_, false, now) | Lookup::Missing(now) => generation = now,
                Lookup::Away => return LoadPermission::Ours(claim, generation),
            }
            if claim.is_some() || self.clock.now() + pause >= deadline {
                return LoadPermission::Ours(claim, generation);
            }
            self.metrics.second_level("waited");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(POLL.1);
        }
    }

    /// Runs a load, while its claim is renewed for so long at a time.
    pub(super) async fn holding<T>(&self, claim: Option<&Claim>, time: Duration, load: impl Future<Output = T>) -> T {
        let renew = async {
            loop {
                tokio::time::sleep(time / RENEWALS).await;
                if let Some(claim) = claim {
                    self.cluster.values.renew(claim, time).await;
                }
            }
        };
        tokio::select! {
            loaded = load => loaded,
            () = renew => unreachable!("renewals end with the load"),
        }
    }

    /// Publishes what a load brought, in the background; `claim` is given up after that.
    pub(super) fn publish(
        self: &Arc<Self>,
        names: RecordNames,
        stored: &StoredRoster,
        generation: RosterMarks,
        claim: Option<Claim>,
    ) {
        let (second, stored) = (self.clone(), stored.clone());
        #[expect(clippy::disallowed_methods, reason = "one for a load, and it ends with the tier's timeout")]
        tokio::spawn(async move {
            let max_age = second.max_age;
            let roster = stored.roster.clone();
            let encode = move || {
                let head = serde_json::to_vec(&(
                    u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX),
                    stored.calls,
                    stored.roster.generation(),
                ));
                let mut bytes = head.unwrap_or_default();
                bytes.push(b'\n');
                let mark = generation.0;
                bytes.extend_from_slice(&u32::try_from(mark.len()).unwrap_or(0).to_be_bytes());
                bytes.extend_from_slice(&mark);
                bytes.extend(encode_roster(&stored.roster));
                (bytes, stored.began)
            };
            let encoded =
                if roster.len() > INLINE { tokio::task::spawn_blocking(encode).await.ok() } else { Some(encode()) };
            let Some((bytes, began)) = encoded else { return };
            let left = second.max_age.saturating_sub(second.clock.now() - began);
            // Where the tier is away, the others load for themselves.
            let _ = second.cluster.values.write(&names.roster, &bytes, left, claim.as_ref()).await;
        });
    }

    /// Gives a claim up, in the background.
    pub(super) fn give_up(&self, claim: Option<Claim>) {
        let Some(claim) = claim else { return };
        let values = self.cluster.values.clone();
        #[expect(clippy::disallowed_methods, reason = "one for a load, and it ends with the tier's timeout")]
        tokio::spawn(async move { values.release(&claim).await });
    }

    /// Tells all replicas that a credential or an account was refused: what was read with it is no longer found.
    pub(super) async fn refuse(&self, grant: &Grant, names: &RecordNames, error: &UpstreamError) {
        let [credential_mark, account_mark, ..] = &names.generations;
        let [credential_refused, account_refused] = &names.refused;
        let forwarded = matches!(grant.key().credential, CredentialId::Forwarded(_));
        let (kind, mark, refused, about) = match error.kind() {
            ErrorKind::Unauthenticated => {
                let about = self.cluster.values.names().hash("credential", &[credential(grant)]);
                // The server's own credential keeps its rosters.
                (UNAUTHENTICATED, forwarded.then_some(credential_mark), credential_refused, about)
            }
            ErrorKind::Forbidden => {
                let about = self.cluster.values.names().hash("account", &account(grant));
                (FORBIDDEN, Some(account_mark), account_refused, about)
            }
            _ => return,
        };
        let values = &self.cluster.values;
        let nonce = format!("{:016x}", fastrand::u64(..));
        let told: Result<(), TierError> = async {
            if let Some(mark) = mark {
                values.mark(&[(mark, &nonce)], self.max_age).await?;
            }
            values.mark(&[(refused, kind)], REFUSED).await
        }
        .await;
        if told.is_err() {
            tracing::debug!(kind, "a refusal could not be shared");
        }
        self.cluster.notices.publish(Notice { kind: kind.to_owned(), about, millis: 0 });
    }

    async fn read(&self, bytes: Vec<u8>, left: Duration, generation: &RosterMarks) -> Option<StoredRoster> {
        let (marks, is_long) = (generation.0.clone(), bytes.len() > INLINE_BYTES);
        let decode = move || {
            let end = bytes.iter().position(|byte| *byte == b'\n')?;
            let (max_age, calls, number): (u64, u32, u32) = serde_json::from_slice(&bytes[..end]).ok()?;
            let (length, rest) = bytes[end + 1..].split_first_chunk::<4>()?;
            let (mark, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            (mark == marks.as_slice()).then_some(())?;
            Some((decode_roster(rest)?.with_generation(number), Duration::from_millis(max_age), calls))
        };
        let decoded = if left.is_zero() {
            None
        } else if is_long {
            tokio::task::spawn_blocking(decode).await.ok().flatten()
        } else {
            decode()
        };
        let (roster, max_age, calls) = decoded?;
        // How old it is follows from how long it has still to live: no two clocks are compared.
        let began = self.clock.now().checked_sub(max_age.checked_sub(left)?)?;
        Some(StoredRoster::new(roster, began, calls))
    }
}

fn credential(grant: &Grant) -> &[u8] {
    grant.caller().credential.token().expose_secret().as_bytes()
}

/// Token and account: a caller with another token finds nothing.
pub(super) fn account(grant: &Grant) -> [&[u8]; 3] {
    let account = grant.account();
    [credential(grant), account.email.as_str().as_bytes(), account.user_type.name().as_bytes()]
}
