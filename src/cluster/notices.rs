//! Notices: what one replica has learnt and all must know, such as a refused token. They are a short stream in the tier that
//! every replica reads a few times a second, because messages that are pushed get lost.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::Value;

use super::names::Names;
use super::tier::{Tier, TierError};

/// How often notices are read.
const INTERVAL: Duration = Duration::from_millis(200);
/// Notices that the tier keeps, and that are read at a time.
const KEPT: usize = 10_000;
const BATCH: usize = 500;
/// The size limit of a batch of notices, in bytes.
const LIMIT: usize = 1 << 20;
/// How long the stream lives after the last notice; no notice is of use for longer than a roster is.
const TTL: Duration = Duration::from_secs(2 * 3600);
/// The longest text of a notice: a sealed e-mail address and a user type fit.
const TEXT_LIMIT: usize = 1024;

/// A notice from one replica to the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The kind of event.
    pub kind: String,
    /// To whom: a keyed hash, or something sealed.
    pub about: String,
    /// For how long it holds, in milliseconds, from when it was written.
    pub millis: u64,
}

/// Takes a notice, and how long ago it was written by the tier's clock.
type Subscriber = Box<dyn Fn(&Notice, Duration) + Send + Sync>;

/// The result of one read.
#[derive(Default)]
struct NoticeBatch {
    notices: Vec<(Notice, Duration)>,
    /// How many there were, our own included.
    entries: usize,
    /// The name of the last one.
    last: Option<String>,
    /// Whether the stream has another past than the one that was read: the tier has lost it, or is another one.
    restarted: bool,
}

/// Writes and reads notices.
pub struct Notices {
    tier: Arc<Tier>,
    name: String,
    replica: String,
    subscribers: Mutex<Vec<Subscriber>>,
}

impl Notices {
    pub(super) fn new(tier: Arc<Tier>, names: &Names, replica: &str) -> Self {
        let name = names.single("notices");
        Self { tier, name, replica: replica.to_owned(), subscribers: Mutex::default() }
    }

    /// Has every notice of another replica handed to `subscriber`, which must not block.
    pub fn subscribe(&self, subscriber: impl Fn(&Notice, Duration) + Send + Sync + 'static) {
        self.subscribers.lock().push(Box::new(subscriber));
    }

    /// Tells the others, in the background. Where the tier is away they find out for themselves.
    pub fn publish(self: &Arc<Self>, notice: Notice) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let notices = self.clone();
        #[expect(clippy::disallowed_methods, reason = "one for a refusal, and it ends with the tier's timeout")]
        runtime.spawn(async move {
            if let Err(error) = notices.write(&notice).await {
                tracing::debug!(reason = %error, kind = notice.kind, "a notice could not be written");
            }
        });
    }

    /// Tells the others.
    ///
    /// # Errors
    /// When the tier is away.
    pub async fn write(&self, notice: &Notice) -> Result<(), TierError> {
        let mut commands = redis::pipe();
        let add = commands.cmd("XADD").arg(&self.name).arg("MAXLEN").arg("~").arg(KEPT).arg("*");
        add.arg("k")
            .arg(&notice.kind)
            .arg("a")
            .arg(&notice.about)
            .arg("m")
            .arg(notice.millis)
            .arg("r")
            .arg(&self.replica);
        commands.cmd("PEXPIRE").arg(&self.name).arg(u64::try_from(TTL.as_millis()).unwrap_or(u64::MAX));
        self.tier.call_all(&commands, 4 << 10).await.map(drop)
    }

    /// Reads notices until this is dropped.
    pub(super) fn start(self: &Arc<Self>) {
        let notices = Arc::downgrade(self);
        #[expect(clippy::disallowed_methods, reason = "one for a service, and it ends with it")]
        tokio::spawn(async move {
            // What was said before this replica started may hold still, such as a pause.
            let mut after: Option<String> = None;
            while let Some(notices) = notices.upgrade() {
                let mut full = false;
                if let Ok(batch) = notices.read(after.as_deref()).await {
                    for (notice, age) in &batch.notices {
                        for subscriber in notices.subscribers.lock().iter() {
                            subscriber(notice, *age);
                        }
                    }
                    full = batch.entries >= BATCH || batch.restarted;
                    after = if batch.restarted { None } else { batch.last.or(after) };
                }
                drop(notices);
                if !full {
                    tokio::time::sleep(INTERVAL).await;
                }
            }
        });
    }

    /// The notices after this one, without our own.
    async fn read(&self, after: Option<&str>) -> Result<NoticeBatch, TierError> {
        let mut commands = redis::pipe();
        let from = after.map_or_else(|| "-".to_owned(), |after| format!("({after}"));
        commands.cmd("TIME").cmd("XRANGE").arg(&self.name).arg(from).arg("+").arg("COUNT").arg(BATCH);
        commands.cmd("XREVRANGE").arg(&self.name).arg("+").arg("-").arg("COUNT").arg(1);
        let answers = self.tier.call_all(&commands, LIMIT).await?;
        let [time, Value::Array(entries), Value::Array(newest)] = answers.as_slice() else {
            return Err(TierError::Garbage);
        };
        let now = tier_millis(time).ok_or(TierError::Garbage)?;
        let mut batch = NoticeBatch { entries: entries.len(), ..NoticeBatch::default() };
        for entry in entries {
            let Some((id, fields)) = read_entry(entry) else { continue };
            let age = Duration::from_millis(now.saturating_sub(millis_of(&id)));
            batch.last = Some(id);
            let field =
                |name: &str| fields.chunks(2).find(|pair| pair[0] == name).and_then(|pair| pair.get(1)).cloned();
            let (Some(kind), Some(about), Some(replica)) = (field("k"), field("a"), field("r")) else { continue };
            let millis = field("m").and_then(|millis| millis.parse().ok()).unwrap_or(0);
            if replica != self.replica {
                batch.notices.push((Notice { kind, about, millis }, age));
            }
        }
        let newest = newest.first().and_then(read_entry).map(|(id, _)| place(&id));
        batch.restarted = after.zip(newest).is_some_and(|(after, newest)| newest < place(after));
        Ok(batch)
    }
}

/// An entry's name, and its fields and values in turn.
fn read_entry(entry: &Value) -> Option<(String, Vec<String>)> {
    let Value::Array(parts) = entry else { return None };
    let [id, Value::Array(fields)] = parts.as_slice() else { return None };
    Some((text(id)?, fields.iter().map(text).collect::<Option<_>>()?))
}

/// The milliseconds of the tier's clock that an entry's name begins with.
fn millis_of(id: &str) -> u64 {
    place(id).0
}

/// An entry's place among all.
fn place(id: &str) -> (u64, u64) {
    let (millis, number) = id.split_once('-').unwrap_or((id, "0"));
    (millis.parse().unwrap_or(0), number.parse().unwrap_or(0))
}

/// The tier's clock.
fn tier_millis(time: &Value) -> Option<u64> {
    let Value::Array(parts) = time else { return None };
    let [seconds, micros] = parts.as_slice() else { return None };
    let (seconds, micros): (u64, u64) = (text(seconds)?.parse().ok()?, text(micros)?.parse().ok()?);
    seconds.checked_mul(1000)?.checked_add(micros / 1000)
}

fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok()?,
        Value::SimpleString(text) => text,
        _ => return None,
    };
    (text.len() <= TEXT_LIMIT).then(|| text.to_owned())
}
