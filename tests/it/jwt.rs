//! JWTs: a token that the issuer signed grants what its claims say; everything else is refused.

use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::support::issuer::{AUDIENCE, ISSUER, JwksServer, SigningKey, encode, full, jwks, now};
use crate::support::{Answer, TempFile, TestApp, until};

const QUERY: &str = "{ teamMembers { totalCount } }";

/// A service that believes the keys of a file.
async fn service(file: &TempFile, more: &[(&str, &str)]) -> TestApp {
    let settings =
        [("auth.mode", "jwt"), ("jwt.jwks_file", file.as_str()), ("jwt.issuer", ISSUER), ("jwt.audience", AUDIENCE)];
    TestApp::with(&[&settings[..], more].concat()).await
}

/// The same with the keys of a URL.
async fn remote(server: &JwksServer, more: &[(&str, &str)]) -> TestApp {
    let url = server.url();
    let settings = [("auth.mode", "jwt"), ("jwt.jwks_url", &url), ("jwt.issuer", ISSUER), ("jwt.audience", AUDIENCE)];
    TestApp::with(&[&settings[..], more].concat()).await
}

fn refused(answer: &Answer) {
    assert_eq!((answer.status, answer.codes()), (401, vec!["UNAUTHENTICATED"]), "{:#}", answer.body);
    assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
}

#[tokio::test]
async fn a_token_signed_in_any_of_the_known_ways_lets_in() {
    let keys =
        ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"].map(|algorithm| SigningKey::new(algorithm, algorithm));
    let file = TempFile::new("jwks.json", &jwks(&keys.each_ref()));
    let app = service(&file, &[]).await;
    for key in &keys {
        let answer = app.query_as(&key.token(json!({})), QUERY).await;
        assert_eq!(answer.clean(), json!({ "teamMembers": { "totalCount": 12 } }), "{}", key.algorithm);
    }
    assert!(app.demo.log().iter().all(|call| call.token.as_deref() == Some("demo-agency-token")));
    let none = app.query(QUERY).await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, "Bearer"));
}

#[tokio::test]
async fn a_key_is_good_for_one_algorithm_only() {
    let (rsa, ec) = (SigningKey::new("rsa", "RS256"), SigningKey::new("ec", "ES256"));
    let file = TempFile::new("jwks.json", &jwks(&[&rsa, &ec]));
    let app = service(&file, &[]).await;
    let claims = full(json!({})).to_string();
    let header = |algorithm: &str, key: &str| json!({ "alg": algorithm, "kid": key }).to_string();
    let pss = SigningKey::new("rsa", "PS256");
    // The public key as a shared secret, in the ways it is written.
    let modulus = rsa.jwk()["n"].as_str().unwrap().to_owned();
    let shared = |secret: &[u8]| {
        let message = format!("{}.{}", encode(header("HS256", "rsa")), encode(&claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", encode(tag))
    };
    let unsigned = |algorithm: &str| format!("{}.{}.", encode(header(algorithm, "rsa")), encode(&claims));
    for (attack, token) in [
        ("none", unsigned("none")),
        ("None", unsigned("None")),
        ("no signature", unsigned("RS256")),
        ("none, signed", rsa.sign(&header("none", "rsa"), &claims)),
        ("HS256 with the modulus", shared(modulus.as_bytes())),
        ("HS256 with the JWK", shared(rsa.jwk().to_string().as_bytes())),
        ("HS256 with the JWKS", shared(jwks(&[&rsa, &ec]).as_bytes())),
        ("PS256 with the RS256 key", pss.token(json!({}))),
        ("RS256 signature called PS256", rsa.sign(&header("PS256", "rsa"), &claims)),
        ("RS256 signature called RS512", rsa.sign(&header("RS512", "rsa"), &claims)),
        ("ES256 signature with the RSA key's name", ec.sign(&header("ES256", "rsa"), &claims)),
        ("RSA signature with the EC key's name", rsa.sign(&header("RS256", "ec"), &claims)),
        ("somebody else's key of that name", SigningKey::new("ec", "ES256").token(json!({}))),
        ("no algorithm", rsa.sign(r#"{"kid":"rsa"}"#, &claims)),
        ("no key among several", ec.sign(r#"{"alg":"ES256"}"#, &claims)),
    ] {
        let answer = app.query_as(&token, QUERY).await;
        assert_eq!(answer.status, 401, "{attack}");
        refused(&answer);
    }
    assert_eq!(app.demo.calls(), 0);
    app.query_as(&ec.token(json!({})), QUERY).await.clean();
}

#[tokio::test]
async fn what_a_token_says_of_keys_is_not_followed() {
    let key = SigningKey::new("ec", "ES256");
    let server = JwksServer::start(&jwks(&[&key])).await;
    let app = remote(&server, &[]).await;
    let elsewhere = JwksServer::start(&jwks(&[&SigningKey::new("ec", "ES256")])).await;
    let forger = SigningKey::new("ec", "ES256");
    let named = |key: &SigningKey, id: &str| {
        let header = json!({
            "alg": "ES256", "kid": id, "jku": elsewhere.url(), "x5u": elsewhere.url(), "jwk": forger.jwk(), "x5c": ["MIIB"],
        });
        key.sign(&header.to_string(), &full(json!({})).to_string())
    };
    app.query_as(&named(&key, "ec"), QUERY).await.clean();
    let url = elsewhere.url();
    for id in
        ["ec", "forged", "", "../../../../etc/passwd", "/dev/null", &url, "file:///etc/passwd", "' OR 1=1 --", "ec\0"]
    {
        refused(&app.query_as(&named(&forger, id), QUERY).await);
    }
    assert_eq!(elsewhere.fetches(), 0);
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn a_header_that_is_not_wholly_understood_is_refused() {
    let key = SigningKey::new("ec", "ES256");
    let file = TempFile::new("jwks.json", &jwks(&[&key]));
    let app = service(&file, &[]).await;
    let claims = full(json!({})).to_string();
    let signed = |header: &str| key.sign(header, &claims);
    let good = key.token(json!({}));
    let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    for token in [
        signed(r#"{"alg":"ES256","kid":"ec","crit":["exp"]}"#),
        signed(r#"{"alg":"ES256","kid":"ec","crit":["b64"],"b64":false}"#),
        signed(r#"{"alg":"ES256","kid":"ec","crit":[]}"#),
        signed(r#"{"alg":"none","kid":"ec","alg":"ES256"}"#),
        signed(r#"{"alg":"ES256","kid":"other","kid":"ec"}"#),
        signed(r#"{"alg":"ES256","kid":"ec","typ":"secevent+jwt"}"#),
        signed(r#"{"alg":"ES256","kid":7}"#),
        signed(r#"["ES256"]"#),
        signed("{"),
        signed(""),
        // Encrypted: five parts.
        format!("{}.a.b.c.d", encode(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#)),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}..{signature}"),
        format!("..{signature}"),
        "..".to_owned(),
        "a.b.c".to_owned(),
        format!("{header}.{}.{signature}", encode(claims.replace("ann", "bob"))),
    ] {
        refused(&app.query_as(&token, QUERY).await);
    }
    for kind in ["JWT", "jwt", "at+jwt", "application/at+jwt"] {
        let header = json!({ "alg": "ES256", "kid": "ec", "typ": kind }).to_string();
        app.query_as(&signed(&header), QUERY).await.clean();
    }
}

#[tokio::test]
async fn issuer_audience_and_dates_are_enforced() {
    let key = SigningKey::new("ec", "ES256");
    let file = TempFile::new("jwks.json", &jwks(&[&key]));
    let app = service(&file, &[("jwt.leeway", "10s"), ("jwt.lifetime_limit", "1h")]).await;
    for claims in [
        json!({ "exp": null }),
        json!({ "exp": now() - 60 }),
        json!({ "exp": now() + 7200 }),
        json!({ "exp": 1e300 }),
        json!({ "exp": u64::MAX }),
        json!({ "exp": -1 }),
        json!({ "exp": 0 }),
        json!({ "exp": (now() + 600).to_string() }),
        json!({ "exp": [now() + 600] }),
        json!({ "nbf": now() + 60 }),
        json!({ "nbf": "soon" }),
        json!({ "iss": null }),
        json!({ "iss": "https://login.example" }),
        json!({ "iss": "https://evil.example/" }),
        json!({ "iss": [ISSUER, "https://evil.example/"] }),
        json!({ "aud": null }),
        json!({ "aud": "somebody-else" }),
        json!({ "aud": ["somebody-else"] }),
        json!({ "aud": [] }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "sub": 7 }),
        json!({ "scope": 7 }),
    ] {
        let answer = app.query_as(&key.token(claims.clone()), QUERY).await;
        assert_eq!(answer.status, 401, "{claims}");
        refused(&answer);
    }
    assert_eq!(app.demo.calls(), 0);
    for claims in [
        json!({ "exp": now() - 5 }),
        json!({ "exp": (now() + 600) as f64 + 0.5 }),
        json!({ "nbf": now() + 5, "iat": now() }),
        json!({ "aud": ["somebody-else", AUDIENCE] }),
        json!({ "anything": { "else": [1, { "a": null }] } }),
    ] {
        app.query_as(&key.token(claims), QUERY).await.clean();
    }
}

#[tokio::test]
async fn a_claim_that_stands_twice_is_refused() {
    let key = SigningKey::new("ec", "ES256");
    let file = TempFile::new("jwks.json", &jwks(&[&key]));
    let app = service(&file, &[]).await;
    let claims = full(json!({})).to_string();
    let with = |more: &str| key.sign(&key.header().to_string(), &format!("{},{more}}}", claims.trim_end_matches('}')));
    app.query_as(&with(r#""a":1"#), QUERY).await.clean();
    for more in [
        format!(r#""exp":{}"#, now() + 100),
        r#""sub":"bob""#.to_owned(),
        r#""a":1,"a":1"#.to_owned(),
        r#""account":{"email":"a@b.example","email":"maya@lantern-books.example","type":"CUSTOMER"}"#.to_owned(),
        r#""deep":[{"x":{"y":1,"y":2}}]"#.to_owned(),
    ] {
        refused(&app.query_as(&with(&more), QUERY).await);
    }
}

#[tokio::test]
async fn a_token_is_no_longer_than_8_kib() {
    let key = SigningKey::new("ec", "ES256");
    let file = TempFile::new("jwks.json", &jwks(&[&key]));
    let app = service(&file, &[("http.header_bytes_limit", "1MiB")]).await;
    let of = |length: usize| key.token(json!({ "padding": "x".repeat(length) }));
    app.query_as(&of(5000), QUERY).await.clean();
    let long = app.query_as(&of(8000), QUERY).await;
    assert_eq!((long.status, long.codes()), (401, vec!["UNAUTHENTICATED"]));
    let app = service(&file, &[]).await;
    assert_eq!(app.query_as(&of(1 << 20), QUERY).await.status, 431);
}

#[tokio::test]
async fn scopes_come_from_the_claim_that_is_configured() {
    let key = SigningKey::new("ec", "ES256");
    let file = TempFile::new("jwks.json", &jwks(&[&key]));
    let contact = "{ teamMembers(first: 1) { nodes { contact { email } } } }";
    let app = service(&file, &[]).await;
    let ask = async |app: &TestApp, claims: Value| app.query_as(&key.token(claims), contact).await;
    ask(&app, json!({ "scope": "openid team:contact:read profile team:read" })).await.clean();
    ask(&app, json!({ "scope": ["team:read", "team:contact:read", "other"] })).await.clean();
    let plain = ask(&app, json!({ "scope": "team:read openid" })).await;
    assert_eq!((plain.status, plain.codes()), (200, vec!["FORBIDDEN"]));
    for scope in [json!(null), json!(""), json!("openid"), json!([]), json!("team:contact:read"), json!("TEAM:READ")] {
        let none = ask(&app, json!({ "scope": scope })).await;
        assert_eq!((none.status, none.codes()), (403, vec!["FORBIDDEN"]), "{scope}");
        assert!(none.header("www-authenticate").contains("insufficient_scope"));
    }
    let app = service(&file, &[("jwt.scope_claim", "permissions")]).await;
    ask(&app, json!({ "scope": null, "permissions": ["team:read", "team:contact:read"] })).await.clean();
    assert_eq!(ask(&app, json!({})).await.status, 403);
}

#[tokio::test]
async fn a_token_names_its_accounts_by_claim() {
    let key = SigningKey::new("ec", "ES256");
    let file = TempFile::new("jwks.json", &jwks(&[&key]));
    let app = service(&file, &[]).await;
    let ask = async |claims: Value, query: &str| app.query_as(&key.token(claims), query).await;
    let pines = json!({ "email": "ops@tall-pines.example", "type": "CUSTOM_USER" });
    let maya = json!({ "email": "Maya@lantern-books.example", "type": "CUSTOMER" });
    let count = |answer: Answer| answer.clean()["teamMembers"]["totalCount"].clone();
    assert_eq!(count(ask(json!({}), QUERY).await), 12);
    assert_eq!(count(ask(json!({ "account": pines }), QUERY).await), 250);
    assert_eq!(count(ask(json!({ "account": [pines, maya] }), QUERY).await), 12);
    let theirs = format!("{{ teamMembers({}) {{ totalCount }} }}", crate::support::account(2));
    assert_eq!(count(ask(json!({ "account": [pines, maya] }), &theirs).await), 250);
    assert_eq!(ask(json!({ "account": maya }), &theirs).await.codes(), ["FORBIDDEN"]);
    assert_eq!(ask(json!({}), &theirs).await.codes(), ["FORBIDDEN"]);
    // A claim that says something else, or in another form, is for no account, not for the default one.
    for wrong in [
        json!("ops@tall-pines.example"),
        json!("*"),
        json!([]),
        json!({}),
        json!(7),
        json!({ "email": "ops@tall-pines.example" }),
        json!({ "email": "*", "type": "CUSTOM_USER" }),
        json!({ "email": "ops@tall-pines.example", "type": "ANY" }),
        json!({ "email": "ops@tall-pines.example", "type": "CUSTOM_USER", "also": 1 }),
        json!([pines, "*"]),
        json!(["ops@tall-pines.example", "CUSTOM_USER"]),
        json!([["ops@tall-pines.example", "CUSTOM_USER"]]),
    ] {
        let answer = ask(json!({ "account": wrong }), QUERY).await;
        assert_eq!((answer.status, answer.codes()), (403, vec!["FORBIDDEN"]), "{wrong}");
    }
}

#[tokio::test]
async fn a_map_says_what_the_claims_texts_stand_for() {
    let key = SigningKey::new("ec", "ES256");
    let file = TempFile::new("jwks.json", &jwks(&[&key]));
    let map = TempFile::new(
        "accounts.toml",
        "[accounts]\n\"tenant-7\" = [{ email = \"ops@tall-pines.example\", type = \"CUSTOM_USER\" }]\n\
         solo = [{ email = \"solo@quiet-harbor.example\", type = \"AGENT\" }]\nnobody = []\n",
    );
    let app = service(&file, &[("jwt.account_claim", "tenant"), ("jwt.accounts_file", map.as_str())]).await;
    let ask = async |claims: Value| app.query_as(&key.token(claims), QUERY).await;
    let count = |answer: Answer| answer.clean()["teamMembers"]["totalCount"].clone();
    assert_eq!(count(ask(json!({ "tenant": "tenant-7" })).await), 250);
    assert_eq!(count(ask(json!({ "tenant": ["solo", "unknown"] })).await), 1);
    assert_eq!(count(ask(json!({})).await), 12);
    for wrong in [
        json!("unknown"),
        json!("nobody"),
        json!(""),
        json!([]),
        json!(7),
        json!({ "email": "ops@tall-pines.example", "type": "CUSTOM_USER" }),
    ] {
        let answer = ask(json!({ "tenant": wrong })).await;
        assert_eq!((answer.status, answer.codes()), (403, vec!["FORBIDDEN"]), "{wrong}");
    }
    // The map is read again; one that cannot be used replaces nothing.
    map.replace("[accounts]\n\"tenant-7\" = [{ email = \"solo\", type = \"AGENT\" }]\n");
    assert_eq!(count(ask(json!({ "tenant": "tenant-7" })).await), 250);
    map.replace("[accounts]\n\"tenant-7\" = [{ email = \"solo@quiet-harbor.example\", type = \"AGENT\" }]\n");
    assert_eq!(count(ask(json!({ "tenant": "tenant-7" })).await), 1);
    assert_eq!(ask(json!({ "tenant": "solo" })).await.status, 403);
}

#[tokio::test]
async fn unknown_keys_cost_one_fetch_and_a_new_key_is_found() {
    let (old, new) = (SigningKey::new("old", "ES256"), SigningKey::new("new", "EdDSA"));
    let server = JwksServer::start(&jwks(&[&old])).await;
    let app = remote(&server, &[("jwt.fetch_interval", "1s")]).await;
    app.query_as(&old.token(json!({})), QUERY).await.clean();
    assert_eq!(server.fetches(), 1);
    server.serve(200, &jwks(&[&new, &old]));
    // Within the interval there is no second fetch.
    let storm = async |from: usize| {
        let tokens: Vec<_> = (from..from + 50)
            .map(|n| {
                old.sign(&json!({ "alg": "ES256", "kid": format!("k{n}") }).to_string(), &full(json!({})).to_string())
            })
            .collect();
        let asked = tokens.iter().map(|token| app.query_as(token, QUERY));
        futures_util::future::join_all(asked).await.iter().for_each(refused);
    };
    storm(0).await;
    assert!(server.fetches() <= 2, "{}", server.fetches());
    let before = server.fetches();
    // After it the new key is found, with one fetch.
    loop {
        let answer = app.query_as(&new.token(json!({})), QUERY).await;
        if answer.status == 200 {
            break;
        }
        refused(&answer);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(server.fetches() <= before + 1);
    app.query_as(&old.token(json!({})), QUERY).await.clean();
}

#[tokio::test]
async fn a_callers_own_fetch_survives_the_caller() {
    let key = SigningKey::new("key", "ES256");
    let server = JwksServer::start("nothing yet").await;
    let app = remote(&server, &[("jwt.fetch_interval", "1ms")]).await;
    server.fetched(1).await;
    server.serve(200, &jwks(&[&key]));
    let leaving =
        tokio::spawn(app.post().bearer_auth(key.token(json!({}))).body(json!({ "query": QUERY }).to_string()).send());
    server.fetched(2).await;
    leaving.abort();
    app.query_as(&key.token(json!({})), QUERY).await.clean();
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_refused_after_a_while() {
    let (old, new) = (SigningKey::new("old", "ES256"), SigningKey::new("new", "ES256"));
    let server = JwksServer::start(&jwks(&[&old, &new])).await;
    let app = remote(&server, &[("jwt.fetch_interval", "10ms")]).await;
    app.query_as(&old.token(json!({})), QUERY).await.clean();
    server.serve(200, &jwks(&[&new]));
    loop {
        app.query_as(&new.token(json!({})), QUERY).await.clean();
        let answer = app.query_as(&old.token(json!({})), QUERY).await;
        if answer.status == 401 {
            break;
        }
        answer.clean();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// RFC 9864 names by its curve what is called EdDSA elsewhere: one algorithm, whichever name key and token use.
#[tokio::test]
async fn eddsa_and_ed25519_are_one_algorithm() {
    let key = SigningKey::new("ed", "EdDSA");
    for in_the_set in [json!("EdDSA"), json!("Ed25519"), Value::Null] {
        let mut jwk = key.jwk();
        jwk["alg"] = in_the_set.clone();
        if in_the_set.is_null() {
            jwk.as_object_mut().unwrap().remove("alg");
        }
        let file = TempFile::new("jwks.json", &json!({ "keys": [jwk] }).to_string());
        let app = service(&file, &[]).await;
        for algorithm in ["EdDSA", "Ed25519"] {
            let header = json!({ "alg": algorithm, "kid": "ed" }).to_string();
            let token = key.sign(&header, &full(json!({})).to_string());
            app.query_as(&token, QUERY).await.clean();
            let forged = SigningKey::new("ed", "EdDSA").sign(&header, &full(json!({})).to_string());
            refused(&app.query_as(&forged, QUERY).await);
        }
        for algorithm in ["Ed448", "ed25519", "ES256"] {
            let header = json!({ "alg": algorithm, "kid": "ed" }).to_string();
            refused(&app.query_as(&key.sign(&header, &full(json!({})).to_string()), QUERY).await);
        }
    }
}

#[tokio::test]
async fn a_byte_order_mark_before_a_set_is_ignored() {
    let key = SigningKey::new("key", "ES256");
    let marked = format!("\u{feff}{}", jwks(&[&key]));
    let file = TempFile::new("jwks.json", &marked);
    service(&file, &[]).await.query_as(&key.token(json!({})), QUERY).await.clean();
    let server = JwksServer::start(&marked).await;
    remote(&server, &[]).await.query_as(&key.token(json!({})), QUERY).await.clean();
}

/// Keys that cannot be fetched again are used up to their maximum age, and every interval another fetch is tried.
#[tokio::test]
async fn fetches_that_fail_do_not_prolong_a_keys_life() {
    let key = SigningKey::new("key", "ES256");
    let server = JwksServer::start(&jwks(&[&key])).await;
    let app = remote(&server, &[("jwt.fetch_interval", "10ms"), ("jwt.keys_max_age", "400ms")]).await;
    app.query_as(&key.token(json!({})), QUERY).await.clean();
    server.serve(500, "");
    let token = key.token(json!({}));
    let gone = until(|| app.query_as(&token, QUERY), |answer| answer.status != 200).await;
    assert_eq!((gone.status, gone.codes()), (503, vec!["AUTHENTICATION_UNAVAILABLE"]));
    assert!(server.fetches() > 3, "{} fetches", server.fetches());
    let failed = app.metric("flowmatix_jwks_fetches_total{result=\"failed\"}").await;
    assert!(failed >= 2.0, "{failed} failed fetches");
    assert!(app.metric("flowmatix_jwks_fetches_total{result=\"ok\"}").await >= 1.0);
    server.serve(200, &jwks(&[&key]));
    until(|| app.query_as(&token, QUERY), |answer| answer.status == 200).await;
}

#[tokio::test]
async fn a_set_that_cannot_be_used_replaces_nothing() {
    let key = SigningKey::new("key", "ES256");
    let server = JwksServer::start(&jwks(&[&key])).await;
    let app = remote(&server, &[("jwt.fetch_interval", "1ms")]).await;
    app.query_as(&key.token(json!({})), QUERY).await.clean();
    let other = SigningKey::new("other", "ES256");
    let shared = json!({ "keys": [{ "kty": "oct", "kid": "key", "k": encode("secret"), "alg": "HS256" }] }).to_string();
    let mut encryption = other.jwk();
    encryption["use"] = "enc".into();
    let many = json!({ "keys": vec![other.jwk(); 101] }).to_string();
    let long = format!("{{\"keys\":[{}],\"x\":\"{}\"}}", other.jwk(), "x".repeat(10 << 20));
    for (status, body) in [
        (200, long.as_str()),
        (200, "<!doctype html><title>Sign in</title>"),
        (200, ""),
        (200, r#"{"keys":[]}"#),
        (200, r#"{"keys":[{"kty":"RSA","n":"!","e":"AQAB"}]}"#),
        (200, &shared),
        (200, &json!({ "keys": [encryption] }).to_string()),
        (200, &many),
        (404, &jwks(&[&other])),
        (500, ""),
        (302, ""),
    ] {
        server.serve(status, body);
        let before = server.fetches();
        // Names an unknown key, so the place is asked, in vain.
        loop {
            refused(&app.query_as(&other.token(json!({})), QUERY).await);
            if server.fetches() > before {
                break;
            }
        }
        app.query_as(&key.token(json!({})), QUERY).await.clean();
    }
}

#[tokio::test]
async fn without_any_keys_yet_callers_are_told_to_come_back() {
    let key = SigningKey::new("key", "ES256");
    let server = JwksServer::start("<html>").await;
    let app = remote(&server, &[]).await;
    let answer = app.query_as(&key.token(json!({})), QUERY).await;
    assert_eq!((answer.status, answer.codes()), (503, vec!["AUTHENTICATION_UNAVAILABLE"]));
    let after: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=30).contains(&after), "{after}");
    assert_eq!((server.fetches(), app.demo.calls()), (1, 0));
}

#[tokio::test]
async fn a_file_of_keys_is_read_again() {
    let (old, new) = (SigningKey::new("old", "ES256"), SigningKey::new("new", "ES256"));
    let file = TempFile::new("jwks.json", &jwks(&[&old]));
    let app = service(&file, &[]).await;
    let statuses = async || {
        [
            app.query_as(&old.token(json!({})), QUERY).await.status,
            app.query_as(&new.token(json!({})), QUERY).await.status,
        ]
    };
    assert_eq!(statuses().await, [200, 401]);
    file.replace("<html>");
    assert_eq!(statuses().await, [200, 401]);
    file.replace(&jwks(&[&new]));
    assert_eq!(statuses().await, [401, 200]);
}

#[tokio::test]
async fn a_subject_has_one_rate_whatever_token_they_show() {
    let key = SigningKey::new("ec", "ES256");
    let file = TempFile::new("jwks.json", &jwks(&[&key]));
    let app = service(&file, &[("http.rate_limit", "1"), ("http.rate_burst", "2")]).await;
    let mut statuses = Vec::new();
    for n in 0..3 {
        statuses.push(app.query_as(&key.token(json!({ "jti": n })), "{ __typename }").await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);
    app.query_as(&key.token(json!({ "sub": "bob" })), "{ __typename }").await.clean();
}
