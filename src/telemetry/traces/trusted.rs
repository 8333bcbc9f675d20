//! TLS towards the receiver: the certificates that are trusted, and the client's own, from the files that variables name.

use std::path::Path;

use crate::config::OtelVariables;
use crate::files;

/// The longest file, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// A variable, and what is wrong with it.
type Problem = (&'static str, String);

/// A variable, and the content of the file that it names.
type Named = (&'static str, Vec<u8>);

/// Whom TLS trusts, and the client certificate that it presents. The default is what the system trusts, and none.
#[derive(Clone, Debug, Default)]
pub(super) struct Trusted {
    certificates: Option<Vec<reqwest::Certificate>>,
    identity: Option<reqwest::Identity>,
}

impl Trusted {
    /// Reads the files.
    ///
    /// # Errors
    /// The variable, and what is wrong with it.
    pub(super) fn read(variables: &OtelVariables) -> Result<Self, Problem> {
        let certificate = find(variables, ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"])?;
        let certificates = match certificate {
            None => None,
            Some((name, pem)) => match reqwest::Certificate::from_pem_bundle(&pem) {
                Ok(certificates) if !certificates.is_empty() => Some(certificates),
                _ => return Err((name, "the file has no certificate in PEM".to_owned())),
            },
        };
        let own = ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"];
        let key = ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"];
        let identity = match (find(variables, own)?, find(variables, key)?) {
            (None, None) => None,
            (Some((name, certificate)), Some((_, key))) => {
                let identity = reqwest::Identity::from_pem(&[key, b"\n".to_vec(), certificate].concat());
                let cannot =
                    |_| (name, "the file and that of the key are no certificate and its key in PEM".to_owned());
                Some(identity.map_err(cannot)?)
            }
            (Some((name, _)), None) => return Err((name, format!("needs {} as well", key[1]))),
            (None, Some((name, _))) => return Err((name, format!("needs {} as well", own[1]))),
        };
        Ok(Self { certificates, identity })
    }

    /// A client that goes by it.
    pub(super) fn apply(self, mut client: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        if let Some(certificates) = self.certificates {
            client = client.tls_certs_only(certificates);
        }
        match self.identity {
            Some(identity) => client.identity(identity),
            None => client,
        }
    }
}

/// The file that the first of these variables names which is set. Paths are not shown: they may be what belongs into a file.
fn find(variables: &OtelVariables, names: [&'static str; 2]) -> Result<Option<Named>, Problem> {
    let Some((name, path)) = names.into_iter().find_map(|name| Some((name, variables.get(name)?))) else {
        return Ok(None);
    };
    let content = files::read(Path::new(path), FILE_LIMIT).map_err(|problem| (name, format!("its file: {problem}")))?;
    Ok(Some((name, content)))
}
