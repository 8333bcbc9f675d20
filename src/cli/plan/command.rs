//! The command: reads operations and traffic, prints the report, and says by its exit code whether it keeps within limits.
//!
//! Exit codes: 0 within the limits · 1 past one of them · 2 no report.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use super::documents;
use super::print;
use super::report::PlanReport;
use super::traffic_file::TrafficFile;
use crate::cli::configuration::ConfigArgs;
use crate::cli::output;
use crate::cli::schema_compare::Format;
use crate::config::Profile;

#[derive(clap::Args)]
#[group(id = "plan")]
pub(in crate::cli) struct PlanArgs {
    /// Files of operations and fragments, such as `src/**/*.graphql`. Can be given again.
    #[arg(long, value_name = "GLOB")]
    documents: Vec<String>,
    /// A manifest of operations, as for documents.manifest: also for operations in source code. Can be given again.
    #[arg(long, value_name = "FILE")]
    manifest: Vec<PathBuf>,
    /// A TOML file that says who sends the operations how often.
    #[arg(long, value_name = "FILE")]
    traffic: Option<PathBuf>,
    /// How many clients send the operations.
    #[arg(long, value_name = "N")]
    clients: Option<u32>,
    /// How often each of them sends each operation.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    interval: Option<Duration>,
    /// How many accounts they read between them.
    #[arg(long, value_name = "N")]
    accounts: Option<u32>,
    /// How many subscribers listen with each subscription.
    #[arg(long, value_name = "N")]
    subscriptions: Option<u32>,
    /// How often they ask for their team to be read; live.interval where this is not given.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    live_interval: Option<Duration>,
    /// How many replicas serve them.
    #[arg(long, value_name = "N")]
    replicas: Option<u32>,
    /// Fail where all operations together take more upstream calls in an hour, as expected.
    #[arg(long, value_name = "N")]
    max_calls: Option<f64>,
    /// Fail where answers on the configured plan (budget.calls_per_hour) get older, or accounts get none.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    max_age: Option<Duration>,
    /// Fail where an operation costs more cells at worst.
    #[arg(long, value_name = "CELLS")]
    max_cost: Option<usize>,
    /// How the report is printed.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    configuration: ConfigArgs,
}

pub(in crate::cli) fn run(arguments: &PlanArgs) -> ExitCode {
    match report(arguments) {
        Ok(past) if past.is_empty() => ExitCode::SUCCESS,
        Ok(past) => {
            past.iter().for_each(|line| eprintln!("past the limit: {line}"));
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Prints the report; returns what is past the limits.
fn report(arguments: &PlanArgs) -> Result<Vec<String>> {
    let config = arguments.configuration.load_without_callers(Profile::Serve)?;
    let mut traffic = match &arguments.traffic {
        Some(path) => TrafficFile::read(path)?,
        None => TrafficFile::default(),
    };
    traffic.clients = arguments.clients.unwrap_or(traffic.clients);
    traffic.interval = arguments.interval.unwrap_or(traffic.interval);
    traffic.accounts = arguments.accounts.unwrap_or(traffic.accounts);
    traffic.subscriptions = arguments.subscriptions.unwrap_or(traffic.subscriptions);
    traffic.live_interval = arguments.live_interval.or(traffic.live_interval);
    traffic.replicas = arguments.replicas.unwrap_or(traffic.replicas);
    traffic.check()?;
    let operations = documents::find(&arguments.documents, &arguments.manifest)?;
    let report = PlanReport::of(&operations, traffic, &config)?;
    output::print(&match arguments.format {
        Format::Text => print::text(&report),
        Format::Json => print::json(&report),
        Format::Markdown => print::markdown(&report),
    })?;
    past(arguments, &report)
}

fn past(arguments: &PlanArgs, report: &PlanReport) -> Result<Vec<String>> {
    let mut past = Vec::new();
    for line in report.lines.iter().filter(|line| line.report.estimated_cost > report.cost_limit) {
        let (cost, limit) = (line.report.estimated_cost, report.cost_limit);
        past.push(format!(
            "{} costs {cost} cells over a usual team: graphql.cost_limit ({limit}) refuses it",
            line.name
        ));
    }
    if let Some(most) = arguments.max_cost {
        for line in report.lines.iter().filter(|line| line.report.worst_cost > most) {
            past.push(format!("{} costs up to {} cells, more than {most}", line.name, line.report.worst_cost));
        }
    }
    if (arguments.max_calls.is_some() || arguments.max_age.is_some()) && report.total.is_none() {
        anyhow::bail!(
            "--max-calls and --max-age need traffic: give --clients, or --traffic with clients or subscriptions"
        );
    }
    if let Some(total) = &report.total {
        let expected = total.configured;
        if let Some(most) = arguments.max_calls.filter(|most| expected.calls > *most) {
            past.push(format!("{:.0} calls an hour are expected, more than {most}", expected.calls));
        }
        if let Some(most) = arguments.max_age.filter(|most| expected.oldest > *most || expected.answered < 1.0) {
            let answered = (expected.answered * 100.0).floor();
            let (oldest, most) = (expected.oldest.as_secs(), humantime::format_duration(most));
            past.push(format!(
                "answers get {oldest} s old, and {answered:.0} % of accounts get one; {most} is allowed"
            ));
        }
    }
    Ok(past)
}
