//! How the contestants that are ours serve: axum's own server on a port of the system's choice, printed for whoever started
//! them.

use axum::Router;

/// Serves until the process is ended.
pub fn serve(routes: impl AsyncFnOnce() -> anyhow::Result<Router>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let routes = routes().await?;
        println!("http://{address}/");
        axum::serve(listener, routes).await?;
        Ok(())
    })
}
