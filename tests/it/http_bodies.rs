//! Request bodies: strict JSON, content codings, and the reasons that refusals give.

use std::collections::HashSet;
use std::io::Write;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use reqwest::Method;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::json;

use crate::support::TestApp;

const QUERY: &str = r#"{"query":"{ __typename }"}"#;
const SEARCH: &str = r#""query":"query($s: String) { teamMembers(search: $s) { totalCount } }""#;

#[tokio::test]
async fn a_byte_order_mark_is_ignored() {
    let app = TestApp::start().await;
    app.send(app.post().body(format!("\u{feff}{QUERY}"))).await.clean();
    let twice = app.send(app.post().body(format!("\u{feff}\u{feff}{QUERY}"))).await;
    assert_eq!((twice.status, twice.codes()), (400, vec!["BAD_REQUEST"]));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_the_real_reason_and_its_place() {
    let app = TestApp::start().await;
    let with = |value: &str| format!("{{{SEARCH},\"variables\":{{\"s\":{value}}}}}");
    let deep = "[".repeat(200);
    let cases = [
        (String::new(), "it ends too early"),
        ("{".to_owned(), "it ends too early"),
        (QUERY[..10].to_owned(), "it ends too early"),
        (format!("{QUERY} x"), "there is more behind the value"),
        (with("1e400"), "a number is too large"),
        (with("-1e400"), "a number is too large"),
        (with(&"9".repeat(400)), "a number is too large"),
        (with("01"), "a number is not written as JSON has it"),
        (with("1."), "a number is not written as JSON has it"),
        (with("NaN"), "expected a value"),
        (with("+1"), "expected a value"),
        (with(r#""\ud800""#), "a string holds a lone surrogate"),
        (with(r#""\udc00""#), "a string holds a lone surrogate"),
        (with(r#""\ud800A""#), "a string holds a lone surrogate"),
        (with(r#""\ud800\ud800""#), "a string holds a lone surrogate"),
        (with(r#""\x""#), "a string holds an escape that JSON does not have"),
        (with(r#""\u12g4""#), "a string holds an escape that JSON does not have"),
        (with("\"a\nb\""), "a string holds a control character that is not escaped"),
        (with("'a'"), "expected a value"),
        (with(&deep), "values are nested too deeply"),
        (with("{\"a\":1,}"), "expected a key in quotes"),
        (with("[1 2]"), "expected a comma or a closing bracket"),
        (format!("{{{SEARCH},{SEARCH}}}"), "a key is there twice in one object"),
        (format!("{{{SEARCH},\"\\u0071uery\":\"{{ __typename }}\"}}"), "a key is there twice in one object"),
        (with(r#"1,"s":2"#), "a key is there twice in one object"),
        (with(r#"{"a":{"b":1,"c":2,"b":3}}"#), "a key is there twice in one object"),
        (r#"{"query":"{ __typename }","unknown":1,"unknown":2}"#.to_owned(), "a key is there twice in one object"),
    ];
    for (body, reason) in cases {
        let answer = app.send(app.post().body(body.clone())).await;
        let message = answer.body["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!((answer.status, answer.codes()), (400, vec!["BAD_REQUEST"]), "{body:.200}");
        assert!(message.contains(reason) && message.contains("(at byte "), "{body:.200}: {message}");
    }
    let place = app.send(app.post().body(r#"{"query":1e999}"#)).await;
    assert!(place.body["errors"][0]["message"].as_str().unwrap().ends_with("(at byte 9)"), "{}", place.body);
    let bytes = app.send(app.post().body(b"{\"query\":\"\xff\"}".to_vec())).await;
    assert_eq!(bytes.body["errors"][0]["message"], "the body is not UTF-8 (at byte 10)");
    assert_eq!(app.demo.calls(), 0);
}

#[tokio::test]
async fn parameters_of_a_get_are_read_as_strictly() {
    let app = TestApp::start().await;
    for (variables, reason) in [
        ("{", "it ends too early"),
        (r#"{"s":1e400}"#, "a number is too large"),
        (r#"{"s":"\ud800"}"#, "a string holds a lone surrogate"),
        (r#"{"s":1,"s":2}"#, "a key is there twice in one object"),
        ("[]", "`variables` is not an object"),
    ] {
        let request = app.client.get(app.url()).query(&[("query", "{ __typename }"), ("variables", variables)]);
        let answer = app.send(request.header("apollo-require-preflight", "1")).await;
        assert_eq!((answer.status, answer.codes()), (400, vec!["BAD_REQUEST"]), "{variables}");
        assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains(reason), "{}", answer.body);
    }
    // Bytes that are no text are not replaced by others.
    for query in ["%7B__typename%7D%23%ff", "%7Brole(id:%22%c3%28%22)%7Bid%7D%7D"] {
        let request = app.client.get(format!("{}?query={query}", app.url()));
        let answer = app.send(request.header("apollo-require-preflight", "1")).await;
        assert_eq!((answer.status, answer.codes()), (400, vec!["BAD_REQUEST"]), "{query}");
        assert_eq!(answer.body["errors"][0]["message"], "the query string is not UTF-8");
    }
}

#[tokio::test]
async fn an_empty_operation_name_is_none_with_every_method() {
    let app = TestApp::start().await;
    let body = json!({ "query": "query A { __typename }", "operationName": "" }).to_string();
    app.send(app.post().body(body.clone())).await.clean();
    let query = app.client.request(Method::QUERY, app.url()).header("content-type", "application/json");
    app.send(query.body(body)).await.clean();
    let several = json!({ "query": "query A { __typename } query B { __typename }", "operationName": "" }).to_string();
    assert_eq!(app.send(app.post().body(several)).await.codes(), ["OPERATION_RESOLUTION_FAILURE"]);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut encoded, 4096, 5, 22);
    encoder.write_all(bytes).unwrap();
    drop(encoder);
    encoded
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

#[tokio::test]
async fn coded_bodies_are_decoded_under_the_same_limit() {
    let app = TestApp::start().await;
    let shell = r#"{"query":"{ __typename }","x":""}"#;
    let with = |text: &str| shell.replace("\"\"", &format!("\"{text}\""));
    // Of letters that no coding makes much shorter, and of a single one.
    let mut rng = fastrand::Rng::with_seed(3);
    let letters: String = std::iter::repeat_with(|| rng.alphanumeric()).take(1 << 20).collect();
    let long = |length: usize| with(&letters[..length - shell.len()]);
    let alike = |length: usize| with(&"x".repeat(length - shell.len()));
    type Encode = fn(&[u8]) -> Vec<u8>;
    let codings: [(&str, Encode); 4] = [("gzip", gzip), ("x-gzip", gzip), ("br", brotli), ("zstd", zstd)];
    for (name, encode) in codings {
        let ask = |body: Vec<u8>| {
            let request = app.post().header("content-encoding", name).body(body);
            async { app.send(request).await }
        };
        ask(encode(QUERY.as_bytes())).await.clean();
        ask(encode(long(1 << 20).as_bytes())).await.clean();
        let over = ask(encode(long((1 << 20) + 1).as_bytes())).await;
        assert_eq!((over.status, over.codes()), (413, vec!["REQUEST_TOO_LARGE"]), "{name}");
        // What is much shorter when it is encoded may be as long as this.
        ask(encode(alike(64 << 10).as_bytes())).await.clean();
        let over = ask(encode(alike((64 << 10) + 1).as_bytes())).await;
        assert_eq!((over.status, over.codes()), (413, vec!["REQUEST_TOO_LARGE"]), "{name}");
        // A bomb is given up at the limit.
        let bomb = ask(encode(&vec![b' '; 20 << 20])).await;
        assert_eq!((bomb.status, bomb.codes()), (413, vec!["REQUEST_TOO_LARGE"]), "{name}");
        let whole = encode(QUERY.as_bytes());
        let mut flipped = whole.clone();
        let middle = whole.len() / 2;
        flipped[middle] ^= 0x55;
        for (what, body) in [
            ("plain", QUERY.as_bytes().to_vec()),
            ("cut", whole[..whole.len() - 3].to_vec()),
            ("followed by more", [whole.as_slice(), b"{}"].concat()),
            ("flipped", flipped),
            ("empty", Vec::new()),
        ] {
            let answer = ask(body).await;
            assert_eq!((answer.status, answer.codes()), (400, vec!["BAD_REQUEST"]), "{name} {what}");
        }
        // The limit counts for what is sent, too.
        let sent = ask(vec![0; (1 << 20) + 1]).await;
        assert_eq!(sent.status, 413, "{name}");
    }
    let upper = app.post().header("content-encoding", "GZIP").body(gzip(QUERY.as_bytes()));
    app.send(upper).await.clean();
    app.send(app.post().header("content-encoding", "identity").body(QUERY)).await.clean();
    let members = [gzip(&QUERY.as_bytes()[..9]), gzip(&QUERY.as_bytes()[9..])].concat();
    app.send(app.post().header("content-encoding", "gzip").body(members)).await.clean();
}

#[tokio::test]
async fn other_codings_are_refused_and_told_what_there_is() {
    let app = TestApp::start().await;
    for coding in ["deflate", "compress", "gzip, gzip", "gzip, br", "lzma", "gzip;q=1"] {
        let answer = app.send(app.post().header("content-encoding", coding).body(gzip(QUERY.as_bytes()))).await;
        assert_eq!((answer.status, answer.codes()), (415, vec!["INVALID_CONTENT_ENCODING_HEADER"]), "{coding}");
        assert_eq!(answer.header("accept-encoding"), "zstd, br, gzip", "{coding}");
    }
    // Where the media type is what is wrong, codings are not.
    let answer = app.send(app.client.post(app.url()).header("content-type", "text/plain").body(QUERY)).await;
    assert_eq!((answer.status, answer.header("accept-encoding")), (415, ""));
}

/// JSON as the service means it: what serde_json takes, and no key twice. This is the oracle, which shares nothing with the
/// reader that it judges.
struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Judge;

        impl<'de> Visitor<'de> for Judge {
            type Value = Strict;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("anything")
            }
            fn visit_bool<E>(self, _: bool) -> Result<Strict, E> {
                Ok(Strict)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Strict, E> {
                Ok(Strict)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Strict, E> {
                Ok(Strict)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Strict, E> {
                Ok(Strict)
            }
            fn visit_str<E>(self, _: &str) -> Result<Strict, E> {
                Ok(Strict)
            }
            fn visit_unit<E>(self) -> Result<Strict, E> {
                Ok(Strict)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Strict, A::Error> {
                while list.next_element::<Strict>()?.is_some() {}
                Ok(Strict)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strict, A::Error> {
                let mut keys = HashSet::new();
                while let Some((key, Strict)) = map.next_entry::<String, Strict>()? {
                    if !keys.insert(key) {
                        return Err(A::Error::custom("twice"));
                    }
                }
                Ok(Strict)
            }
        }

        deserializer.deserialize_any(Judge)
    }
}

/// JSON values as text, in many ways of writing, some of them wrong.
fn values() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,25})([.][0-9]{1,5})?([eE][+-]?[0-9]{1,3})?",
        "[-+.0-9eE]{1,6}",
        r#""([a-z ]|\\["\\/bfnrt]|\\u[0-9a-fD]{4}|\\ud83d\\ude00|é|😀){0,6}""#,
    ];
    leaf.prop_recursive(4, 60, 20, |inner| {
        let key = prop_oneof![r#""[a-c]{1,2}""#, r#""(a|\\u0061|b|\\u00[67][0-9])""#];
        let space = prop_oneof![Just(""), Just(" "), Just("\n\t")];
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..5), space.clone())
                .prop_map(|(items, space)| format!("[{space}{}]", items.join(&format!("{space},")))),
            (prop::collection::vec((key, inner), 0..24), space).prop_map(|(members, space)| {
                let members: Vec<_> = members.into_iter().map(|(key, value)| format!("{key}{space}:{value}")).collect();
                format!("{{{}{space}}}", members.join(","))
            }),
        ]
    })
}

#[tokio::test]
async fn the_verdict_on_three_thousand_texts_is_that_of_another_reader() {
    let app = TestApp::with(&[("http.body_limit", "4MiB"), ("http.bodies_limit", "8MiB")]).await;
    let mut runner = TestRunner::new(Config::default());
    let mut texts = Vec::new();
    let (text, damage) =
        (values(), (any::<prop::sample::Index>(), prop::sample::select(b"{}[]\",:\\u0e1-. \x01".to_vec())));
    for n in 0..3_000 {
        let mut text = text.new_tree(&mut runner).unwrap().current().into_bytes();
        if n % 3 == 0 && !text.is_empty() {
            let (place, byte) = damage.new_tree(&mut runner).unwrap().current();
            let place = place.index(text.len());
            text[place] = byte;
        }
        texts.push(text);
    }
    let (mut good, mut bad) = (0, 0);
    for text in texts {
        // In a member that the service does not know, so that only the reader has a say.
        let body = [br#"{"query":"{ __typename }","member":"#.as_slice(), &text, b"}"].concat();
        let expected = serde_json::from_slice::<Strict>(&body).is_ok();
        let answer = app.send(app.post().body(body.clone())).await;
        let shown = String::from_utf8_lossy(&body);
        assert_eq!(answer.status, if expected { 200 } else { 400 }, "{shown}");
        *if expected { &mut good } else { &mut bad } += 1;
    }
    assert!(good > 500 && bad > 500, "{good} good, {bad} bad");
}

#[tokio::test]
async fn a_repeated_key_is_found_in_large_objects_wherever_it_is() {
    let app = TestApp::start().await;
    for (count, twice) in [(15, false), (16, true), (17, true), (1000, true), (20_000, true), (20_000, false)] {
        for place in [0, count / 2, count - 1] {
            let mut keys: Vec<String> = (0..count).map(|n| format!("\"k{n}\":1")).collect();
            if twice {
                keys.push(format!("\"\\u006b{place}\":2"));
            }
            let body = format!("{{\"query\":\"{{ __typename }}\",\"more\":{{{}}}}}", keys.join(","));
            let answer = app.send(app.post().body(body)).await;
            assert_eq!(answer.status, if twice { 400 } else { 200 }, "{count} {place}");
        }
    }
}
