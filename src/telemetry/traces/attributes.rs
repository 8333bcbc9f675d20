//! The names of attributes: those of OpenTelemetry's conventions for HTTP, GraphQL and databases, and our own.

/// The names of attributes.
pub mod attribute {
    /// The method of an HTTP request.
    pub const HTTP_METHOD: &str = "http.request.method";
    /// The path that a request is served at.
    pub const HTTP_ROUTE: &str = "http.route";
    /// The status of an HTTP response.
    pub const HTTP_STATUS: &str = "http.response.status_code";
    /// `http` or `https`.
    pub const URL_SCHEME: &str = "url.scheme";
    /// The path of a request: one that is served, or `elsewhere`.
    pub const URL_PATH: &str = "url.path";
    /// The path of a call, without its query.
    pub const URL_TEMPLATE: &str = "url.template";
    /// The protocol, where it is not HTTP.
    pub const PROTOCOL_NAME: &str = "network.protocol.name";
    /// Its version.
    pub const PROTOCOL_VERSION: &str = "network.protocol.version";
    /// The host that is called.
    pub const SERVER_ADDRESS: &str = "server.address";
    /// Its port.
    pub const SERVER_PORT: &str = "server.port";
    /// Why it failed: an error code, or an outcome of calls.
    pub const ERROR_TYPE: &str = "error.type";
    /// `query`, `mutation` or `subscription`.
    pub const OPERATION_TYPE: &str = "graphql.operation.type";
    /// The name of the operation, as the client wrote it.
    pub const OPERATION_NAME: &str = "graphql.operation.name";
    /// The document's hash, where the client named it by that.
    pub const DOCUMENT_HASH: &str = "graphql.document.hash";
    /// The keyed hashes of documents, as `operations` in the log.
    pub const DOCUMENT_NAMES: &str = "flowmatix.document.names";
    /// The requests in the body, where they are several.
    pub const BATCH_SIZE: &str = "flowmatix.batch.size";
    /// The request id, as the log and `x-request-id` have it.
    pub const REQUEST_ID: &str = "flowmatix.request.id";
    /// The outcome of the operation.
    pub const OUTCOME: &str = "flowmatix.outcome";
    /// How many events a subscription had.
    pub const EVENTS: &str = "flowmatix.subscription.events";
    /// Why it ended.
    pub const ENDED: &str = "flowmatix.subscription.ended";
    /// The cost of an operation, in cells.
    pub const COST: &str = "flowmatix.cost";
    /// The worst cache result of the teams that were read.
    pub const CACHE: &str = "flowmatix.cache";
    /// Calls to Flowmatix that were made for the request.
    pub const UPSTREAM_CALLS: &str = "flowmatix.upstream.calls";
    /// The page that a call asks for, in a paged list.
    pub const PAGE: &str = "flowmatix.page";
    /// The kind of database.
    pub const DB_SYSTEM: &str = "db.system.name";
    /// The command.
    pub const DB_OPERATION: &str = "db.operation.name";
    /// How many commands were sent in one round trip, where they are several.
    pub const DB_BATCH_SIZE: &str = "db.operation.batch.size";
}
