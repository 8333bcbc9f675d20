//! The tier's reply to a step of the protocol. It may be anything, so everything in it is checked.

/// The answer to one step.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) status: Status,
    pub(super) epoch: String,
    pub(super) now: u64,
    /// Until leases are given again, in milliseconds.
    pub(super) ready_in: u64,
    pub(super) eligible: bool,
    pub(super) live: u32,
    /// For how long half the plan counts as spent, in milliseconds.
    pub(super) half_left: u64,
    /// Copies of the tier that are connected to it.
    pub(super) copies: u32,
    pub(super) members: Vec<Listed>,
    pub(super) ledger: Option<LedgerReply>,
}

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    /// The tier is in another epoch than the replica thought: nothing was done.
    OtherEpoch,
    /// A later step was there before this one.
    Late,
}

/// A replica in the tier's list.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) id: String,
    /// When it was taken for gone, by the tier's time.
    pub(super) gone: Option<u64>,
}

/// The reply's figures for a ledger.
#[derive(Clone, Debug)]
pub(super) struct LedgerReply {
    pub(super) refused: String,
    pub(super) extended: bool,
    pub(super) unused: u32,
    pub(super) offline: u32,
    /// Calls that count as spent because it is unknown whether they were.
    pub(super) half: u32,
    /// The records of the others, as text.
    pub(super) others: String,
}

impl Reply {
    /// Reads the tier's answer; `None` when it makes no sense.
    #[must_use]
    pub fn read(parts: &[String]) -> Option<Self> {
        let [status, epoch, now, ready_in, eligible, live, half_left, copies, members, ledger @ ..] = parts else {
            return None;
        };
        let status = match status.as_str() {
            "ok" => Status::Ok,
            "epoch" => Status::OtherEpoch,
            "late" => Status::Late,
            _ => return None,
        };
        let listed = |entry: &str| {
            let mut parts = entry.split(',');
            let id = parts.next().filter(|id| super::record::is_id(id))?.to_owned();
            let gone: u64 = parts.next()?.parse().ok()?;
            Some(Listed { id, gone: (gone > 0).then_some(gone) })
        };
        let members = members.split(';').filter(|entry| !entry.is_empty()).map(listed).collect::<Option<_>>()?;
        let ledger = match ledger {
            [] => None,
            [refused, extended, unused, offline, half, _, others] => Some(LedgerReply {
                refused: refused.clone(),
                extended: extended == "1",
                unused: unused.parse().ok()?,
                offline: offline.parse().ok()?,
                half: half.parse().ok()?,
                others: others.clone(),
            }),
            _ => return None,
        };
        Some(Self {
            status,
            epoch: Some(epoch).filter(|epoch| super::record::is_id(epoch))?.clone(),
            now: now.parse().ok()?,
            ready_in: ready_in.parse().ok()?,
            eligible: eligible == "1",
            live: live.parse().ok()?,
            half_left: half_left.parse().ok()?,
            copies: copies.parse().ok()?,
            members,
            ledger,
        })
    }

    /// Copies of the tier that are connected to it.
    #[must_use]
    pub fn copies(&self) -> u32 {
        self.copies
    }

    /// Whether the step gave or extended a lease.
    #[must_use]
    pub fn grants(&self) -> bool {
        self.ledger.as_ref().is_some_and(|ledger| ledger.extended && ledger.unused + ledger.offline > 0)
    }
}
