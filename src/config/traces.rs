//! The section `traces`: the settings of tracing that OpenTelemetry's own variables do not have.

section! {
    /// Traces over OTLP. Where they go and how many are sampled is said by OpenTelemetry's own variables (`OTEL_…`, see
    /// observability.md); without an endpoint there are none.
    pub struct TracesConfig in "traces" {
        /// The treatment of a request's trace context (`traceparent`): `continue` makes it the parent, whose sampling
        /// decision is heeded; `link` begins a trace of its own that names it, for callers who must not decide how many
        /// traces there are.
        pub incoming: IncomingTrace = IncomingTrace::Continue,
        /// Whether calls to Flowmatix carry the trace context.
        pub outgoing: bool = true,
    }
}

names! {
    /// The treatment of a request's trace context.
    pub enum IncomingTrace {
        /// It is the parent.
        Continue = "continue",
        /// It is named by a link.
        Link = "link",
    }
}
