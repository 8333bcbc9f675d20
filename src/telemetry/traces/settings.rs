//! What OpenTelemetry's variables say. A value that makes no sense is left aside, as their specification demands, and told.

use std::time::Duration;

use axum::http::Uri;
use opentelemetry_sdk::trace::Sampler;

use super::sampling::Sampling;
use crate::config::OtelVariables;

/// The longest queue of spans, and the longest times.
const QUEUE_LIMIT: usize = 65_536;
const LONGEST: Duration = Duration::from_secs(60);
/// Where traces go below `OTEL_EXPORTER_OTLP_ENDPOINT`.
const PATH: &str = "/v1/traces";

/// Where traces go, and how many. Headers and compression are read by the library.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    pub(super) endpoint: String,
    pub(super) timeout: Duration,
    pub(super) sampling: Sampling,
    /// What is told of this process.
    pub(super) resource: Vec<(String, String)>,
    pub(super) queue: usize,
    pub(super) batch: usize,
    pub(super) delay: Duration,
}

impl TraceSettings {
    /// The settings, `None` where no traces are sent, and what is wrong with the variables.
    #[must_use]
    pub fn read(variables: &OtelVariables) -> (Option<Self>, Vec<String>) {
        let mut reader = Reader { variables, problems: Vec::new() };
        let settings = reader.settings();
        (settings, reader.problems)
    }
}

struct Reader<'v> {
    variables: &'v OtelVariables,
    problems: Vec<String>,
}

impl<'v> Reader<'v> {
    fn settings(&mut self) -> Option<TraceSettings> {
        let is_off = self.get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let exporter = self.get("OTEL_TRACES_EXPORTER").unwrap_or("otlp");
        let (name, endpoint) = self.endpoint()?;
        if is_off || exporter == "none" {
            return None;
        }
        if exporter != "otlp" {
            return self.off("OTEL_TRACES_EXPORTER", "expected `otlp` or `none`");
        }
        let uri: Uri = endpoint.parse().unwrap_or_default();
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
            return self.off(name, "expected an http or https URL");
        }
        for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            match self.get(name) {
                None => {}
                Some("http/protobuf") => break,
                Some(_) => return self.off(name, "only `http/protobuf` is spoken here, usually at port 4318"),
            }
        }
        let timeouts = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
        let timeout = timeouts.into_iter().find(|name| self.get(name).is_some()).unwrap_or(timeouts[1]);
        let export = self.duration("OTEL_BSP_EXPORT_TIMEOUT", Duration::from_secs(30));
        let queue = self.number("OTEL_BSP_MAX_QUEUE_SIZE", 2048, QUEUE_LIMIT);
        Some(TraceSettings {
            endpoint,
            timeout: self.duration(timeout, Duration::from_secs(10)).min(export),
            sampling: self.sampling(),
            resource: self.resource(),
            queue,
            batch: self.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512.min(queue), queue),
            delay: self.duration("OTEL_BSP_SCHEDULE_DELAY", Duration::from_secs(5)),
        })
    }

    fn get(&self, name: &str) -> Option<&'v str> {
        self.variables.get(name)
    }

    /// Values are not quoted: a URL or a header put in the wrong place may be a secret.
    fn refuse(&mut self, name: &str, expected: &str) {
        self.problems.push(format!("{name}: {expected}"));
    }

    fn off<T>(&mut self, name: &str, expected: &str) -> Option<T> {
        self.refuse(name, &format!("{expected}: no traces are sent"));
        None
    }

    /// The URL, and which variable has it. That of all signals is extended by the path of traces.
    fn endpoint(&self) -> Option<(&'static str, String)> {
        let (own, all) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT");
        match (self.get(own), self.get(all)) {
            (Some(url), _) => Some((own, url.to_owned())),
            (None, Some(url)) => Some((all, format!("{}{PATH}", url.trim_end_matches('/')))),
            (None, None) => None,
        }
    }

    fn number(&mut self, name: &str, default: usize, most: usize) -> usize {
        match self.get(name).map(str::parse::<usize>) {
            None => default,
            Some(Ok(number)) if (1..=most).contains(&number) => number,
            Some(_) => {
                self.refuse(name, &format!("expected 1 to {most}, taken as {default}"));
                default
            }
        }
    }

    /// Written in milliseconds.
    fn duration(&mut self, name: &str, default: Duration) -> Duration {
        match self.get(name).map(|value| value.parse().map(Duration::from_millis)) {
            None => default,
            Some(Ok(time)) if Duration::ZERO < time && time <= LONGEST => time,
            Some(_) => {
                let expected =
                    format!("expected 1 to {} milliseconds, taken as {}", LONGEST.as_millis(), default.as_millis());
                self.refuse(name, &expected);
                default
            }
        }
    }

    fn sampling(&mut self) -> Sampling {
        let name = "OTEL_TRACES_SAMPLER";
        let sampler = self.get(name).unwrap_or("parentbased_always_on");
        let (parent_based, root) = match sampler.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, sampler),
        };
        let root = match root {
            "always_on" => Sampler::AlwaysOn,
            "always_off" => Sampler::AlwaysOff,
            "traceidratio" => Sampler::TraceIdRatioBased(self.ratio()),
            _ => {
                let expected = "expected `always_on`, `always_off`, `traceidratio`, or one of them after `parentbased_`, \
                                taken as `parentbased_always_on`";
                self.refuse(name, expected);
                return Sampling { parent_based: true, root: Sampler::AlwaysOn };
            }
        };
        Sampling { parent_based, root }
    }

    fn ratio(&mut self) -> f64 {
        let name = "OTEL_TRACES_SAMPLER_ARG";
        match self.get(name).map(str::parse::<f64>) {
            None => 1.0,
            Some(Ok(ratio)) if (0.0..=1.0).contains(&ratio) => ratio,
            Some(_) => {
                self.refuse(name, "expected 0 to 1, taken as 1");
                1.0
            }
        }
    }

    /// `OTEL_SERVICE_NAME`, and the list `OTEL_RESOURCE_ATTRIBUTES`.
    fn resource(&mut self) -> Vec<(String, String)> {
        let name = "OTEL_RESOURCE_ATTRIBUTES";
        let mut resource = Vec::new();
        for attribute in self.get(name).unwrap_or_default().split(',').map(str::trim).filter(|text| !text.is_empty()) {
            match attribute.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    resource.push((key.trim().to_owned(), value.trim().to_owned()));
                }
                _ => self.refuse(name, "expected a list of `name=value`"),
            }
        }
        if let Some(service) = self.get("OTEL_SERVICE_NAME") {
            resource.push(("service.name".to_owned(), service.to_owned()));
        }
        resource
    }
}
