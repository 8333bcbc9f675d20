//! The printed report: text for people, JSON for programs, a Markdown table for pull requests.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::report::{Forecast, Line, PLANS, PlanReport};
use crate::forecast::Prediction;
use crate::graphql::{OperationKind, OperationReport, RefusedCost};

/// For people.
pub(super) fn text(report: &PlanReport) -> String {
    let mut text = String::new();
    for Line { name, report: operation, forecast } in &report.lines {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}");
        let _ = writeln!(text, "  cost       {} cells, at worst {}", operation.estimated_cost, worst(operation));
        let _ = writeln!(text, "  accounts   {}", accounts(operation));
        let _ = writeln!(text, "  cache      {}", cache(operation, forecast.as_ref(), report.fresh_for));
        let _ = writeln!(text, "  scopes     {}", scopes(operation));
        if let Some(forecast) = forecast {
            text.push_str(&forecast_text(forecast, report.plan));
        }
    }
    if let Some(total) = &report.total {
        let _ = writeln!(
            text,
            "all together: {} requests an hour{}",
            rounded(total.requests_per_hour),
            subscriptions(total)
        );
        text.push_str(&forecast_text(total, report.plan));
    }
    text
}

fn forecast_text(forecast: &Forecast, plan: u32) -> String {
    let mut text = String::new();
    let Prediction { calls, worst_calls, overruns, .. } = forecast.configured;
    let _ = writeln!(
        text,
        "  calls      {} an hour on a plan of {plan}, at worst {}",
        rounded(calls),
        rounded(worst_calls)
    );
    if let Some(interval) = forecast.configured.poll_interval {
        let _ = writeln!(text, "  live       each team that somebody listens to is read every {}", age(interval));
    }
    for (plan, prediction) in PLANS.iter().zip(&forecast.on_plans) {
        let _ =
            writeln!(text, "  on {plan:>6}  answers up to {} old{}", age(prediction.oldest), unanswered(prediction));
    }
    if let Some(tier) = forecast.with_tier {
        let _ = writeln!(
            text,
            "  shared     with the cluster tier {} calls an hour, at worst {}, answers up to {} old",
            rounded(tier.calls),
            rounded(tier.worst_calls),
            age(tier.oldest)
        );
        if overruns {
            text.push_str(
                "  warning    without the tier the replicas together may call more often than the plan allows\n",
            );
        }
    }
    text
}

/// For pull requests.
pub(super) fn markdown(report: &PlanReport) -> String {
    let with_traffic = report.total.is_some();
    let mut text = String::from("| operation | cost | worst cost | accounts | cache | scopes |");
    let mut rule = String::from("\n|---|---|---|---|---|---|");
    if with_traffic {
        text.push_str(" calls an hour | worst calls |");
        rule.push_str("---|---|");
        for plan in PLANS {
            let _ = write!(text, " age on {plan} |");
            rule.push_str("---|");
        }
    }
    text.push_str(&rule);
    text.push('\n');
    for Line { name, report: operation, forecast } in &report.lines {
        let _ = write!(
            text,
            "| `{name}` | {} | {} | {} | {} | {} |",
            operation.estimated_cost,
            if operation.refused.is_some() {
                format!("{}, more is refused", operation.worst_cost)
            } else {
                operation.worst_cost.to_string()
            },
            accounts(operation),
            cache(operation, forecast.as_ref(), report.fresh_for),
            operation.scopes.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(", "),
        );
        if with_traffic {
            columns(&mut text, forecast.as_ref());
        }
        text.push('\n');
    }
    if let Some(total) = &report.total {
        text.push_str("| all together | | | | | |");
        columns(&mut text, Some(total));
        text.push('\n');
        if let Some(tier) = total.with_tier {
            let _ = write!(
                text,
                "| all together, with the cluster tier | | | | | | {} | {} |",
                rounded(tier.calls),
                rounded(tier.worst_calls)
            );
            text.push_str(&" |".repeat(PLANS.len()));
            text.push('\n');
        }
    }
    text
}

fn columns(text: &mut String, forecast: Option<&Forecast>) {
    let Some(Forecast { configured, on_plans, .. }) = forecast else {
        return text.push_str(&" |".repeat(2 + PLANS.len()));
    };
    let _ = write!(text, " {} | {} |", rounded(configured.calls), rounded(configured.worst_calls));
    for prediction in on_plans {
        let _ = write!(text, " {}{} |", age(prediction.oldest), unanswered(prediction));
    }
}

/// For programs.
pub(super) fn json(report: &PlanReport) -> String {
    let line = |Line { name, report: operation, forecast }: &Line| {
        json!({
            "name": name,
            "kind": kind(operation),
            "cost": {
                "estimated": operation.estimated_cost,
                "worst": operation.worst_cost,
                "refused": operation.refused.as_ref().map(|RefusedCost { cells, argument }| {
                    json!({ "upTo": cells, "argument": argument })
                }),
            },
            "accounts": { "usual": operation.accounts, "most": operation.most_accounts },
            "directCalls": operation.direct_calls,
            "cacheableSeconds": if operation.cacheable { report.fresh_for.as_secs() } else { 0 },
            "scopes": operation.scopes,
            "forecast": forecast.as_ref().map(|forecast| forecast_json(forecast, report.plan)),
        })
    };
    let whole = json!({
        "operations": report.lines.iter().map(line).collect::<Vec<_>>(),
        "total": report.total.as_ref().map(|total| forecast_json(total, report.plan)),
        "traffic": {
            "clients": report.traffic.clients, "intervalSeconds": report.traffic.interval.as_secs_f64(),
            "accounts": report.traffic.accounts, "subscriptions": report.traffic.subscriptions,
            "liveIntervalSeconds": report.traffic.live_interval.map(|interval| interval.as_secs_f64()),
            "replicas": report.traffic.replicas,
        },
    });
    format!("{whole:#}\n")
}

fn forecast_json(forecast: &Forecast, plan: u32) -> Value {
    let plans = PLANS.iter().zip(&forecast.on_plans).map(|(plan, prediction)| prediction_json(*plan, prediction));
    json!({
        "requestsPerHour": forecast.requests_per_hour.round(),
        "subscriptions": forecast.subscriptions,
        "configured": prediction_json(plan, &forecast.configured),
        "plans": plans.collect::<Vec<_>>(),
        "withTier": forecast.with_tier.map(|prediction| prediction_json(plan, &prediction)),
    })
}

fn prediction_json(plan: u32, prediction: &Prediction) -> Value {
    json!({
        "plan": plan,
        "callsPerHour": prediction.calls.round(),
        "worstCallsPerHour": prediction.worst_calls.ceil(),
        "oldestSeconds": prediction.oldest.as_secs_f64().round(),
        "pollSeconds": prediction.poll_interval.map(|interval| (interval.as_secs_f64() * 10.0).round() / 10.0),
        "answered": (prediction.answered * 1000.0).round() / 1000.0,
        "overruns": prediction.overruns,
    })
}

fn kind(operation: &OperationReport) -> &'static str {
    match operation.kind {
        OperationKind::Query => "query",
        OperationKind::Mutation => "mutation",
        OperationKind::Subscription => "subscription",
    }
}

fn accounts(operation: &OperationReport) -> String {
    match (operation.accounts, operation.most_accounts, operation.direct_calls) {
        (0, 0, 0) => "none".to_owned(),
        (0, 0, calls) => format!("none, and {calls} of its own calls"),
        (usual, most, _) if usual == most => usual.to_string(),
        (usual, most, _) => format!("{usual}, up to {most}"),
    }
}

/// The worst cost, and what more could be asked for by what.
fn worst(operation: &OperationReport) -> String {
    let worst = operation.worst_cost;
    match &operation.refused {
        None => worst.to_string(),
        Some(RefusedCost { cells, argument }) => {
            let by = argument.as_ref().map(|argument| format!(", most of it by {argument}")).unwrap_or_default();
            format!("{worst}: up to {cells} can be asked for{by}, and more than graphql.cost_limit is refused")
        }
    }
}

fn subscriptions(forecast: &Forecast) -> String {
    match forecast.subscriptions {
        0 => String::new(),
        subscriptions => format!(", {subscriptions} subscriptions"),
    }
}

fn cache(operation: &OperationReport, forecast: Option<&Forecast>, fresh_for: Duration) -> String {
    match (operation.kind, operation.cacheable) {
        (OperationKind::Subscription, _) => match forecast.and_then(|forecast| forecast.configured.poll_interval) {
            Some(interval) => format!("live, every {}", age(interval)),
            None => "live".to_owned(),
        },
        (_, true) => format!("private, up to {}", age(fresh_for)),
        (_, false) => "no-store".to_owned(),
    }
}

fn scopes(operation: &OperationReport) -> String {
    if operation.scopes.is_empty() { "none".to_owned() } else { operation.scopes.join(", ") }
}

fn unanswered(prediction: &Prediction) -> String {
    if prediction.answered >= 1.0 {
        return String::new();
    }
    format!(", for {:.0} % of accounts", (prediction.answered * 100.0).floor())
}

fn rounded(number: f64) -> String {
    format!("{number:.0}")
}

/// An age that people can read: seconds below two minutes, minutes below two hours.
fn age(age: Duration) -> String {
    let seconds = age.as_secs_f64().round();
    match () {
        () if seconds < 120.0 => format!("{seconds:.0} s"),
        () if seconds < 7200.0 => format!("{:.0} min", (seconds / 60.0).round()),
        () => format!("{:.1} h", seconds / 3600.0),
    }
}
