//! An authority that signs certificates of servers and clients, and files of them.

use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use super::TempFile;

pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, both as PEM.
pub struct Issued {
    pub certificate: String,
    pub key: String,
    pub der: Vec<u8>,
}

/// A certificate and its key in files.
pub struct CertificateFiles {
    pub certificate: TempFile,
    pub key: TempFile,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate with these names, of hosts or addresses.
    pub fn issue(&self, names: &[&str]) -> Issued {
        self.sign(CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap())
    }

    /// A certificate with this URI.
    pub fn issue_uri(&self, uri: &str) -> Issued {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
        self.sign(params)
    }

    /// One for this machine's own address, that expired long ago.
    pub fn issue_expired(&self) -> Issued {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Issued {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() }
    }

    /// A client over HTTP/1.1 that trusts this authority alone, and shows this certificate.
    pub fn client(&self, shown: Option<&Issued>) -> reqwest::Client {
        let trusted = reqwest::Certificate::from_pem(self.pem().as_bytes()).unwrap();
        let mut client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]);
        if let Some(shown) = shown {
            let identity = format!("{}{}", shown.certificate, shown.key);
            client = client.identity(reqwest::Identity::from_pem(identity.as_bytes()).unwrap());
        }
        client.build().unwrap()
    }

    /// A client that connects anew for each request.
    pub fn forgetful_client(&self) -> reqwest::Client {
        let trusted = reqwest::Certificate::from_pem(self.pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]);
        client.pool_max_idle_per_host(0).build().unwrap()
    }

    /// What trusts this authority alone.
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        roots
    }

    /// The client's side of TLS, with these versions and protocols.
    pub fn connector(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&[u8]],
        shown: Option<&Issued>,
    ) -> TlsConnector {
        let config = ClientConfig::builder_with_protocol_versions(versions).with_root_certificates(self.roots());
        let mut config = match shown {
            None => config.with_no_client_auth(),
            Some(shown) => {
                let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).unwrap();
                config.with_client_auth_cert(vec![CertificateDer::from(shown.der.clone())], key).unwrap()
            }
        };
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }

    /// The same with what clients usually have.
    pub fn usual_connector(&self, shown: Option<&Issued>) -> TlsConnector {
        self.connector(&[&TLS12, &TLS13], &[], shown)
    }
}

impl Issued {
    pub fn files(&self) -> CertificateFiles {
        let certificate = TempFile::new("certificate.pem", &self.certificate);
        CertificateFiles { certificate, key: TempFile::new("key.pem", &self.key) }
    }

    /// As `openssl x509 -fingerprint -sha256` prints it.
    pub fn fingerprint(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.der);
        digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }
}

impl CertificateFiles {
    pub fn settings(&self) -> [(&str, &str); 2] {
        [("http.tls.certificate_file", self.certificate.as_str()), ("http.tls.key_file", self.key.as_str())]
    }
}
