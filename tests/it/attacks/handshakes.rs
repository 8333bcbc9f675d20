//! Handshakes in a flood: each takes a worker as long as many requests do, and another client's is not behind all of them.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::rustls::ClientConnection;
use tokio_rustls::rustls::pki_types::ServerName;

use super::victim::Victim;
use crate::support::Authority;

const FLOOD: usize = 400;

#[tokio::test]
async fn a_handshake_waits_for_few_of_another_clients() {
    let authority = Authority::new();
    let files = authority.issue(&["127.0.0.1"]).files();
    let [certificate, key] = files.settings();
    let victim = Victim::start(&[certificate, key, ("http.peer_connections_limit", "1000")]);
    let address: SocketAddr = victim.address().parse().unwrap();
    let connector = authority.usual_connector(None);
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut hello = Vec::new();
    ClientConnection::new(connector.config().clone(), name.clone()).unwrap().write_tls(&mut hello).unwrap();

    let mut flood = Vec::new();
    for _ in 0..FLOOD {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        flood.push(socket.connect(address).await.unwrap());
    }
    let other = TcpStream::connect(address).await.unwrap();
    for stream in &mut flood {
        stream.write_all(&hello).await.unwrap();
    }
    let answered = || flood.iter().filter(|stream| stream.try_read(&mut [0; 1]).is_ok_and(|bytes| bytes > 0)).count();
    let before = answered();
    connector.connect(name, other).await.unwrap();
    let meanwhile = answered();
    println!("{before} before, {meanwhile} meanwhile, of {FLOOD}");
    // Without turns it comes behind 120: two workers look at their sockets again after 61 tasks each.
    assert!(before + meanwhile < FLOOD / 5, "it came behind {before} and {meanwhile} of {FLOOD}");
}
