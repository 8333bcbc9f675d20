//! An issuer of JWTs: keys of every kind, tokens with chosen bytes, and a server for its JWKS.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub const ISSUER: &str = "https://login.example/";
pub const AUDIENCE: &str = "flowmatix-graphql";

/// A key that signs.
pub struct SigningKey {
    pub id: &'static str,
    pub algorithm: &'static str,
    key: Key,
}

enum Key {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(Arc<RsaKeyPair>),
}

/// Making one takes a while.
static RSA: LazyLock<Arc<RsaKeyPair>> = LazyLock::new(|| Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));

impl SigningKey {
    pub fn new(id: &'static str, algorithm: &'static str) -> Self {
        let ec = |algorithm: &'static EcdsaSigningAlgorithm| Key::Ec(EcdsaKeyPair::generate(algorithm).unwrap());
        let key = match algorithm {
            "ES256" => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            "EdDSA" | "Ed25519" => Key::Ed(Ed25519KeyPair::generate().unwrap()),
            _ => Key::Rsa(RSA.clone()),
        };
        Self { id, algorithm, key }
    }

    /// The public half.
    pub fn jwk(&self) -> Value {
        let mut jwk = json!({ "kid": self.id, "alg": self.algorithm, "use": "sig" });
        match &self.key {
            Key::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                jwk["kty"] = "EC".into();
                jwk["crv"] = if x.len() == 32 { "P-256" } else { "P-384" }.into();
                (jwk["x"], jwk["y"]) = (encode(x).into(), encode(y).into());
            }
            Key::Ed(pair) => {
                (jwk["kty"], jwk["crv"]) = ("OKP".into(), "Ed25519".into());
                jwk["x"] = encode(pair.public_key()).into();
            }
            Key::Rsa(pair) => {
                let public = pair.public_key();
                jwk["kty"] = "RSA".into();
                jwk["n"] = encode(public.modulus().big_endian_without_leading_zero()).into();
                jwk["e"] = encode(public.exponent().big_endian_without_leading_zero()).into();
            }
        }
        jwk
    }

    /// A token that is good for ten minutes, with these claims besides.
    pub fn token(&self, claims: Value) -> String {
        self.sign(&self.header().to_string(), &full(claims).to_string())
    }

    pub fn header(&self) -> Value {
        json!({ "alg": self.algorithm, "kid": self.id, "typ": "at+jwt" })
    }

    /// Signs these texts, whatever they say.
    pub fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let random = SystemRandom::new();
        let signature = match &self.key {
            Key::Ec(pair) => pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            Key::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Key::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding =
                    if self.algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{message}.{}", encode(signature))
    }
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The claims of a good token, changed by these; null takes one out.
pub fn full(claims: Value) -> Value {
    let mut full = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": now() + 600, "scope": "team:read team:contact:read" });
    for (name, value) in claims.as_object().unwrap() {
        match value {
            Value::Null => drop(full.as_object_mut().unwrap().remove(name)),
            value => full[name] = value.clone(),
        }
    }
    full
}

pub fn jwks(keys: &[&SigningKey]) -> String {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() }).to_string()
}

/// Serves a JWKS, and counts how often it is asked.
#[derive(Clone)]
pub struct JwksServer {
    address: SocketAddr,
    served: Arc<Served>,
}

struct Served {
    answer: Mutex<(StatusCode, String)>,
    fetches: AtomicUsize,
}

impl JwksServer {
    pub async fn start(body: &str) -> Self {
        let served =
            Arc::new(Served { answer: Mutex::new((StatusCode::OK, body.to_owned())), fetches: AtomicUsize::new(0) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = |State(served): State<Arc<Served>>| async move {
            served.fetches.fetch_add(1, Ordering::SeqCst);
            let (status, body) = served.answer.lock().unwrap().clone();
            (status, [("location", "/elsewhere")], body)
        };
        let routes = Router::new().fallback(answer).with_state(served.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address, served }
    }

    pub fn url(&self) -> String {
        format!("http://{}/jwks.json", self.address)
    }

    pub fn serve(&self, status: u16, body: &str) {
        *self.served.answer.lock().unwrap() = (StatusCode::from_u16(status).unwrap(), body.to_owned());
    }

    pub fn fetches(&self) -> usize {
        self.served.fetches.load(Ordering::SeqCst)
    }

    /// Waits until it has been asked so often.
    pub async fn fetched(&self, times: usize) {
        while self.fetches() < times {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}
