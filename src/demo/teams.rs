//! The sample's teams, and their life: members come and go online, and get and read messages, at a pace that can be changed.
//!
//! A step is taken when it is due and somebody asks, so nothing runs in between; the same seed takes the same steps.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::accounts::ACCOUNTS;
use super::people;
use crate::model::Clock;

/// The most steps that are taken at once.
const STEPS_LIMIT: u64 = 1000;

/// All teams.
pub(super) struct DemoTeams {
    seed: u64,
    base_url: String,
    life: Mutex<Life>,
    teams: [Mutex<Option<LivingTeam>>; ACCOUNTS.len()],
}

/// The rows of a team, and its whole list as it is answered.
pub(super) struct DemoTeam {
    pub(super) rows: Vec<Value>,
    pub(super) body: Bytes,
}

/// How many steps there were so far.
struct Life {
    /// Zero when nothing happens.
    pace: Duration,
    since: Instant,
    /// Before that.
    before: u64,
}

struct LivingTeam {
    team: Arc<DemoTeam>,
    steps: u64,
}

impl Life {
    fn steps(&self) -> u64 {
        if self.pace.is_zero() {
            return self.before;
        }
        let steps = Clock::elapsed_since(self.since).as_millis() / self.pace.as_millis().max(1);
        self.before + u64::try_from(steps).unwrap_or(u64::MAX)
    }
}

impl DemoTeams {
    pub(super) fn new(seed: u64, base_url: String, pace: Duration) -> Self {
        let life = Life { pace, since: Clock::instant(), before: 0 };
        Self { seed, base_url, life: Mutex::new(life), teams: Default::default() }
    }

    /// Sets how long a step takes, from now on; zero for nothing to happen.
    pub(super) fn set_pace(&self, pace: Duration) {
        let mut life = self.life.lock();
        if life.pace != pace {
            *life = Life { pace, since: Clock::instant(), before: life.steps() };
        }
    }

    /// The team of this account, as it is now.
    pub(super) fn get(&self, place: usize) -> Arc<DemoTeam> {
        let steps = self.life.lock().steps();
        let mut team = self.teams[place].lock();
        let living = team.get_or_insert_with(|| LivingTeam {
            team: Arc::new(DemoTeam::of(people::team(self.seed, &ACCOUNTS[place], &self.base_url))),
            steps: 0,
        });
        if living.steps < steps {
            let mut rows = living.team.rows.clone();
            for step in living.steps.max(steps.saturating_sub(STEPS_LIMIT))..steps {
                take_step(&mut rows, self.seed ^ place as u64, step);
            }
            *living = LivingTeam { team: Arc::new(DemoTeam::of(rows)), steps };
        }
        living.team.clone()
    }

    /// Changes fields of the member with this id, in whichever team; `false` where there is none.
    pub(super) fn change(&self, id: &str, fields: &Map<String, Value>) -> bool {
        (0..ACCOUNTS.len()).any(|place| {
            let now = self.get(place);
            if !now.rows.iter().any(|row| row["_id"] == id) {
                return false;
            }
            let mut rows = now.rows.clone();
            for row in rows.iter_mut().filter(|row| row["_id"] == id).filter_map(Value::as_object_mut) {
                row.extend(fields.clone());
            }
            let mut team = self.teams[place].lock();
            if let Some(living) = team.as_mut() {
                living.team = Arc::new(DemoTeam::of(rows));
            }
            true
        })
    }
}

impl DemoTeam {
    fn of(rows: Vec<Value>) -> Self {
        let body = Bytes::from(people::envelope(rows.clone()).to_string());
        Self { rows, body }
    }
}

/// One member comes, goes, gets a message or reads all.
fn take_step(rows: &mut [Value], seed: u64, step: u64) {
    let random = people::scramble(seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let length = rows.len().max(1) as u64;
    let Some(row) = usize::try_from(random % length).ok().and_then(|place| rows.get_mut(place)) else { return };
    match (random >> 32) % 4 {
        0 | 1 => {
            let next = if row["liveAvailability"] == "ONLINE" { "OFFLINE" } else { "ONLINE" };
            row["liveAvailability"] = json!(next);
        }
        2 => row["unreadMessages"] = json!(row["unreadMessages"].as_u64().unwrap_or(0) + 1),
        _ => row["unreadMessages"] = json!(0),
    }
    row["__v"] = json!(row["__v"].as_u64().unwrap_or(0) + 1);
}
