//! The callers of the demo: the tokens, API keys or JWTs with which its accounts can be read, made for this run.

use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::auth::NewKey;
use crate::config::{AuthMode, Config};
use crate::demo::{ACCOUNTS, AGENCY_TOKEN, DemoAccount};
use crate::model::{Clock, Scopes};

const ISSUER: &str = "https://login.example/";
const AUDIENCE: &str = "flowmatix-graphql";
const KEY_ID: &str = "demo";
/// How long a token of the demo is good, in seconds, where no shorter time is configured.
const LIFETIME: u64 = 12 * 3600;

/// The credentials that open the sample's accounts.
pub(super) struct DemoCallers {
    /// The credential of each account, in order, and the one for all of them.
    pub(super) tokens: Vec<String>,
    pub(super) all: String,
    /// Where the keys are, for as long as the demo runs.
    _folder: Option<Folder>,
}

impl DemoCallers {
    /// The callers of this mode. Settings that are missing are set; files that are configured are left alone, and nothing is
    /// known of what they let in.
    pub(super) fn make(config: &mut Config, mode: AuthMode) -> Result<Option<Self>> {
        let own_keys = config.auth.keys_file.is_some();
        let own_issuer = config.is_given("jwt.jwks_url") || config.is_given("jwt.jwks_file");
        Ok(match mode {
            AuthMode::Passthrough => Some(Self {
                tokens: ACCOUNTS.iter().map(|account| account.token.to_owned()).collect(),
                all: AGENCY_TOKEN.to_owned(),
                _folder: None,
            }),
            AuthMode::ApiKeys if !own_keys => Some(Self::keys(config)?),
            AuthMode::Jwt if !own_issuer => Some(Self::issuer(config)?),
            AuthMode::ApiKeys | AuthMode::Jwt | AuthMode::Mtls | AuthMode::Server => None,
        })
    }

    /// An API key for each account, and one for all.
    fn keys(config: &mut Config) -> Result<Self> {
        let every: Vec<String> = ACCOUNTS.iter().map(written).collect();
        let key = |name: &str, accounts: &[String]| NewKey::make(name, accounts, Scopes::ALL);
        let made: Vec<NewKey> = (1..)
            .zip(&every)
            .map(|(n, account)| key(&format!("demo-{n}"), std::slice::from_ref(account)))
            .collect::<Result<_, _>>()?;
        let all = key("demo-all", &every)?;
        let folder = Folder::make()?;
        let entries: String = made.iter().chain([&all]).map(|key| key.entry.as_str()).collect();
        config.auth.keys_file = Some(folder.write("keys.toml", &entries)?);
        let shown = |key: &NewKey| key.key.expose_secret().to_owned();
        Ok(Self { tokens: made.iter().map(shown).collect(), all: shown(&all), _folder: Some(folder) })
    }

    /// A token issuer with one key, and a JWT for each account and for all.
    fn issuer(config: &mut Config) -> Result<Self> {
        let made = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let pair = made.map_err(|_| anyhow!("a key for the demo's tokens could not be made"))?;
        // An uncompressed point: a byte that says so, then both coordinates.
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let key = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY_ID, "x": encode(x), "y": encode(y) });
        let folder = Folder::make()?;
        let jwt = &mut config.jwt;
        jwt.jwks_file = Some(folder.write("jwks.json", &json!({ "keys": [key] }).to_string())?);
        let issuer = jwt.issuer.get_or_insert_with(|| ISSUER.to_owned()).clone();
        let audience = jwt.audience.get_or_insert_with(|| AUDIENCE.to_owned()).clone();
        let now = Clock::since_epoch().as_secs();
        let end = now + LIFETIME.min(jwt.lifetime_limit.as_secs());
        let token = |subject: &str, accounts: &[DemoAccount]| {
            let accounts: Vec<_> =
                accounts.iter().map(|account| json!({ "email": account.email, "type": account.user_type })).collect();
            let mut claims = json!({ "iss": issuer, "aud": audience, "sub": subject, "exp": end });
            claims[&jwt.scope_claim] = "team:read team:contact:read".into();
            claims[&jwt.account_claim] = accounts.into();
            let header = json!({ "alg": "ES256", "typ": "JWT", "kid": KEY_ID });
            let message =
                format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
            let signature = pair.sign(&SystemRandom::new(), message.as_bytes());
            let signature = signature.map_err(|_| anyhow!("a token of the demo could not be signed"))?;
            Ok(format!("{message}.{}", encode(signature.as_ref())))
        };
        let tokens = ACCOUNTS.iter().map(|account| token(account.email, &[*account])).collect::<Result<_>>()?;
        let all = token("everybody", &ACCOUNTS)?;
        Ok(Self { tokens, all, _folder: Some(folder) })
    }
}

fn written(account: &DemoAccount) -> String {
    format!("{}:{}", account.user_type, account.email)
}

/// A folder that only its owner may read, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("flowmatix-demo-{}", std::process::id()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        let cannot =
            || format!("the demo keeps its keys in {}; set TMPDIR to a folder that can be written", path.display());
        made.with_context(cannot)?;
        Ok(Self(path))
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let written = file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
        written.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let folder: &Path = &self.0;
        let _ = std::fs::remove_dir_all(folder);
    }
}
