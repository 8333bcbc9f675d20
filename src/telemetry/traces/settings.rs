//! The values of OpenTelemetry's variables. An invalid value is ignored, as their specification demands, and reported.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::Uri;
use opentelemetry_sdk::trace::Sampler;

use super::encoded_list::{self, header};
use super::sampling::Sampling;
use super::trusted::Trusted;
use crate::config::OtelVariables;

/// The longest queue of spans, and the longest times.
const QUEUE_LIMIT: usize = 65_536;
const LONGEST: Duration = Duration::from_secs(60);
/// Switches all of OpenTelemetry off.
const DISABLED: &str = "OTEL_SDK_DISABLED";
/// Where traces go below `OTEL_EXPORTER_OTLP_ENDPOINT`.
const PATH: &str = "/v1/traces";

/// Where traces go, and how many.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    pub(super) endpoint: String,
    /// The fields of each delivery.
    pub(super) headers: HashMap<String, String>,
    /// Whether deliveries are compressed.
    pub(super) gzip: bool,
    /// Whom TLS trusts, and the client certificate that it presents.
    pub(super) trusted: Trusted,
    pub(super) timeout: Duration,
    pub(super) sampling: Sampling,
    /// The resource attributes of this process.
    pub(super) resource: Vec<(String, String)>,
    pub(super) queue: usize,
    pub(super) batch: usize,
    pub(super) delay: Duration,
}

impl TraceSettings {
    /// The settings, `None` where no traces are sent, and what is wrong with the variables.
    #[must_use]
    pub fn read(variables: &OtelVariables) -> (Option<Self>, Vec<String>) {
        let mut reader = OtelReader { variables, problems: Vec::new() };
        let settings = reader.settings();
        (settings, reader.problems)
    }

    /// Whether traces can be sent in the way that the variables want: a way that is not known here would send none, which would be noticed
    /// only when they are needed.
    ///
    /// # Errors
    /// Which variable is to be changed, and how.
    pub fn check(variables: &OtelVariables) -> Result<(), String> {
        let reader = OtelReader { variables, problems: Vec::new() };
        let is_wanted = !reader.is_on(DISABLED) && reader.exporter() == "otlp";
        if is_wanted && reader.endpoint().is_some() { reader.protocol() } else { Ok(()) }
    }
}

struct OtelReader<'v> {
    variables: &'v OtelVariables,
    problems: Vec<String>,
}

impl<'v> OtelReader<'v> {
    fn settings(&mut self) -> Option<TraceSettings> {
        let (is_off, exporter) = (self.switch(DISABLED), self.exporter());
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
        if let Err(problem) = self.protocol() {
            self.problems.push(problem);
            return None;
        }
        let trusted = match Trusted::read(self.variables) {
            Ok(trusted) => trusted,
            Err((name, problem)) => return self.off(name, &problem),
        };
        let timeouts = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
        let timeout = timeouts.into_iter().find(|name| self.get(name).is_some()).unwrap_or(timeouts[1]);
        let export = self.duration("OTEL_BSP_EXPORT_TIMEOUT", Duration::from_secs(30));
        let queue = self.number("OTEL_BSP_MAX_QUEUE_SIZE", 2048, QUEUE_LIMIT);
        Some(TraceSettings {
            endpoint,
            headers: self.headers(),
            gzip: self.gzip(),
            trusted,
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

    fn protocol(&self) -> Result<(), String> {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
        match names.into_iter().find_map(|name| Some((name, self.get(name)?))) {
            None | Some((_, "http/protobuf")) => Ok(()),
            Some((name, _)) => Err(format!(
                "{name}: only `http/protobuf` is spoken here, which receivers take at another port than gRPC, usually 4318"
            )),
        }
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

    fn exporter(&self) -> &'v str {
        self.get("OTEL_TRACES_EXPORTER").unwrap_or("otlp")
    }

    fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn switch(&mut self, name: &str) -> bool {
        let is_on = self.is_on(name);
        if !is_on && self.get(name).is_some_and(|value| !value.eq_ignore_ascii_case("false")) {
            self.refuse(name, "expected `true` or `false`, taken as `false`");
        }
        is_on
    }

    /// The list of fields: that of traces, or that of all signals.
    fn headers(&mut self) -> HashMap<String, String> {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
        let Some(name) = names.into_iter().find(|name| self.get(name).is_some()) else { return HashMap::new() };
        self.list(name, header)
    }

    /// The items of a list; invalid ones are reported by their index.
    fn list<C: FromIterator<(String, String)>>(
        &mut self,
        name: &str,
        valid: fn(&str, &str) -> Result<(), &'static str>,
    ) -> C {
        let mut items = Vec::new();
        for (place, item) in encoded_list::items(self.get(name).unwrap_or_default()) {
            match item.and_then(|(key, value)| valid(&key, &value).map(|()| (key, value))) {
                Ok(item) => items.push(item),
                Err(problem) => self.refuse(name, &format!("item {place} of the list {problem}, and is left out")),
            }
        }
        items.into_iter().collect()
    }

    fn gzip(&mut self) -> bool {
        for name in ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"] {
            match self.get(name).map(str::to_ascii_lowercase).as_deref() {
                None => {}
                Some("gzip") => return true,
                Some("none") => return false,
                Some(_) => self.refuse(name, "expected `gzip` or `none`, left aside"),
            }
        }
        false
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
        let mut resource: Vec<_> = self.list("OTEL_RESOURCE_ATTRIBUTES", |_, _| Ok(()));
        if let Some(service) = self.get("OTEL_SERVICE_NAME") {
            resource.push(("service.name".to_owned(), service.to_owned()));
        }
        resource
    }
}
