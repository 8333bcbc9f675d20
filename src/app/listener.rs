//! A listener: a bound address, the connections behind it, and its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout_at;

use super::gate::Gate;
use super::generation::Lasting;
use crate::config;
use crate::http::{ConnectionLimiter, Farewell, Health, HttpServer, ServerTls, SwappableRoutes};
use crate::model::Clock;
use crate::telemetry::Metrics;

/// How long connections at rest are kept after the socket is closed. A client that asks more often is told to go with a
/// response, so that no request of it meets a connection that is being closed.
const FAREWELL: Duration = Duration::from_millis(500);

pub(super) struct HttpListener {
    gate: Gate,
    farewell: Farewell,
    /// Ends when the gate is closed and the last connection has ended.
    connections: JoinHandle<()>,
    health: Arc<Health>,
    limiter: ConnectionLimiter,
}

impl HttpListener {
    pub(super) fn start(
        setting: &str,
        address: SocketAddr,
        routes: SwappableRoutes,
        settings: &config::HttpConfig,
        lasting: &Lasting,
        metrics: Option<Arc<Metrics>>,
        tls: Option<Arc<ServerTls>>,
    ) -> Result<Self> {
        let health = lasting.health.clone();
        let cannot = || format!("{setting}: cannot listen on {address}");
        let gate = Gate::bind(address).with_context(cannot)?;
        let limiter = ConnectionLimiter::new(settings, health.clone(), metrics, tls);
        let farewell = Farewell::default();
        let server = HttpServer::new(settings, limiter.clone(), routes, farewell.clone(), lasting.compute.clone());
        #[expect(clippy::disallowed_methods, reason = "one task for each listener, which `stop` waits for")]
        let connections = tokio::spawn(serve(gate.clone(), Arc::new(server)));
        Ok(Self { gate, farewell, connections, health, limiter })
    }

    /// The limiter that counts and times its connections.
    pub(super) fn limiter(&self) -> ConnectionLimiter {
        self.limiter.clone()
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.gate.address()
    }

    /// Closes the socket, then, with every response, the connections that are in use, then those at rest. Returns how many
    /// requests were not answered within the grace period, and are cut off.
    pub(super) async fn stop(mut self, grace_period: Duration) -> usize {
        let (now, longest) = (Clock::instant(), grace_period);
        self.gate.close(longest).await;
        if timeout_at(now + FAREWELL.min(longest), &mut self.connections).await.is_ok() {
            return 0;
        }
        self.farewell.say();
        if timeout_at(now + longest, &mut self.connections).await.is_ok() {
            return 0;
        }
        let cut = self.health.requests();
        // And every connection with it.
        self.connections.abort();
        let _ = self.connections.await;
        cut
    }
}

/// Serves the connections that come through a gate, until it is closed and they have ended.
async fn serve(gate: Gate, server: Arc<HttpServer>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            accepted = gate.accept() => {
                let Some(stream) = accepted else { break };
                let server = server.clone();
                connections.spawn(async move { server.serve(stream).await });
            }
            Some(_) = connections.join_next() => {}
        }
    }
    while connections.join_next().await.is_some() {}
}
