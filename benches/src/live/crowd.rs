//! A crowd: subscribers who listen to a few accounts whose teams change with every reading, and what they cost.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::sleep;

use super::changing_vendor::ChangingVendor;
use super::fleet::Fleet;
use super::subscribers::Subscribers;

/// The accounts that the crowd listens to.
pub const ACCOUNTS: usize = 10;

/// What came of one crowd.
pub struct Crowd {
    pub subscribers: usize,
    /// Memory before anybody listened, with everybody at rest, and the most.
    empty: f64,
    idle: f64,
    pub most: f64,
    pub calls: usize,
    pub seconds: f64,
    pub events: u64,
    /// Events for each state that there was, if everybody had seen each.
    pub possible: u64,
    cpu: Duration,
    /// From the vendor's answer to the last subscriber's last byte, for each state of each account.
    delays: Vec<f64>,
    pub up_to_date: usize,
}

impl Crowd {
    /// Memory of an idle subscriber.
    pub fn memory(&self) -> f64 {
        (self.idle - self.empty) / self.subscribers as f64
    }

    pub fn cpu_of_an_event(&self) -> f64 {
        self.cpu.as_secs_f64() / self.events.max(1) as f64
    }

    pub fn delay(&self, share: f64) -> f64 {
        let mut delays = self.delays.clone();
        delays.sort_by(f64::total_cmp);
        delays.get(((delays.len().max(1) - 1) as f64 * share) as usize).copied().unwrap_or(f64::NAN)
    }
}

pub fn account(n: usize) -> String {
    format!("account-{n}@live.example")
}

/// What a subscriber with this token shows to listen to an account.
pub fn caller(token: &str, account_number: usize) -> String {
    let email = account(account_number);
    format!(r#"{{"authorization":"Bearer {token}","x-flowmatix-email":"{email}","x-flowmatix-type":"CUSTOMER"}}"#)
}

/// Each account's subscribers are a caller of their own.
fn own_caller(account_number: usize) -> String {
    caller(&format!("bench-{account_number}"), account_number)
}

/// Has `count` subscribers listen, and the teams change for so long.
pub async fn crowd(server: &Fleet, vendor: &ChangingVendor, count: usize, seconds: u64) -> Result<Crowd> {
    vendor.reset();
    vendor.set_changing(false);
    let addresses = server.addresses();
    // Whatever is made once is made for these.
    let first = Subscribers::connect(&addresses, ACCOUNTS * server.len(), ACCOUNTS, &own_caller).await?;
    sleep(Duration::from_secs(2)).await;
    first.check()?;
    let empty = server.memory("VmRSS")? as f64;
    let all = Subscribers::connect(&addresses, count, ACCOUNTS, &own_caller).await?;
    sleep(Duration::from_secs(10)).await;
    all.check()?;
    let idle = server.memory("VmRSS")? as f64;

    vendor.set_changing(true);
    sleep(Duration::from_secs(3)).await;
    let snapshot = || -> Result<_> {
        let states: Vec<usize> = (0..ACCOUNTS).map(|n| vendor.calls(&account(n)).states.len()).collect();
        let calls = (0..ACCOUNTS).map(|n| vendor.calls(&account(n)).all.len()).sum::<usize>();
        Ok((Instant::now(), server.cpu()?, all.events() + first.events(), calls, states))
    };
    let (began, cpu, events, calls, first_states) = snapshot()?;
    sleep(Duration::from_secs(seconds)).await;
    let (ended, cpu_now, events_now, calls_now, last_states) = snapshot()?;
    let most = server.memory("VmHWM")? as f64;
    vendor.set_changing(false);
    let newest = |n: usize| vendor.calls(&account(n)).states.len() - 1;
    let deadline = Instant::now() + Duration::from_secs(30);
    while all.up_to_date(newest) < count && Instant::now() < deadline {
        sleep(Duration::from_millis(50)).await;
    }
    all.check()?;
    let (mut delays, mut possible) = (Vec::new(), 0);
    for n in 0..ACCOUNTS {
        let calls = vendor.calls(&account(n));
        possible += (last_states[n] - first_states[n]) * (all.listeners(n) + first.listeners(n));
        // A state that was left out for a slow subscriber has no last subscriber.
        let complete = (first_states[n]..last_states[n]).filter_map(|state| {
            let arrivals = all.arrivals(n, state).filter(|arrivals| arrivals.count == all.listeners(n))?;
            Some(arrivals.last.saturating_duration_since(calls.states[state]).as_secs_f64())
        });
        delays.extend(complete);
    }
    Ok(Crowd {
        subscribers: count,
        empty,
        idle,
        most,
        calls: calls_now - calls,
        seconds: (ended - began).as_secs_f64(),
        events: events_now - events,
        possible: possible as u64,
        cpu: cpu_now - cpu,
        delays,
        up_to_date: all.up_to_date(newest),
    })
}
