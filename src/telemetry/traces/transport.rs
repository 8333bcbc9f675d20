//! The HTTP client of the export: requests are made on the service's runtime, for a thread that has none.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use axum::http::{Request, Response};
use bytes::{Bytes, BytesMut};
use opentelemetry_http::{HttpClient, HttpError, ResponseBodyTooLarge};
use tokio::runtime::Handle;

use super::trusted::Trusted;

/// The longest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct ExportTransport {
    http: reqwest::Client,
    runtime: Handle,
}

impl ExportTransport {
    /// A client of the current runtime. An answer takes at most `timeout`.
    pub(super) fn new(timeout: Duration, trusted: Trusted) -> Result<Self, String> {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().timeout(timeout);
        let http = trusted.apply(http).build().map_err(|error| error.to_string())?;
        Ok(Self { http, runtime: Handle::try_current().map_err(|error| error.to_string())? })
    }
}

impl HttpClient for ExportTransport {
    #[expect(clippy::disallowed_methods, reason = "one at a time, which ends with its timeout")]
    fn send_bytes<'c, 'f>(
        &'c self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        'c: 'f,
        Self: 'f,
    {
        let answer = self.runtime.spawn(send(self.http.clone(), request));
        Box::pin(async move { answer.await? })
    }
}

async fn send(http: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let mut answer = http.execute(request.try_into()?).await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(Box::new(ResponseBodyTooLarge::new()));
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = Response::new(body.freeze());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
