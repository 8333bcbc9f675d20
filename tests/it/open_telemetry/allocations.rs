//! What a request that is not sampled costs: nothing.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::with_variables;
use crate::support::TestApp;

/// Requests whose allocations are counted, and those before.
const COUNTED: usize = 200;
const BEFORE: usize = 300;

/// A service and its client on one thread, whose allocations are counted.
struct Counted {
    runtime: Runtime,
    _app: TestApp,
    stream: TcpStream,
    length: usize,
}

impl Counted {
    fn start(variables: &[(&str, &str)], pairs: &[(&str, &str)]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (app, stream) = runtime.block_on(async {
            let app = with_variables(pairs, variables).await;
            let address: SocketAddr = app.app.address();
            (app, TcpStream::connect(address).await.unwrap())
        });
        let mut counted = Self { runtime, _app: app, stream, length: 0 };
        // The first one tells of a miss, the others of a hit.
        counted.ask_once();
        counted.length = counted.ask_once();
        for _ in 0..BEFORE {
            counted.ask();
        }
        counted
    }

    fn request() -> Vec<u8> {
        let body = r#"{"query":"{ teamMembers(first: 3) { nodes { id name } } }"}"#;
        let head =
            "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\naccept-encoding: identity";
        let parent = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        format!("{head}\r\n{parent}\r\nx-request-id: one\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    /// Asks, and returns how long the answer is: all are.
    fn ask_once(&mut self) -> usize {
        let stream = &mut self.stream;
        self.runtime.block_on(async {
            stream.write_all(&Self::request()).await.unwrap();
            let mut answer = vec![0; 1 << 16];
            let mut read = 0;
            loop {
                let more = stream.read(&mut answer[read..]).await.unwrap();
                assert!(more > 0, "the connection has ended");
                read += more;
                let text = String::from_utf8_lossy(&answer[..read]).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if body.len() == length.parse::<usize>().unwrap() {
                    return read;
                }
            }
        })
    }

    /// Asks without a byte of the client's own.
    fn ask(&mut self) {
        let (stream, length) = (&mut self.stream, self.length);
        let request = REQUEST.with(Clone::clone);
        self.runtime.block_on(async {
            stream.write_all(&request).await.unwrap();
            let mut buffer = [0; 4096];
            let mut read = 0;
            while read < length {
                let more = stream.read(&mut buffer).await.unwrap();
                assert!(more > 0, "the connection has ended");
                read += more;
            }
        });
    }

    /// The fewest allocations of ten in a row.
    fn allocations(&mut self) -> u64 {
        let batches =
            (0..COUNTED / 10).map(|_| allocation_counter::measure(|| (0..10).for_each(|_| self.ask())).count_total);
        batches.min().unwrap()
    }
}

thread_local! {
    static REQUEST: std::rc::Rc<Vec<u8>> = std::rc::Rc::new(Counted::request());
}

#[test]
fn a_request_that_is_not_sampled_allocates_nothing_for_its_trace() {
    // The budget's time to come back is in the answer; what is kept for an hour stays as long.
    let pairs =
        [("roster.fresh_for", "1h"), ("http.rate_limit", "0"), ("http.timeout", "60s"), ("upstream.timeout", "50s")];
    let nobody = "http://127.0.0.1:9";
    let of = |variables: &[(&str, &str)]| Counted::start(variables, &pairs).allocations();
    let without = of(&[]);
    let unsampled = of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", nobody), ("OTEL_TRACES_SAMPLER", "always_off")]);
    let by_parent = of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", nobody)]);
    let ratio = of(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", nobody),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0"),
    ]);
    let sampled = of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", nobody), ("OTEL_TRACES_SAMPLER", "always_on")]);
    assert!(without > 0);
    assert_eq!((unsampled, by_parent, ratio), (without, without, without));
    // That this would be seen.
    assert!(sampled >= without + 10, "{sampled} {without}");
}
