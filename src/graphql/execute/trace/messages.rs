//! The messages of Apollo's trace format (`reports.proto`), as far as a subgraph fills them in, without what nests: nodes are
//! written one inside the other by `writer`, and these are the rest of them and of the trace.

use prost::Message;

/// The trace of one operation, without its root.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TraceEnvelope {
    #[prost(message, optional, tag = "3")]
    pub(super) end_time: Option<ProtoTimestamp>,
    #[prost(message, optional, tag = "4")]
    pub(super) start_time: Option<ProtoTimestamp>,
    #[prost(uint64, tag = "11")]
    pub(super) duration_ns: u64,
    /// Whether nodes are missing.
    #[prost(bool, tag = "33")]
    pub(super) is_incomplete: bool,
}

/// `google.protobuf.ProtoTimestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct ProtoTimestamp {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

/// The node of a field, without its errors and the nodes below it: the same wherever the field is in the answer.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FieldNode {
    #[prost(string, optional, tag = "1")]
    pub(super) response_name: Option<String>,
    /// The field's type.
    #[prost(string, tag = "3")]
    pub(super) r#type: String,
    /// Since the start of the trace, in nanoseconds.
    #[prost(uint64, tag = "8")]
    pub(super) start_time: u64,
    #[prost(uint64, tag = "9")]
    pub(super) end_time: u64,
    #[prost(string, tag = "13")]
    pub(super) parent_type: String,
    /// The field's name, where the answer shows it under another one.
    #[prost(string, tag = "14")]
    pub(super) original_field_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Error {
    #[prost(string, tag = "1")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) location: Vec<Location>,
    #[prost(uint64, tag = "3")]
    pub(super) time_ns: u64,
    /// The error as JSON.
    #[prost(string, tag = "4")]
    pub(super) json: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct Location {
    #[prost(uint32, tag = "1")]
    pub(super) line: u32,
    #[prost(uint32, tag = "2")]
    pub(super) column: u32,
}
