//! The fixture: a running service with a vendor behind it, a client, and generated teams.

mod answer;
mod any_stream;
mod app;
mod authority;
mod coding;
mod events;
mod file;
pub mod issuer;
mod keys;
pub mod receiver;
pub mod service;
mod team;
pub mod trace;
pub mod vendor;
mod websocket;
pub mod wire;

pub use answer::Answer;
pub use any_stream::AnyStream;
pub use app::{PATIENT, TestApp, demo_settings, settings};
pub use authority::{Authority, CertificateFiles, Issued};
pub use coding::decoded;
pub use events::Events;
pub use file::TempFile;
pub use keys::{Keys, make as make_key, make_for as make_key_for};
pub use team::{account, member, row};
pub use websocket::{Frame, Socket};

/// Asks again and again until the answer is as expected; what comes of itself comes within seconds.
pub async fn until<F: Future<Output = Answer>>(ask: impl Fn() -> F, expected: impl Fn(&Answer) -> bool) -> Answer {
    for _ in 0..1000 {
        let answer = ask().await;
        if expected(&answer) {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it never came");
}
