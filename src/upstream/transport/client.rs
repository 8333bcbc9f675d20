//! The HTTP client: one GET, judged by its status, its body streamed into the decoder.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use secrecy::ExposeSecret;
use tokio::time::timeout_at;

use super::body::BodyReader;
use super::decode_memory::DecodeMemory;
use super::long_body::{LongBody, no_room, received};
use super::rate_limit_headers::{pause_after_429, retry_after};
use crate::compute::{ComputePool, Lane, Ticket};
use crate::config;
use crate::model::{Account, Clock, Credential, Fault, PermanentToken, Timestamp};
use crate::model::{ErrorKind, Malformed, UpstreamError};
use crate::telemetry::{SpanRecorder, Trace, attribute};
use crate::upstream::decode::envelope::{Envelope, EnvelopeReader};
use crate::upstream::decode::permanent_token::permanent_token;
use crate::upstream::{Called, Endpoint};
use crate::upstream::{Findings, Inspection, RowPage};

/// How much of a refusal's body is read for its message, in bytes.
const REFUSAL_LIMIT: u64 = 16 << 10;
/// The most headers of an answer. Proxies and tracing add some; the HTTP library's own limit is a hundred. It clears 64 bytes for each
/// of so many whenever it reads the head of an answer.
const HEADERS_LIMIT: usize = 256;
/// The longest answer with a permanent token, in bytes.
const TOKEN_BODY_LIMIT: u64 = 16 << 10;

/// Calls the endpoint.
pub struct Client {
    http: reqwest::Client,
    url: Url,
    /// Where permanent tokens are issued.
    token_url: Url,
    settings: config::UpstreamConfig,
    clock: Clock,
    compute: ComputePool,
    decode_memory: Arc<DecodeMemory>,
}

/// The settings do not make a client.
#[derive(Debug, thiserror::Error)]
pub enum InvalidClient {
    /// `upstream.url` and a path do not join to a URL.
    #[error("upstream.url and upstream.path or tokens.path do not make a URL: {0}")]
    Url(String),
    /// `upstream.ca_file` holds no certificates.
    #[error("upstream.ca_file holds no PEM certificate that can be used")]
    CaFile,
    /// The TLS stack did not start.
    #[error("the HTTP client could not be made: {0}")]
    Http(reqwest::Error),
}

impl Client {
    /// A client of the configured endpoint, and of the one that issues tokens; `ca_pem` are certificates to trust besides the
    /// platform's.
    ///
    /// # Errors
    /// [`InvalidClient`] says which setting is wrong.
    pub fn new(
        settings: &config::UpstreamConfig,
        token_path: &str,
        ca_pem: Option<&[u8]>,
        clock: Clock,
    ) -> Result<Self, InvalidClient> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("flowmatix-graphql/", env!("CARGO_PKG_VERSION")))
            // A redirect would carry `authtype` and the account to another host.
            .redirect(reqwest::redirect::Policy::none())
            // Whether a call is made again is for the guard to say, which counts it; this keeps no copy for it either.
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .no_proxy()
            .referer(false)
            .https_only(!settings.allow_http)
            .http1_max_headers(HEADERS_LIMIT)
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(settings.idle_timeout);
        if let Some(pem) = ca_pem {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|_| InvalidClient::CaFile)?;
            if certificates.is_empty() {
                return Err(InvalidClient::CaFile);
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let base = settings.url.as_str().trim_end_matches('/');
        let join = |path: &str| {
            let url = format!("{base}/{}", path.trim_start_matches('/'));
            Url::parse(&url).map_err(|error| InvalidClient::Url(error.to_string()))
        };
        Ok(Self {
            http: builder.build().map_err(InvalidClient::Http)?,
            url: join(&settings.path)?,
            token_url: join(token_path)?,
            settings: settings.clone(),
            clock,
            compute: ComputePool::beside_the_network(settings.concurrency),
            decode_memory: DecodeMemory::new(settings.decode_limit.as_u64()),
        })
    }

    /// The same, with a pool for long bodies that others use as well.
    #[must_use]
    pub fn with_compute(self, compute: ComputePool) -> Self {
        Self { compute, ..self }
    }

    fn now(&self) -> Timestamp {
        self.clock.wall(self.clock.now())
    }

    async fn send(
        &self,
        url: &Url,
        account: &Account,
        credential: &Credential,
        page: Option<u32>,
    ) -> Result<Response, UpstreamError> {
        let mut token = HeaderValue::try_from(format!("Bearer {}", credential.token().expose_secret()))
            .map_err(|_| ErrorKind::Unauthenticated)?;
        token.set_sensitive(true);
        let mut request = self
            .http
            .get(url.clone())
            .query(&[("email", account.email.as_str()), ("type", account.user_type.name())])
            .header(AUTHORIZATION, token)
            .header(HeaderName::from_static("authtype"), HeaderValue::from_static("Key"))
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        if let Some(page) = page {
            request = request.query(&[("ispagination", "true"), ("page", &page.to_string())]);
        }
        for (name, value) in Trace::outgoing() {
            request = request.header(name, value);
        }
        Trace::write(|span| describe(span, url));
        let response = request.send().await.map_err(|error| unanswered(&error))?;
        Trace::write(|span| span.set(attribute::HTTP_STATUS, i64::from(response.status().as_u16())));
        Ok(response)
    }

    /// Judges an answer, and reads the envelope of a good one, of at most `limit` bytes; with `copy`, also returns
    /// the body.
    async fn read(
        &self,
        mut response: Response,
        limit: u64,
        lane: Lane,
        copy: bool,
    ) -> Result<(Envelope, Option<Vec<u8>>), UpstreamError> {
        let headers = std::mem::take(response.headers_mut());
        match response.status() {
            StatusCode::OK => {}
            status if status.is_success() => return Err(Malformed::UnexpectedStatus.into()),
            status => {
                let error = refusal(status.as_u16(), &headers, self.now());
                return Err(match error.kind() {
                    ErrorKind::Rejected(_) => {
                        let envelope = self.envelope(response, &headers, REFUSAL_LIMIT, lane, false).await.ok();
                        error.with_message(envelope.and_then(|(envelope, _)| envelope.message).as_deref())
                    }
                    _ => error,
                });
            }
        }
        let (envelope, body) = self.envelope(response, &headers, limit, lane, copy).await?;
        if envelope.success {
            return Ok((envelope, body));
        }
        let code = envelope.code.filter(|code| (400..600).contains(code));
        let code = code.ok_or(Malformed::FailureWithoutCode)?;
        Err(refusal(code, &headers, self.now()).with_message(envelope.message.as_deref()))
    }

    /// Streams the body into the decoder, refusing it at the first decoded byte past `limit`.
    async fn envelope(
        &self,
        response: Response,
        headers: &HeaderMap,
        limit: u64,
        lane: Lane,
        copy: bool,
    ) -> Result<(Envelope, Option<Vec<u8>>), UpstreamError> {
        let reader = EnvelopeReader::new(self.settings.rows_limit);
        let mut reader = BodyReader::new(headers, reader, response.content_length(), limit, copy)?;
        let mut memory = self.decode_memory.open();
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            let chunk = received(chunk)?;
            let length = reader.length_with(chunk.len());
            memory.grow_to(length).await.map_err(no_room)?;
            if length > reader.inline_limit() {
                let compute = self.compute.clone();
                let rows_limit = self.settings.rows_limit;
                let turns = compute.turns();
                let rest =
                    LongBody { reader, memory, compute, turns, lane, rows_limit, rest: body }.read(chunk).boxed();
                reader = self.compute.drive(&Ticket::shared(lane), rest).await.map_err(|_| ErrorKind::Internal)??;
                break;
            }
            for piece in chunk.chunks(reader.piece()) {
                reader.push(piece)?;
            }
        }
        Ok(reader.finish()?)
    }

    /// Makes exactly one call and compares what comes back with the documentation. Of a paged list it reads the first page.
    pub async fn inspect(&self, account: &Account, credential: &Credential) -> Inspection {
        let started = self.clock.now();
        let (mut status, mut rate_limit) = (None, Vec::new());
        let attempt = async {
            let response = self.send(&self.url, account, credential, self.settings.paged.then_some(1)).await?;
            status = Some(response.status().as_u16());
            rate_limit = response
                .headers()
                .iter()
                .filter(|(name, _)| name.as_str().contains("ratelimit") || *name == RETRY_AFTER)
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
                .collect();
            let (envelope, body) =
                self.read(response, self.settings.body_limit.as_u64(), Lane::of(credential.id()), true).await?;
            let body = body.unwrap_or_default();
            if envelope.rows.is_some() { Ok((envelope, body)) } else { Err(Malformed::WrongShape.into()) }
        };
        let result = timeout_at(started + self.settings.attempt_timeout, attempt).await;
        let result = result.unwrap_or(Err(ErrorKind::Timeout.into()));
        let result = result.map(|(envelope, body)| Findings::new(account, &body, envelope));
        Inspection { elapsed: Clock::elapsed_since(started), status, rate_limit, result }
    }
}

impl Endpoint for Client {
    fn call<'a>(
        &'a self,
        account: &'a Account,
        credential: &'a Credential,
        page: Option<u32>,
    ) -> BoxFuture<'a, Called> {
        async move {
            let response = match self.send(&self.url, account, credential, page).await {
                Ok(response) => response,
                Err(error) => return Called { result: Err(error), rate_limit: None },
            };
            let rate_limit = super::rate_limit_headers::read(response.headers(), self.now());
            let sent = super::rate_limit_headers::sent(response.headers());
            let read = self.read(response, self.settings.body_limit.as_u64(), Lane::of(credential.id()), false).await;
            let result = read.and_then(|(envelope, _)| {
                let rows = envelope.rows.ok_or(Malformed::WrongShape)?;
                Ok(RowPage { rows, total: envelope.total, sent })
            });
            Called { result, rate_limit }
        }
        .boxed()
    }

    fn issue_token<'a>(
        &'a self,
        account: &'a Account,
        credential: &'a Credential,
    ) -> BoxFuture<'a, Called<PermanentToken>> {
        async move {
            let response = match self.send(&self.token_url, account, credential, None).await {
                Ok(response) => response,
                Err(error) => return Called { result: Err(error), rate_limit: None },
            };
            let rate_limit = super::rate_limit_headers::read(response.headers(), self.now());
            let read = self.read(response, TOKEN_BODY_LIMIT, Lane::of(credential.id()), true).await;
            let result = read.and_then(|(_, body)| Ok(permanent_token(&body.unwrap_or_default())?));
            Called { result, rate_limit }
        }
        .boxed()
    }
}

/// Describes a call in its span: never the query, which holds the account.
fn describe(span: &mut SpanRecorder<'_>, url: &Url) {
    span.name(format!("GET {}", url.path()));
    span.set(attribute::HTTP_METHOD, "GET");
    span.set(attribute::URL_TEMPLATE, url.path().to_owned());
    span.set(attribute::SERVER_ADDRESS, url.host_str().unwrap_or_default().to_owned());
    if let Some(port) = url.port_or_known_default() {
        span.set(attribute::SERVER_PORT, i64::from(port));
    }
}

/// The error of a call that brought no answer.
fn unanswered(error: &reqwest::Error) -> UpstreamError {
    if error.is_timeout() {
        return ErrorKind::Timeout.into();
    }
    let mut causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let unavailable = UpstreamError::from(ErrorKind::Unavailable);
    causes.find_map(cause_of).unwrap_or_else(|| unavailable.retryable())
}

/// The error for this cause, if it is one that a retry does not help.
fn cause_of(cause: &(dyn std::error::Error + 'static)) -> Option<UpstreamError> {
    if cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
        return Some(Malformed::NotHttp.into());
    }
    // An I/O error does not name what it holds as its source, and may hold another one.
    let mut held = cause;
    while let Some(inner) = held.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        held = inner;
    }
    let tls = held.downcast_ref::<rustls::Error>();
    tls.filter(|error| matches!(error, rustls::Error::InvalidCertificate(_))).map(|_| ErrorKind::Unavailable.into())
}

/// The error for a status, or for the code of an envelope that reports a failure.
fn refusal(status: u16, headers: &HeaderMap, now: Timestamp) -> UpstreamError {
    match status {
        300..400 => Malformed::Redirect.into(),
        401 => ErrorKind::Unauthenticated.into(),
        403 => ErrorKind::Forbidden.into(),
        503 => match retry_after(headers, now).filter(|pause| !pause.is_zero()) {
            Some(pause) => UpstreamError::from(ErrorKind::Unavailable).with_retry_after(pause),
            None => UpstreamError::from(ErrorKind::Unavailable).retryable(),
        },
        502 | 504 => UpstreamError::from(ErrorKind::Unavailable).retryable(),
        // The host answers; what it cannot do, it cannot do for this account.
        408 | 425 | 500 => UpstreamError::from(ErrorKind::Unavailable).retryable().blaming(Fault::Account),
        500..600 => UpstreamError::from(ErrorKind::Unavailable).blaming(Fault::Account),
        429 => ErrorKind::RateLimited(pause_after_429(headers, now)).into(),
        400..500 => ErrorKind::Rejected(status).into(),
        _ => Malformed::UnexpectedStatus.into(),
    }
}
