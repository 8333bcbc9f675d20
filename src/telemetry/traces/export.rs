//! The export of spans: sends batches over OTLP, in protobuf over HTTP, and counts what is lost.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{Compression, Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanExporter, SpanProcessor as _};

use super::queue::{ExportState, SpanQueue};
use super::settings::TraceSettings;
use super::transport::ExportTransport;
use crate::telemetry::{Build, Metrics};

/// The name of the service where the environment says none.
const NAME: &str = env!("CARGO_PKG_NAME");

/// A queue whose spans are sent as the settings say.
///
/// # Errors
/// Why they cannot be sent.
pub(super) fn queue_to(settings: &TraceSettings, metrics: Arc<Metrics>) -> Result<SpanQueue, String> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(ExportTransport::new(settings.timeout, settings.trusted.clone())?)
        .with_headers(settings.headers.clone());
    // The library reads both from the environment, too, and says nothing of what it cannot use.
    let exporter = if settings.gzip { exporter.with_compression(Compression::Gzip) } else { exporter };
    let exporter = exporter
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(settings.endpoint.as_str())
        .with_timeout(settings.timeout)
        .build()
        .map_err(|error| error.to_string())?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(settings.queue)
        .with_max_export_batch_size(settings.batch)
        .with_scheduled_delay(settings.delay)
        .build();
    let delivery = ExportState::new(metrics);
    let exporter = WatchedExporter { exporter, delivery: delivery.clone(), limit: settings.queue };
    let mut processor = BatchSpanProcessor::new(exporter, batches);
    processor.set_resource(&resource(settings));
    Ok(SpanQueue { processor, limit: settings.queue, delivery })
}

/// The resource that describes this process: the environment's values override ours.
fn resource(settings: &TraceSettings) -> Resource {
    let own = [
        KeyValue::new("service.name", NAME),
        KeyValue::new("service.version", Build::VERSION),
        KeyValue::new("service.instance.id", format!("{:032x}", fastrand::u128(..))),
    ];
    let told = settings.resource.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(own.into_iter().chain(told))
        .build()
}

/// The library's exporter, and what comes of its batches.
#[derive(Debug)]
struct WatchedExporter {
    exporter: opentelemetry_otlp::SpanExporter,
    delivery: Arc<ExportState>,
    limit: usize,
}

impl SpanExporter for WatchedExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.delivery.taken(spans);
        let result = self.exporter.export(batch).await;
        match &result {
            Ok(()) => self.delivery.delivered(spans, self.limit),
            Err(error) => self.delivery.lost("not_delivered", spans, &error.to_string()),
        }
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
