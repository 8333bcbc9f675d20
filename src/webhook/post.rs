//! A post to a router's invalidation endpoint, in the form that Apollo Router takes: a list of what to drop, and the shared key in
//! `authorization`. Redirects and proxies are not followed, so no host but the configured one sees the key.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::{StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::time::Instant;

use super::pending::Change;
use crate::config::{CacheTagsConfig, HttpUrl};
use crate::model::CacheTag;

/// The longest pause that a receiver may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Returns the value of `authorization`, at each post, since it may have been rotated.
pub type PostSecret = Box<dyn Fn() -> Arc<SecretString> + Send + Sync>;

/// Why there is no webhook.
#[derive(Debug, thiserror::Error)]
#[error("cache_tags.webhook_url")]
pub struct InvalidWebhook(#[from] reqwest::Error);

/// Why a post did not do what it was for. The texts are for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PostError {
    /// It may do so later; not before so long where the receiver says when.
    Passing(&'static str, Option<Duration>),
    /// The receiver does not take it.
    Refused(StatusCode),
}

/// Where posts go.
pub(super) struct WebhookReceiver {
    http: reqwest::Client,
    url: HttpUrl,
    subgraph: String,
    secret: PostSecret,
}

/// The entries to drop.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum InvalidationMethod<'i> {
    CacheTag { subgraphs: [&'i str; 1], cache_tag: CacheTag },
    Subgraph { subgraph: &'i str },
}

impl WebhookReceiver {
    pub(super) fn new(settings: &CacheTagsConfig, url: &HttpUrl, secret: PostSecret) -> Result<Self, InvalidWebhook> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("flowmatix-graphql/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .timeout(settings.webhook_timeout)
            .build()?;
        Ok(Self { http, url: url.clone(), subgraph: settings.webhook_subgraph.clone(), secret })
    }

    /// Posts a batch. Over when the head of the answer is there, or the time is.
    pub(super) async fn post(&self, batch: &[(Change, Instant)]) -> Result<(), PostError> {
        let subgraph = self.subgraph.as_str();
        let invalidation = |(change, _): &(Change, _)| match change {
            Change::Tag(tag) => InvalidationMethod::CacheTag { subgraphs: [subgraph], cache_tag: *tag },
            Change::All => InvalidationMethod::Subgraph { subgraph },
        };
        let body = serde_json::to_vec(&batch.iter().map(invalidation).collect::<Vec<_>>()).unwrap_or_default();
        // A secret is printable, so it is a value of a header.
        let mut secret = HeaderValue::try_from((self.secret)().expose_secret())
            .map_err(|_| PostError::Passing("its key cannot be sent", None))?;
        secret.set_sensitive(true);
        let request = self.http.post(self.url.as_str()).header(AUTHORIZATION, secret);
        let sent = request.header("content-type", "application/json").body(body).send().await;
        let response = sent.map_err(|error| {
            let reason = if error.is_timeout() { "it did not answer in time" } else { "it cannot be reached" };
            PostError::Passing(reason, None)
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let later = status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY);
        if !later {
            return Err(PostError::Refused(status));
        }
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let pause = seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST_PAUSE));
        Err(PostError::Passing("it failed", pause))
    }
}
