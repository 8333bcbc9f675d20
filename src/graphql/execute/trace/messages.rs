//! The messages of Apollo's trace format (`reports.proto`), as far as a subgraph fills them in.

use bytes::Bytes;
use prost::{Message, Oneof};

/// The trace of one operation.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OperationTrace {
    #[prost(message, optional, tag = "3")]
    pub(super) end_time: Option<ProtoTimestamp>,
    #[prost(message, optional, tag = "4")]
    pub(super) start_time: Option<ProtoTimestamp>,
    #[prost(uint64, tag = "11")]
    pub(super) duration_ns: u64,
    #[prost(message, optional, tag = "14")]
    pub(super) root: Option<TraceNode>,
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

/// A field of the answer, or an item of a list in it. Its texts are the same in each row, and shared; in the format a string and
/// bytes are one.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TraceNode {
    #[prost(oneof = "NodeId", tags = "1, 2")]
    pub(super) id: Option<NodeId>,
    /// The field's type.
    #[prost(bytes = "bytes", tag = "3")]
    pub(super) r#type: Bytes,
    /// Since the start of the trace, in nanoseconds.
    #[prost(uint64, tag = "8")]
    pub(super) start_time: u64,
    #[prost(uint64, tag = "9")]
    pub(super) end_time: u64,
    #[prost(message, repeated, tag = "11")]
    pub(super) error: Vec<Error>,
    #[prost(message, repeated, tag = "12")]
    pub(super) child: Vec<TraceNode>,
    #[prost(bytes = "bytes", tag = "13")]
    pub(super) parent_type: Bytes,
    /// The field's name, where the answer shows it under another one.
    #[prost(bytes = "bytes", tag = "14")]
    pub(super) original_field_name: Bytes,
}

#[derive(Clone, PartialEq, Eq, Oneof)]
pub(super) enum NodeId {
    #[prost(bytes = "bytes", tag = "1")]
    ResponseName(Bytes),
    #[prost(uint32, tag = "2")]
    Index(u32),
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
