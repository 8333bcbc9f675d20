//! A running sample Flowmatix.
//!
//! A call, step by step: record it (`calls`) → delay it (`switches`) → scripted responses and faults (`faults`) → the
//! hourly plan (`plan`) → token and account (`accounts`) → the team (`people`).
//! It is for loopback addresses only: its controls need no credential.

use super::calls::ReceivedCall;
use super::switches::DemoSwitches;
use super::{people, server};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::scripted::Scripted;
use super::server::DemoState;
use crate::config;

/// How long nothing is accepted behind an error.
const AFTER_ERROR: Duration = Duration::from_millis(50);

/// A running sample.
pub struct Demo {
    address: SocketAddr,
    shared: Arc<DemoState>,
    server: JoinHandle<()>,
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
            // An unspecified address cannot be opened; the base URL needs one that can.
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        let shared = Arc::new(DemoState::new(settings, format!("http://{address}")));
        let (listener, routes) = (TcpListener::from_std(socket)?, server::routes(shared.clone()));
        #[expect(clippy::disallowed_methods, reason = "one task for the sample, which `stop` waits for")]
        let server = tokio::spawn(serve(listener, routes));
        Ok(Self { address, shared, server })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The current switches.
    #[must_use]
    pub fn switches(&self) -> DemoSwitches {
        self.shared.switches()
    }

    /// Changes the switches, from the next call on.
    pub fn set_switches(&self, switches: DemoSwitches) {
        self.shared.set_switches(switches);
    }

    /// Answers every call for this e-mail address, or for all with `None`, with this response; `None` ends the script.
    pub fn script(&self, email: Option<&str>, answer: Option<Scripted>) {
        self.shared.script(email, answer);
    }

    /// Gives the account with this e-mail address (any type) these rows.
    pub fn set_team(&self, email: &str, rows: Vec<Value>) {
        self.shared.script(Some(email), Some(Scripted::ok(people::envelope(rows).to_string())));
    }

    /// Holds every call, once recorded, until the returned sender is dropped or sends `true`.
    #[must_use]
    pub fn hold(&self) -> watch::Sender<bool> {
        self.shared.hold()
    }

    /// The number of calls to the endpoint.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.shared.calls.count()
    }

    /// The number of calls for this e-mail address.
    #[must_use]
    pub fn calls_for(&self, email: &str) -> usize {
        self.shared.calls.count_for(email)
    }

    /// The last calls, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<ReceivedCall> {
        self.shared.calls.log()
    }

    /// Waits until `n` calls have arrived in all.
    pub async fn arrived(&self, calls: usize) {
        self.shared.calls.arrived(calls).await;
    }

    /// Stops the sample: closes the port and every connection.
    pub async fn stop(self) {
        self.server.abort();
        let _ = self.server.await;
    }

    /// Serves for as long as it is polled.
    pub async fn run(self) {
        let _ = self.server.await;
    }
}

/// Serves the connections of a socket. All of them are closed when this is dropped.
async fn serve(socket: TcpListener, routes: Router) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((stream, _)) = accepted else {
            sleep(AFTER_ERROR).await;
            continue;
        };
        let (stream, service) = (TokioIo::new(stream), TowerToHyperService::new(routes.clone()));
        let protocols = Builder::new(TokioExecutor::new());
        connections.spawn(async move { protocols.serve_connection(stream, service).await });
    }
}
