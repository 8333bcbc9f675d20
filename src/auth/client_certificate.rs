//! A client's certificate: what in it says who the caller is. It was verified when the connection was made; here it is read.

use aws_lc_rs::digest::{SHA256, digest};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// The client certificate of a connection, among the extensions of its requests.
#[derive(Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The SHA-256 of the whole certificate.
    pub(super) fingerprint: [u8; 32],
    /// The subject alternative names, as `dns:…`, `email:…` or `uri:…`.
    pub(super) names: Vec<String>,
}

impl ClientCertificate {
    /// Reads a certificate in DER; `None` when it is none.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let names = certificate.subject_alternative_name().ok()?;
        let names = names.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest(&SHA256, der).as_ref());
        Some(Self { fingerprint, names: names.iter().filter_map(written).collect() })
    }
}

/// A name as the certificates file has it. Host names do not depend on case (RFC 4343).
fn written(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(format!("dns:{}", name.to_ascii_lowercase())),
        GeneralName::RFC822Name(name) => Some(format!("email:{name}")),
        GeneralName::URI(name) => Some(format!("uri:{name}")),
        _ => None,
    }
}
