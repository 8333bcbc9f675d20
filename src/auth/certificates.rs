//! Mode `mtls`: a connection shows a client certificate that an authority of the operator's has signed; the certificates file says
//! which caller it is, with which accounts and scopes.
//!
//! An entry names one certificate by its fingerprint, or all with one subject alternative name. A fingerprint goes before a name.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use axum::http::request::Parts;
use serde::Deserialize;

use super::Secret;
use super::accounts::{AllowedAccounts, WrittenAccount};
use super::admitted::Admitted;
use super::api_keys::is_name;
use super::client_certificate::ClientCertificate;
use super::error::AuthError;
use super::reloading_file::{ReloadingFile, Unusable};
use super::scopes;
use super::server_credential::ServerCredential;
use super::written_limits::WrittenLimits;
use crate::model::{Caller, CallerId, CallerLimits, Scopes};

/// The prefixes of subject alternative names.
const KINDS: [&str; 3] = ["dns:", "email:", "uri:"];
const FINGERPRINT_LENGTH: usize = 32;

pub(super) struct Certificates {
    known: ReloadingFile<KnownCertificates>,
    pub(super) held: ServerCredential,
}

#[derive(Default)]
struct KnownCertificates {
    by_fingerprint: HashMap<[u8; FINGERPRINT_LENGTH], CertificateCaller>,
    by_name: HashMap<String, CertificateCaller>,
}

#[derive(Clone)]
struct CertificateCaller {
    id: CallerId,
    scopes: Scopes,
    accounts: AllowedAccounts,
    limits: CallerLimits,
}

impl Certificates {
    pub(super) fn open(file: &Path, credential: Secret) -> Result<Self, Unusable> {
        let known = ReloadingFile::open("auth.certificates_file", file, read)?;
        Ok(Self { known, held: ServerCredential::new(credential) })
    }

    pub(super) fn admit(&self, parts: &Parts) -> Result<Admitted, AuthError> {
        let shown = parts.extensions.get::<Arc<ClientCertificate>>();
        let shown = shown.ok_or(AuthError::NoCertificate("connect with a client certificate"))?;
        let known = self.known.get();
        let by_name = || shown.names.iter().find_map(|name| known.by_name.get(name));
        let entry = known.by_fingerprint.get(&shown.fingerprint).or_else(by_name);
        let entry = entry.ok_or(AuthError::NoCertificate("the client certificate is not known here"))?;
        let caller = Caller { id: entry.id.clone(), credential: self.held.credential(), scopes: entry.scopes };
        Ok(Admitted { caller, accounts: entry.accounts.clone(), limits: entry.limits })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificatesFile {
    #[serde(default)]
    certificate: Vec<WrittenCertificate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCertificate {
    name: String,
    fingerprint: Option<String>,
    san: Option<String>,
    scopes: Vec<String>,
    accounts: Option<Vec<WrittenAccount>>,
    rate_limit: Option<u32>,
    rate_burst: Option<u32>,
    concurrency: Option<u32>,
}

fn read(text: &str) -> Result<KnownCertificates, String> {
    let file: CertificatesFile = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start].lines().count().max(1));
        format!(
            "line {line}: expected [[certificate]] tables with `name`, `fingerprint` or `san`, `scopes` and, if there are \
             any, `accounts`"
        )
    })?;
    let mut known = KnownCertificates::default();
    for (n, certificate) in (1..).zip(file.certificate) {
        let wrong = |what: &str| format!("certificate {n}: {what}");
        if !is_name(&certificate.name) {
            return Err(wrong("its name is not 1 to 40 lower-case letters, digits and dashes"));
        }
        let scopes = scopes::read(certificate.scopes.iter().map(String::as_str));
        let scopes =
            scopes.ok_or_else(|| wrong("its scopes are not team:read, team:contact:read or team:token:issue"))?;
        let accounts = match certificate.accounts {
            None => AllowedAccounts::Default,
            Some(list) => WrittenAccount::read_all(&list)
                .ok_or_else(|| wrong("its accounts are not a list of e-mail addresses and user types"))?,
        };
        let limits = WrittenLimits::new(certificate.rate_limit, certificate.rate_burst, certificate.concurrency).read();
        let limits = limits
            .ok_or_else(|| wrong("its limits are not whole numbers from 1 to 1000000 (rate_limit: 0 = unlimited)"))?;
        let entry = CertificateCaller { id: CallerId::Certificate(certificate.name.into()), scopes, accounts, limits };
        let former = match (certificate.fingerprint, certificate.san) {
            (Some(fingerprint), None) => {
                let fingerprint = self::fingerprint(&fingerprint).ok_or_else(|| {
                    wrong("its fingerprint is not the SHA-256 of a certificate in hexadecimal digits")
                })?;
                known.by_fingerprint.insert(fingerprint, entry)
            }
            (None, Some(name)) => {
                let name =
                    self::name(&name).ok_or_else(|| wrong("its san does not begin with dns:, email: or uri:"))?;
                known.by_name.insert(name, entry)
            }
            _ => return Err(wrong("it has not one of `fingerprint` and `san`")),
        };
        if former.is_some() {
            return Err(wrong("an earlier one has the same fingerprint or san"));
        }
    }
    Ok(known)
}

/// 64 hexadecimal digits, with colons or without, as `openssl x509 -fingerprint -sha256` prints them.
fn fingerprint(text: &str) -> Option<[u8; FINGERPRINT_LENGTH]> {
    let text = text.strip_prefix("sha256:").unwrap_or(text);
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let bytes = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(value(*high)? << 4 | value(*low)?),
        _ => None,
    });
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

fn name(text: &str) -> Option<String> {
    let kind = KINDS.into_iter().find(|kind| text.starts_with(kind) && text.len() > kind.len())?;
    Some(if kind == "dns:" { text.to_ascii_lowercase() } else { text.to_owned() })
}
