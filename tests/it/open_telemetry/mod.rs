//! Traces over OTLP, as a real receiver decodes them.

mod allocations;
mod context;
mod delivery;
mod environment;
mod example;
mod receiver;
mod spans;
mod tier;

use flowmatix_graphql::app::App;
use flowmatix_graphql::demo::{AGENCY_TOKEN, Demo};
use receiver::Receiver;
use secrecy::SecretString;

use crate::support::{TestApp, demo_settings, settings};

/// A service whose traces go to this receiver, with these settings and variables of OpenTelemetry.
async fn traced(receiver: &Receiver, pairs: &[(&str, &str)], variables: &[(&str, &str)]) -> TestApp {
    let endpoint = receiver.url();
    let ours = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "20")];
    with_variables(pairs, &[&ours, variables].concat()).await
}

async fn with_variables(pairs: &[(&str, &str)], variables: &[(&str, &str)]) -> TestApp {
    let demo = Demo::start(&demo_settings()).unwrap();
    let mut config = settings(&demo.url(), pairs);
    config.otel = variables.iter().copied().collect();
    let app = App::start(&config, Some(SecretString::from(AGENCY_TOKEN))).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    TestApp { app, demo, client }
}
