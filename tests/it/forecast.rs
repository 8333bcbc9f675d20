//! The forecast against the service itself: random traffic over real rosters, ledger and guard on the paused clock, and the
//! calls that an endpoint in memory counted.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use flowmatix_graphql::config::LiveConfig;
use flowmatix_graphql::forecast::{ClientGroup, Prediction, Rules, SubscriberGroup, Traffic, predict};
use flowmatix_graphql::model::CacheResult;
use flowmatix_graphql::roster::{Feeds, Listener};
use flowmatix_graphql::telemetry::Metrics;

use crate::guarded::lab::{Lab, Reply};

const FRESH: u64 = 60;

fn rules(plan: u32) -> Rules {
    Rules {
        fresh_for: Duration::from_secs(FRESH),
        stale_for: Duration::from_secs(3600),
        refresh_ahead: true,
        plan,
        window: Duration::from_secs(3600),
        utilization: 0.95,
        reserve_ratio: 0.1,
        retry_ratio: 0.1,
        interval_floor: Duration::from_secs(5),
        live_ratio: 0.5,
    }
}

fn traffic(accounts: u32, groups: &[(u32, u64)]) -> Traffic {
    let group = |(clients, interval): &(u32, u64)| ClientGroup {
        clients: *clients,
        interval: Duration::from_secs(*interval),
        accounts_per_request: 1,
    };
    Traffic {
        groups: groups.iter().map(group).collect(),
        accounts,
        subscribers: Vec::new(),
        replicas: 1,
        shared: true,
        calls_per_team: 1,
        direct_calls: 0.0,
    }
}

/// The same with subscribers: how many, and how often they want their team to be read.
fn listened(traffic: Traffic, groups: &[(u32, u64)]) -> Traffic {
    let group = |(subscribers, interval): &(u32, u64)| SubscriberGroup {
        subscribers: *subscribers,
        interval: Duration::from_secs(*interval),
    };
    Traffic { subscribers: groups.iter().map(group).collect(), ..traffic }
}

/// What the service did in the hours that were measured.
struct Simulated {
    /// Calls in an hour, of all replicas.
    calls: f64,
    /// The oldest answer.
    oldest: Duration,
    requests: usize,
    /// What the subscriber was told whose team is read least.
    poll_interval: Option<Duration>,
}

/// Runs the traffic: clients and subscribers on replicas by chance, each with an account of its own, clients with a phase.
async fn simulate(traffic: &Traffic, plan: u32, seed: u64, hours: (u64, u64)) -> Simulated {
    let mut random = Rng::with_seed(seed);
    let calls_per_hour = plan.to_string();
    let pairs = [("budget.calls_per_hour", calls_per_hour.as_str()), ("roster.fresh_for", "60s")];
    let labs: Vec<Lab> =
        (0..traffic.replicas).map(|n| Lab::new(seed + u64::from(n), &pairs, |_| Reply::Team)).collect();
    // Every request as its time in milliseconds and its account.
    let end = (hours.0 + hours.1) * 3_600_000;
    let mut requests: Vec<(u64, usize)> = Vec::new();
    for group in &traffic.groups {
        let interval = group.interval.as_millis() as u64;
        for _ in 0..group.clients {
            let account = random.usize(..traffic.accounts as usize);
            requests.extend((random.u64(..interval)..end).step_by(interval as usize).map(|at| (at, account)));
        }
    }
    requests.sort_unstable();
    let start = tokio::time::Instant::now();
    let feeds =
        labs.iter().map(|lab| Feeds::new(lab.rosters.clone(), &LiveConfig::default(), Arc::<Metrics>::default()));
    let feeds: Vec<_> = feeds.collect();
    let mut listeners: Vec<Listener> = Vec::new();
    for group in &traffic.subscribers {
        for _ in 0..group.subscribers {
            let (replica, account) = (random.usize(..labs.len()), random.usize(..traffic.accounts as usize));
            listeners.push(feeds[replica].listen(&labs[replica].grant(account), Some(group.interval)));
        }
    }
    let measured = Duration::from_secs(hours.0 * 3600);
    let mut oldest = Duration::ZERO;
    let grants_of = |lab: &Lab| (0..traffic.accounts as usize).map(|account| lab.grant(account)).collect::<Vec<_>>();
    let grants: Vec<_> = labs.iter().map(grants_of).collect();
    // Until when a team is so fresh that asking for it does nothing: of such requests a few are made, to see that it is so.
    let mut idle_until = vec![vec![start; traffic.accounts as usize]; labs.len()];
    for (n, (at, account)) in requests.iter().enumerate() {
        let (at, replica) = (start + Duration::from_millis(*at), random.usize(..labs.len()));
        let idle_until = &mut idle_until[replica][*account];
        let is_idle = at < *idle_until;
        if is_idle && n % 16 > 0 {
            continue;
        }
        tokio::time::sleep_until(at).await;
        let found = labs[replica].rosters.get(&grants[replica][*account], None).await;
        if is_idle {
            let idle = found.as_ref().is_ok_and(|found| found.calls == 0 && found.cache == CacheResult::Hit);
            assert!(idle, "{found:?}");
        }
        let Ok(found) = found else { continue };
        if !found.stale {
            // The part of the window from which a team may be read ahead of time, less a tenth.
            *idle_until = at + Duration::from_secs(FRESH).mul_f64(0.85 * 0.9).saturating_sub(found.age);
        }
        if start.elapsed() > measured {
            oldest = oldest.max(found.age);
        }
    }
    tokio::time::sleep_until(start + Duration::from_secs((hours.0 + hours.1) * 3600)).await;
    let calls = labs.iter().flat_map(Lab::calls).filter(|call| call.after > measured).count();
    let mut poll_interval = None;
    for listener in &mut listeners {
        poll_interval = poll_interval.max(Some(listener.next().await.price.interval));
    }
    Simulated { calls: calls as f64 / hours.1 as f64, oldest, requests: requests.len(), poll_interval }
}

fn close(predicted: f64, simulated: f64) -> bool {
    (predicted - simulated).abs() <= 0.1 * simulated
}

/// The promise: a tenth.
#[tokio::test(start_paused = true)]
async fn predicted_and_simulated_calls_differ_by_less_than_a_tenth_over_random_traffic() {
    let mut random = Rng::with_seed(20_261_126);
    let (mut misses, mut stretched) = (Vec::new(), 0);
    for seed in 0..10 {
        let accounts = 60 + random.u32(..100);
        let mut groups = vec![(accounts / 2 + random.u32(..accounts * 3), 30 + random.u64(..210))];
        if seed % 3 == 0 {
            groups.push((accounts / 4 + random.u32(..accounts), 30 + random.u64(..600)));
        }
        // From plenty to a quarter of what would be wanted.
        let plenty = predict(&traffic(accounts, &groups), &rules(1_000_000)).calls;
        let plan = (plenty * [10.0, 1.5, 0.9, 0.5][random.usize(..4)]).max(400.0) as u32;
        let traffic = traffic(accounts, &groups);
        let Prediction { calls, oldest, stretch, worst_calls, .. } = predict(&traffic, &rules(plan));
        stretched += usize::from(stretch > 1.05);
        let simulated = simulate(&traffic, plan, seed, (1, 1)).await;
        let shown = format!(
            "{accounts} accounts, {groups:?}, a plan of {plan} (stretch {stretch:.2}): {calls:.0} predicted, {:.0} simulated, \
             {:.0} s and {:.0} s old, {} requests",
            simulated.calls,
            oldest.as_secs_f64(),
            simulated.oldest.as_secs_f64(),
            simulated.requests
        );
        println!("{shown}");
        // The worst is a bound, and so is the plan.
        assert!(simulated.calls <= worst_calls * 1.02 && simulated.calls <= f64::from(plan) * 0.95, "{shown}");
        if !close(calls, simulated.calls) {
            misses.push(shown);
        }
    }
    assert!(misses.is_empty(), "{misses:#?}");
    assert!((2..9).contains(&stretched), "{stretched} of 10 had to be stretched");
}

/// Teams that somebody listens to, with clients beside the subscribers and without, on plans with plenty and with too little.
#[tokio::test(start_paused = true)]
async fn subscriptions_cost_as_predicted_by_the_interval_of_their_pollers() {
    let mut random = Rng::with_seed(20_261_127);
    let (mut misses, mut shared, mut stretched) = (Vec::new(), 0, 0);
    for seed in 200..206 {
        let accounts = 60 + random.u32(..60);
        let interval = |random: &mut Rng| [20, 30, 60, 120, 300][random.usize(..5)];
        let mut subscribers = vec![(accounts + random.u32(..accounts * 3), interval(&mut random))];
        if seed % 2 == 0 {
            subscribers.push((accounts / 2 + random.u32(..accounts), interval(&mut random)));
        }
        let mut clients = Vec::new();
        if seed % 4 != 0 {
            clients.push((accounts / 2 + random.u32(..accounts * 3), 30 + random.u64(..210)));
        }
        let traffic = listened(traffic(accounts, &clients), &subscribers);
        let plenty = predict(&traffic, &rules(1_000_000)).calls;
        let plan = (plenty * [10.0, 2.5, 1.2, 0.6][random.usize(..4)]).max(400.0) as u32;
        let prediction = predict(&traffic, &rules(plan));
        let asked = subscribers.iter().map(|(_, interval)| *interval).max().unwrap();
        shared += usize::from(prediction.poll_interval.unwrap().as_secs_f64() > asked as f64 * 1.05);
        stretched += usize::from(prediction.stretch > 1.05);
        let simulated = simulate(&traffic, plan, seed, (1, 1)).await;
        let shown = format!(
            "{accounts} accounts, {subscribers:?}, clients {clients:?}, a plan of {plan} (stretch {:.2}): {:.0} predicted, {:.0} \
             simulated, polls every {:?} and {:?}",
            prediction.stretch, prediction.calls, simulated.calls, prediction.poll_interval, simulated.poll_interval
        );
        println!("{shown}");
        assert!(
            simulated.calls <= prediction.worst_calls * 1.02 && simulated.calls <= f64::from(plan) * 0.95,
            "{shown}"
        );
        let (predicted, told) = (prediction.poll_interval.unwrap(), simulated.poll_interval.unwrap());
        let same_interval = prediction.stretch > 1.0 || close(predicted.as_secs_f64(), told.as_secs_f64());
        if !close(prediction.calls, simulated.calls) || !same_interval {
            misses.push(shown);
        }
    }
    assert!(misses.is_empty(), "{misses:#?}");
    assert!((1..6).contains(&shared), "{shared} of 6 had to share the plan");
    assert!((1..6).contains(&stretched), "{stretched} of 6 had to be stretched");
}

#[tokio::test(start_paused = true)]
async fn replicas_that_share_nothing_spend_as_predicted() {
    for (seed, replicas) in [(100, 2), (101, 4)] {
        let traffic = Traffic { replicas, shared: false, ..traffic(120, &[(360, 45)]) };
        let prediction = predict(&traffic, &rules(1_000_000));
        let simulated = simulate(&traffic, 1_000_000, seed, (1, 1)).await;
        assert!(close(prediction.calls, simulated.calls), "{prediction:?} {}", simulated.calls);
        let shared = predict(&Traffic { shared: true, ..traffic }, &rules(1_000_000));
        assert!(shared.calls * 1.2 < prediction.calls, "{shared:?} {prediction:?}");
    }
}

/// Where nothing is left to chance, the answer is known.
#[test]
fn plain_cases_come_out_as_on_paper() {
    // One client that asks every five minutes: each request finds an old team.
    let lonely = predict(&traffic(1, &[(1, 300)]), &rules(1000));
    assert!((lonely.calls - 12.0).abs() < 0.3, "{lonely:?}");
    // A crowd: as often as a team is read ahead of time, 0.85 of the fresh window.
    let crowd = predict(&traffic(1, &[(10_000, 10)]), &rules(1000));
    assert!((crowd.calls - 3600.0 / 51.0).abs() < 1.5, "{crowd:?}");
    assert_eq!(crowd.oldest, Duration::from_secs(60));
    // Nobody asks.
    assert_eq!(predict(&traffic(5, &[]), &rules(1000)).calls, 0.0);
    // Subscribers: one poller for a team, however many they are.
    for subscribers in [1, 10_000] {
        let live = predict(&listened(traffic(1, &[]), &[(subscribers, 15)]), &rules(1000));
        assert!((live.calls - 240.0).abs() < 0.01 && live.oldest == Duration::from_secs(15), "{live:?}");
        // Below the floor nobody is served, and the shortest of two intervals counts.
        let quick = predict(&listened(traffic(1, &[]), &[(subscribers, 60), (1, 1)]), &rules(1_000_000));
        assert!((quick.calls - 720.0).abs() < 0.01 && quick.poll_interval == Some(Duration::from_secs(5)), "{quick:?}");
    }
    // No more than their part of the plan, half of the 855 calls that are not kept for new teams.
    let spread = predict(&listened(traffic(100, &[]), &[(100_000, 5)]), &rules(1000));
    assert!((spread.calls - 427.5).abs() < 1.0 && spread.stretch == 1.0, "{spread:?}");
    assert!((spread.poll_interval.unwrap().as_secs_f64() - 842.0).abs() < 1.0, "{spread:?}");
    // Two teams of which one needs little: the other one has the rest. 80 listen, by chance half of them to either.
    let fair = predict(&listened(traffic(2, &[]), &[(80, 3600), (1, 5)]), &rules(1000));
    assert!((fair.calls - 427.5).abs() < 1.0, "{fair:?}");
    // Slower than clients who ask for the team anyway: then they have it read, and the poller has nothing to do.
    let idle = predict(&listened(traffic(1, &[(10_000, 10)]), &[(1, 600)]), &rules(1000));
    assert!((idle.calls - 3600.0 / 51.0).abs() < 1.5, "{idle:?}");
    // More accounts than calls: some get no answer, and the plan is spent to its share.
    let flooded = predict(&traffic(20_000, &[(200_000, 10)]), &rules(1000));
    assert!((flooded.calls - 950.0).abs() < 1.0 && flooded.answered < 0.06, "{flooded:?}");
    // Five times the plan: a fifth of the age, at least.
    let ages: Vec<f64> = [1000, 5000, 10_000]
        .map(|plan| predict(&traffic(500, &[(50_000, 10)]), &rules(plan)).oldest.as_secs_f64())
        .into();
    assert!(ages[0] > 4.0 * ages[1] && ages[1] > 1.5 * ages[2] && ages[2] >= 60.0, "{ages:?}");
    // Two replicas without a tier call twice, and may overrun the plan; with it they do not.
    let two = |shared| predict(&Traffic { replicas: 2, shared, ..traffic(300, &[(3000, 5)]) }, &rules(1000));
    assert!(two(false).overruns && !two(true).overruns && two(false).calls > 1.5 * two(true).calls);
}
