//! The explorer: where it is served, and its files, which are stored in one coding and sent in every one.

use reqwest::Method;
use reqwest::header::HeaderMap;

use crate::support::{TestApp, decoded};

/// The bundle's files.
const FILES: [&str; 2] = ["/explorer/explorer.js", "/explorer/explorer.css"];

/// A service with the explorer, and a client that does not decode.
struct Explorer {
    app: TestApp,
    client: reqwest::Client,
}

impl Explorer {
    /// None where the bundle was not built, which the page tells then.
    async fn start() -> Option<Self> {
        let app = TestApp::start().await;
        let client = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
        let explorer = Self { app, client };
        let (status, ..) = explorer.ask(Method::GET, FILES[0], &[]).await;
        if status == 200 {
            return Some(explorer);
        }
        let (_, _, page) = explorer.ask(Method::GET, "/", &[]).await;
        assert!(String::from_utf8(page).unwrap().contains("The explorer was not built"));
        None
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
        let request = self.client.request(method, format!("http://{}{path}", self.app.app.address()));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, response.bytes().await.unwrap().to_vec())
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_explorer_is_there_only_where_it_is_switched_on() {
    let app = TestApp::start().await;
    let page = |app: &TestApp, path: &str| app.client.get(format!("http://{}{path}", app.app.address()));
    for path in ["/", "/playground"] {
        let answer = app.send(page(&app, path)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(answer.header("content-security-policy").starts_with("default-src 'none';"));
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
    // A tab for tokens is for a sample's, where they are switched on.
    let says_so =
        async |app: &TestApp| page(app, "/").send().await.unwrap().text().await.unwrap().contains("data-tokens");
    assert!(!says_so(&app).await);
    let built = app.send(page(&app, "/explorer/explorer.js")).await.status == 200;
    assert_eq!(says_so(&TestApp::with(&[("tokens.enabled", "true")]).await).await, built);
    let app = TestApp::with(&[("http.explorer", "false")]).await;
    for path in ["/", "/playground", "/explorer/explorer.js"] {
        let answer = app.send(page(&app, path)).await;
        assert_eq!((answer.status, answer.codes()), (404, vec!["NOT_FOUND"]), "{path}");
    }
}

#[tokio::test]
async fn a_file_is_the_same_in_every_coding_and_sent_as_it_is_stored_where_that_is_accepted() {
    let Some(explorer) = Explorer::start().await else { return };
    for path in FILES {
        let (_, _, plain) = explorer.ask(Method::GET, path, &[]).await;
        for (accepted, expected) in [
            ("", ""),
            ("identity", ""),
            ("br", "br"),
            ("gzip", "gzip"),
            ("zstd", "zstd"),
            ("gzip, deflate, br, zstd", "br"),
            ("gzip, br;q=0.1", "br"),
            ("*", "br"),
            ("br;q=0", ""),
            ("br;q=0, gzip", "gzip"),
            ("br;q=0, *", "zstd"),
            ("identity, br;q=0.5", ""),
            ("identity;q=0, br", "br"),
            ("identity;q=0, br;q=0, gzip", "gzip"),
        ] {
            let (status, headers, body) = explorer.ask(Method::GET, path, &[("accept-encoding", accepted)]).await;
            assert_eq!((status, header(&headers, "content-encoding")), (200, expected), "{path} {accepted:?}");
            assert!(decoded(expected, &body) == plain, "{path} {accepted:?}");
            assert_eq!(header(&headers, "vary"), "accept-encoding", "{path} {accepted:?}");
            assert_eq!(headers.get_all("vary").iter().count(), 1);
            if ["", "br"].contains(&expected) {
                assert_eq!(header(&headers, "content-length"), body.len().to_string(), "{path} {accepted:?}");
            }
            assert!(expected.is_empty() || body.len() * 4 < plain.len() * 3, "{path} {accepted:?}: {}", body.len());
        }
        let (status, ..) = explorer.ask(Method::GET, path, &[("accept-encoding", "identity;q=0")]).await;
        assert_eq!(status, 406);
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let Some(explorer) = Explorer::start().await else { return };
    for path in FILES {
        for accepted in ["identity", "br", "gzip, br", "br;q=0"] {
            let asked = [("accept-encoding", accepted)];
            let (_, mut of_get, _) = explorer.ask(Method::GET, path, &asked).await;
            let (status, mut of_head, body) = explorer.ask(Method::HEAD, path, &asked).await;
            assert_eq!((status, body.len()), (200, 0), "{path} {accepted}");
            for headers in [&mut of_get, &mut of_head] {
                headers.remove("date");
                headers.remove("x-request-id");
            }
            assert_eq!(of_head, of_get, "{path} {accepted}");
        }
    }
}

/// No part of a file is served, and the files have no time by which what a client keeps could be confirmed.
#[tokio::test]
async fn times_and_ranges_are_answered_with_the_whole_file() {
    let Some(explorer) = Explorer::start().await else { return };
    for path in FILES {
        for accepted in ["identity", "br"] {
            let (_, _, whole) = explorer.ask(Method::GET, path, &[("accept-encoding", accepted)]).await;
            for condition in [("if-modified-since", "Fri, 27 Nov 2099 00:00:00 GMT"), ("range", "bytes=0-1")] {
                let asked = [("accept-encoding", accepted), condition];
                let (status, headers, body) = explorer.ask(Method::GET, path, &asked).await;
                assert_eq!((status, header(&headers, "last-modified")), (200, ""), "{path} {asked:?}");
                assert!(body == whole, "{path} {asked:?}");
                assert_eq!(header(&headers, "cache-control"), "no-cache");
            }
        }
    }
}

#[tokio::test]
async fn a_browser_that_has_a_file_is_not_sent_it_again() {
    let Some(explorer) = Explorer::start().await else { return };
    let mut tags = Vec::new();
    for path in FILES {
        for accepted in ["identity", "br", "gzip"] {
            let coding = ("accept-encoding", accepted);
            let (_, headers, _) = explorer.ask(Method::GET, path, &[coding]).await;
            assert_eq!(header(&headers, "cache-control"), "no-cache");
            let tag = header(&headers, "etag").to_owned();
            assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
            for (known, expected) in [
                (tag.clone(), 304),
                (tag[2..].to_owned(), 304),
                (format!("\"other\", {tag}"), 304),
                ("*".to_owned(), 304),
                ("W/\"other\"".to_owned(), 200),
                (String::new(), 200),
            ] {
                for method in [Method::GET, Method::HEAD] {
                    let known = ("if-none-match", known.as_str());
                    let (status, headers, body) = explorer.ask(method.clone(), path, &[coding, known]).await;
                    assert_eq!(status, expected, "{path} {accepted} {known:?}");
                    assert_eq!(body.is_empty(), expected == 304 || method == Method::HEAD);
                    assert_eq!((header(&headers, "etag"), header(&headers, "cache-control")), (&*tag, "no-cache"));
                    assert_eq!(header(&headers, "vary"), "accept-encoding");
                    assert!(expected == 200 || header(&headers, "content-encoding").is_empty());
                }
            }
            tags.push(tag);
        }
    }
    // The same file in each coding, and another one.
    tags.dedup();
    assert_eq!(tags.len(), FILES.len());
}
