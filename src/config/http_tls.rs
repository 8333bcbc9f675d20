//! The section `http.tls`: TLS on the GraphQL listener, and the authorities of client certificates.

use std::path::PathBuf;
use std::time::Duration;

section! {
    /// TLS on the GraphQL listener, where a certificate is given. The files are read again when their content has changed; open
    /// connections stay.
    pub struct HttpTlsConfig in "http.tls" {
        /// The PEM file of the certificate, followed by those of its issuers up to the root.
        pub certificate_file: Option<PathBuf> = None,
        /// The PEM file of its private key (PKCS#8, PKCS#1 or SEC1), not encrypted.
        pub key_file: Option<PathBuf> = None,
        /// The oldest version of TLS that clients may speak.
        pub min_version: TlsVersion = TlsVersion::V12,
        /// The time in which a client must finish the handshake.
        pub handshake_timeout: Duration = Duration::from_secs(10),
        /// The PEM file of the authorities whose client certificates are accepted. In mode `mtls` a request without a certificate
        /// is refused; in the other modes every connection must show one, besides what its requests carry.
        pub client_ca_file: Option<PathBuf> = None,
    }
}

names! {
    /// A version of TLS.
    pub enum TlsVersion {
        /// TLS 1.2 (RFC 5246).
        V12 = "1.2",
        /// TLS 1.3 (RFC 8446).
        V13 = "1.3",
    }
}
