//! The end of the service: every stream is told.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::{AVAILABILITY, quick, subscribe};
use crate::support::Socket;

#[tokio::test]
async fn a_stop_closes_sockets_with_1001_and_completes_streams_within_the_grace_period() {
    let app = quick(&[("http.grace_period", "20s")]).await;
    let mut socket = Socket::ready(app.app.address(), json!({})).await;
    socket.subscribe("a", AVAILABILITY).await;
    let mut events = subscribe(&app, AVAILABILITY).await;
    socket.message().await;
    events.next().await;
    let stop = tokio::spawn(app.app.stop());
    assert_eq!(socket.closed().await.0, 1001);
    assert_eq!(events.event().await.unwrap().0, "complete");
    drop((socket, events));
    timeout(Duration::from_secs(15), stop).await.expect("it does not wait for the whole grace period").unwrap();
}
