//! The report of `plan`: each operation alone, and all of them together. It has figures only; `print` gives them a
//! form.

use std::time::Duration;

use anyhow::{Result, anyhow};

use super::traffic_file::TrafficFile;
use crate::config::Config;
use crate::forecast::{ClientGroup, Prediction, Rules, SubscriberGroup, Traffic, predict};
use crate::graphql::{Inspector, OperationReport, OperationSource};

/// The plans that the vendor sells, in calls an hour.
pub(super) const PLANS: [u32; 3] = [1_000, 5_000, 10_000];

/// An operation's report, and the forecast of its traffic.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) report: OperationReport,
    /// `None` where no traffic was given.
    pub(super) forecast: Option<Forecast>,
}

/// The forecast of traffic.
#[derive(Clone, Copy)]
pub(super) struct Forecast {
    pub(super) requests_per_hour: f64,
    pub(super) subscriptions: u32,
    /// On the configured plan.
    pub(super) configured: Prediction,
    pub(super) on_plans: [Prediction; 3],
    /// With several replicas: the same with a plan and rosters that they share.
    pub(super) with_tier: Option<Prediction>,
}

pub(super) struct PlanReport {
    pub(super) lines: Vec<Line>,
    /// All operations together; `None` where no traffic was given.
    pub(super) total: Option<Forecast>,
    pub(super) fresh_for: Duration,
    pub(super) plan: u32,
    pub(super) cost_limit: usize,
    pub(super) traffic: TrafficFile,
}

impl PlanReport {
    /// Inspects the operations and forecasts their traffic.
    pub(super) fn of(operations: &[OperationSource], traffic: TrafficFile, config: &Config) -> Result<Self> {
        let inspector = Inspector::new(config.graphql.clone());
        let unknown = traffic.operations.keys().find(|name| !operations.iter().any(|known| known.name == **name));
        if let Some(unknown) = unknown {
            return Err(anyhow!("the traffic names the operation {unknown}, which is in no document"));
        }
        let (mut lines, mut problems, mut together) = (Vec::new(), Vec::new(), Vec::new());
        for OperationSource { name, file, text } in operations {
            let own = traffic.operations.get(name).cloned().unwrap_or_default();
            let variables = own.variables.as_ref().map(serde_json::to_string).transpose()?;
            let (usual, largest) = (traffic.team.usual(), traffic.team.largest());
            let report = match inspector.inspect(text, variables.as_deref(), usual, largest) {
                Ok(report) => report,
                Err(error) => {
                    problems.push(format!("{file}: {name}: {error}"));
                    continue;
                }
            };
            let (clients, interval) = if is_live(&report) {
                (traffic.subscriptions, traffic.live_interval.unwrap_or(config.live.interval))
            } else {
                (traffic.clients, traffic.interval)
            };
            let (clients, interval) = (own.clients.unwrap_or(clients), own.interval.unwrap_or(interval));
            let sender = OperationSender { clients, interval, report: report.clone() };
            let forecast = (clients > 0).then(|| forecast(std::slice::from_ref(&sender), &traffic, config));
            lines.push(Line { name: name.clone(), report, forecast });
            together.push(sender);
        }
        if !problems.is_empty() {
            return Err(anyhow!("{}", problems.join("\n  ")));
        }
        let asked = together.iter().any(|sender| sender.clients > 0);
        let total = asked.then(|| forecast(&together, &traffic, config));
        let (plan, cost_limit) = (config.budget.calls_per_hour, config.graphql.cost_limit);
        Ok(Self { lines, total, fresh_for: config.roster.fresh_for, plan, cost_limit, traffic })
    }
}

/// Clients that send an operation, or subscribers that listen with it.
struct OperationSender {
    clients: u32,
    interval: Duration,
    report: OperationReport,
}

fn is_live(report: &OperationReport) -> bool {
    report.kind == crate::graphql::OperationKind::Subscription
}

fn forecast(senders: &[OperationSender], file: &TrafficFile, config: &Config) -> Forecast {
    let (mut groups, mut subscribers, mut direct_calls) = (Vec::new(), Vec::new(), 0.0);
    let (mut requests_per_hour, mut subscriptions) = (0.0, 0_u32);
    for OperationSender { clients, interval, report } in senders.iter().filter(|sender| sender.clients > 0) {
        let (clients, interval) = (*clients, *interval);
        if is_live(report) {
            subscriptions = subscriptions.saturating_add(clients);
            subscribers.push(SubscriberGroup { subscribers: clients, interval });
            continue;
        }
        let per_hour = f64::from(clients) * 3600.0 / interval.as_secs_f64();
        requests_per_hour += per_hour;
        direct_calls += per_hour * report.direct_calls as f64;
        let accounts_per_request = u32::try_from(report.accounts).unwrap_or(u32::MAX);
        if accounts_per_request > 0 {
            groups.push(ClientGroup { clients, interval, accounts_per_request });
        }
    }
    // Clients that send several operations at the same pace send them for the same account, one after the other: one reading
    // serves them all. So it is with subscribers.
    groups.sort_by_key(|group| (group.interval, group.clients, group.accounts_per_request));
    groups.dedup();
    subscribers.sort_by_key(|group| (group.interval, group.subscribers));
    subscribers.dedup();
    let traffic = |shared: bool| Traffic {
        groups: groups.clone(),
        accounts: file.accounts,
        subscribers: subscribers.clone(),
        replicas: file.replicas,
        shared,
        calls_per_team: file.team.pages,
        direct_calls,
    };
    let rules = |plan: u32| Rules {
        fresh_for: config.roster.fresh_for,
        stale_for: config.roster.stale_for,
        refresh_ahead: config.roster.refresh_ahead,
        plan,
        window: config.budget.window,
        utilization: config.budget.utilization,
        reserve_ratio: config.budget.reserve_ratio,
        retry_ratio: config.upstream.retry_ratio,
        interval_floor: config.live.interval_floor,
        live_ratio: config.live.budget_ratio,
    };
    let plan = config.budget.calls_per_hour;
    let alone = file.replicas == 1;
    Forecast {
        requests_per_hour,
        subscriptions,
        configured: predict(&traffic(alone), &rules(plan)),
        on_plans: PLANS.map(|plan| predict(&traffic(alone), &rules(plan))),
        with_tier: (!alone).then(|| predict(&traffic(true), &rules(plan))),
    }
}
