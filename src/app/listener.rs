//! A listener: a bound address, the server behind it, and its end.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use tokio::task::JoinHandle;

use crate::config;

pub(super) struct Listener {
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Listener {
    pub(super) fn start(setting: &str, address: SocketAddr, routes: Router, settings: &config::Http) -> Result<Self> {
        let cannot = || format!("{setting}: cannot listen on {address}");
        let socket = TcpListener::bind(address).with_context(cannot)?;
        socket.set_nonblocking(true).with_context(cannot)?;
        let address = socket.local_addr().with_context(cannot)?;
        let handle = Handle::new();
        let mut server = axum_server::from_tcp(socket)
            .with_context(cannot)?
            .handle(handle.clone())
            .first_request_timeout(settings.first_request_timeout);
        // Between requests this is the keep-alive timeout: routers and load balancers pool idle connections for up to 60 s.
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(settings.idle_timeout);
        server.http_builder().http2().timer(TokioTimer::new());
        let service = routes.into_make_service_with_connect_info::<SocketAddr>();
        Ok(Self { address, handle, server: tokio::spawn(server.serve(service)) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) async fn stop(self, grace_period: Duration) {
        self.handle.graceful_shutdown(Some(grace_period));
        // It ends when the last connection has, or the grace period is over.
        let _ = self.server.await;
    }
}
