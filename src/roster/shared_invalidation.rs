//! Invalidations over replicas: the one that is asked has weighed what it may cost, takes its own rosters back, and tells the
//! others, which do the same.
//!
//! The shared copies are marked first, so that no replica reads an old record back; then comes the notice. A replica takes
//! it for as old as it is by the tier's clock: what has been read since is not taken back.

use super::rosters::Rosters;
use super::second_level::SecondLevel;
use crate::cluster::{Notice, TierError};
use crate::model::{
    Account, CredentialId, EmailAddress, IdentityHash, Invalidation, InvalidationMode, InvalidationScope, UserType,
};

/// The names of notices, by mode.
const SOFT: &str = "invalidate-soft";
const HARD: &str = "invalidate-hard";
/// The purpose under which notices are sealed.
const SEALED: &str = "invalidation";
/// The prefixes of the three scopes.
const ALL: &str = "all";
const ACCOUNT: &str = "account:";
const HELD: &str = "held:";
const FORWARDED: &str = "forwarded:";

impl Rosters {
    /// Has the other replicas take these rosters back, too, and says whether they are told; `None` where there are none.
    pub(super) async fn spread(&self, invalidation: &Invalidation) -> Option<bool> {
        let second = self.loads.second.as_ref()?;
        Some(second.invalidate(invalidation).await.is_ok())
    }
}

impl SecondLevel {
    async fn invalidate(&self, invalidation: &Invalidation) -> Result<(), TierError> {
        let values = &self.cluster.values;
        let names = values.names();
        let (mark, about) = match &invalidation.scope {
            InvalidationScope::All => (names.single("all-mark"), ALL.to_owned()),
            InvalidationScope::Account(Account { email, user_type }) => {
                let parts = (email.as_str(), user_type.name());
                let text = serde_json::to_vec(&parts).map_err(|_| TierError::Garbage)?;
                let sealed = values.seal(SEALED, &text).ok_or(TierError::Garbage)?;
                let mark = names.of("anybodys-mark", &[parts.0.as_bytes(), parts.1.as_bytes()]);
                (mark, format!("{ACCOUNT}{sealed}"))
            }
            InvalidationScope::Credential(id) => {
                let about = match id {
                    CredentialId::Held(name) => format!("{HELD}{name}"),
                    // A hash that is the same on all replicas, and says nothing of the token.
                    CredentialId::Forwarded(hash) => {
                        let sealed = values.seal(SEALED, &hash.0).ok_or(TierError::Garbage)?;
                        format!("{FORWARDED}{sealed}")
                    }
                };
                (names.of("credential-mark", &id.parts()), about)
            }
        };
        let nonce = format!("{:016x}", fastrand::u64(..));
        values.mark(&[(&mark, &nonce)], self.max_age).await?;
        let kind = if invalidation.mode == InvalidationMode::Hard { HARD } else { SOFT };
        self.cluster.notices.write(&Notice { kind: kind.to_owned(), about, millis: 0 }).await
    }

    /// The invalidation that a notice tells of.
    pub(super) fn invalidation(&self, notice: &Notice) -> Option<Invalidation> {
        let mode = match notice.kind.as_str() {
            SOFT => InvalidationMode::Soft,
            HARD => InvalidationMode::Hard,
            _ => return None,
        };
        let open = |sealed: &str| self.cluster.values.open(SEALED, sealed);
        let about = notice.about.as_str();
        let scope = if about == ALL {
            InvalidationScope::All
        } else if let Some(name) = about.strip_prefix(HELD) {
            InvalidationScope::Credential(CredentialId::Held(name.into()))
        } else if let Some(hash) = about.strip_prefix(FORWARDED) {
            InvalidationScope::Credential(CredentialId::Forwarded(IdentityHash(open(hash)?.try_into().ok()?)))
        } else {
            let text = open(about.strip_prefix(ACCOUNT)?)?;
            let (email, user_type): (String, String) = serde_json::from_slice(&text).ok()?;
            let (email, user_type) = (EmailAddress::parse(&email).ok()?, UserType::from_name(&user_type)?);
            InvalidationScope::Account(Account { email, user_type })
        };
        Some(Invalidation { scope, mode })
    }
}
