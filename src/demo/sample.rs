//! The sample Flowmatix: the upstream in a box, for trying the service out and for its tests.
//!
//! A call, step by step: log it (`calls`) → wait where told to (`switches`) → scripted answers and faults (`faults`) → the
//! hourly plan (`plan`) → who asks, for whom (`accounts`) → the team (`people`). It knows the wire shapes and nothing else.
//! It is for loopback addresses: its controls ask nobody for a password.

use super::calls::ReceivedCall;
use super::switches::DemoSwitches;
use super::{people, server};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum_server::Handle;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::scripted::Scripted;
use super::server::Shared;
use crate::config;

/// A running sample.
pub struct Demo {
    address: SocketAddr,
    shared: Arc<Shared>,
    handle: Handle<SocketAddr>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Demo {
    /// Starts a sample.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn start(settings: &config::DemoConfig) -> std::io::Result<Self> {
        let socket = std::net::TcpListener::bind(settings.listen)?;
        socket.set_nonblocking(true)?;
        let mut address = socket.local_addr()?;
        if address.ip().is_unspecified() {
            // It listens everywhere; what it tells others must be an address that can be opened.
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        let shared = Arc::new(Shared::new(settings, format!("http://{address}")));
        let handle = Handle::new();
        let server = axum_server::from_tcp(socket)?.handle(handle.clone());
        let routes = server::routes(shared.clone()).into_make_service();
        Ok(Self { address, shared, handle, server: tokio::spawn(server.serve(routes)) })
    }

    /// Where it is served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How it behaves now.
    #[must_use]
    pub fn switches(&self) -> DemoSwitches {
        self.shared.switches()
    }

    /// Makes it behave differently from the next call on.
    pub fn set_switches(&self, switches: DemoSwitches) {
        self.shared.set_switches(switches);
    }

    /// Answers every call for this e-mail address, or for all with `None`, with exactly this; `None` ends it.
    pub fn script(&self, email: Option<&str>, answer: Option<Scripted>) {
        self.shared.script(email, answer);
    }

    /// Gives the account with this e-mail address (any type) these rows.
    pub fn set_team(&self, email: &str, rows: Vec<Value>) {
        self.shared.script(Some(email), Some(Scripted::ok(people::envelope(rows).to_string())));
    }

    /// Holds every call, once logged, until what is returned is dropped or sends `true`.
    #[must_use]
    pub fn hold(&self) -> watch::Sender<bool> {
        self.shared.hold()
    }

    /// How many calls came to the endpoint.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.shared.calls.count()
    }

    /// How many of them named this e-mail address.
    #[must_use]
    pub fn calls_for(&self, email: &str) -> usize {
        self.shared.calls.count_for(email)
    }

    /// What was seen of the last calls, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<ReceivedCall> {
        self.shared.calls.log()
    }

    /// Waits until so many calls have come in all.
    pub async fn arrived(&self, calls: usize) {
        self.shared.calls.arrived(calls).await;
    }

    /// Ends it: the port is closed, and every connection with it.
    pub async fn stop(self) {
        self.handle.shutdown();
        let _ = self.server.await;
    }

    /// Serves until it ends.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self) -> std::io::Result<()> {
        self.server.await.unwrap_or(Ok(()))
    }
}
