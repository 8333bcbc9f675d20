//! Mode `mtls`: a client certificate is the caller, by its fingerprint or a name in it, with the accounts and scopes of its entry.

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::support::{Answer, Authority, CertificateFiles, Issued, Socket, TempFile, TestApp, account};

struct World {
    app: TestApp,
    authority: Authority,
    entries: TempFile,
    _files: CertificateFiles,
    _authorities: TempFile,
}

impl World {
    async fn new(authority: Authority, entries: &str, pairs: &[(&str, &str)]) -> Self {
        let files = authority.issue(&["127.0.0.1"]).files();
        let authorities = TempFile::new("authorities.pem", &authority.pem());
        let entries = TempFile::new("certificates.toml", entries);
        let own = [
            ("auth.mode", "mtls"),
            ("auth.certificates_file", entries.as_str()),
            ("http.tls.client_ca_file", authorities.as_str()),
        ];
        let pairs: Vec<_> = files.settings().into_iter().chain(own).chain(pairs.iter().copied()).collect();
        Self { app: TestApp::with(&pairs).await, authority, entries, _files: files, _authorities: authorities }
    }

    async fn ask(&self, client: &reqwest::Client, query: &str) -> Result<Answer, reqwest::Error> {
        let url = format!("https://{}/graphql", self.app.app.address());
        let body = json!({ "query": query }).to_string();
        let response = client.post(url).header("content-type", "application/json").body(body).send().await?;
        Ok(Answer::read(response).await)
    }

    async fn ask_as(&self, shown: Option<&Issued>, query: &str) -> Answer {
        self.ask(&self.authority.client(shown), query).await.unwrap()
    }
}

fn entry(name: &str, how: &str, rest: &str) -> String {
    format!("[[certificate]]\nname = \"{name}\"\n{how}\nscopes = [\"team:read\"]\n{rest}\n")
}

const QUERY: &str = "{ teamMembers { totalCount } }";

#[tokio::test]
async fn fingerprints_and_names_open_their_accounts() {
    let authority = Authority::new();
    let [by_fingerprint, by_dns] = [authority.issue(&["x.example"]), authority.issue(&["Billing.Example"])];
    let by_uri = authority.issue_uri("spiffe://flowmatix.example/reports");
    let unlisted = authority.issue(&["unlisted.example"]);
    let accounts = "accounts = [{ email = \"it@harbor-lane.example\", type = \"CUSTOMER\" }]";
    let second = flowmatix_graphql::demo::ACCOUNTS[1];
    let accounts = accounts
        .replace("it@harbor-lane.example", second.email)
        .replace("type = \"CUSTOMER\"", &format!("type = \"{}\"", second.user_type));
    let entries = [
        entry("one", &format!("fingerprint = \"{}\"", by_fingerprint.fingerprint()), ""),
        entry("billing", "san = \"dns:billing.example\"", &accounts),
        entry("reports", "san = \"uri:spiffe://flowmatix.example/reports\"", ""),
    ]
    .concat();
    let world = World::new(authority, &entries, &[]).await;
    for shown in [&by_fingerprint, &by_uri] {
        assert_eq!(world.ask_as(Some(shown), QUERY).await.clean()["teamMembers"]["totalCount"], 12);
    }
    let named = format!("{{ teamMembers({}) {{ totalCount }} }}", account(1));
    assert_eq!(world.ask_as(Some(&by_dns), &named).await.clean()["teamMembers"]["totalCount"], second.members);
    let other = format!("{{ teamMembers({}) {{ totalCount }} }}", account(0));
    assert_eq!(world.ask_as(Some(&by_dns), &other).await.codes(), ["FORBIDDEN"]);
    let contact = "{ teamMembers(first: 1) { nodes { contact { email } } } }";
    assert!(!world.ask_as(Some(&by_fingerprint), contact).await.codes().is_empty());
    let calls = world.app.demo.calls();
    for shown in [None, Some(&unlisted)] {
        let answer = world.ask_as(shown, QUERY).await;
        assert_eq!((answer.status, answer.codes()), (401, vec!["UNAUTHENTICATED"]));
    }
    assert_eq!(world.app.demo.calls(), calls);
    assert!(world.app.demo.log().iter().all(|call| call.token.as_deref() == Some("demo-agency-token")));
}

#[tokio::test]
async fn a_certificate_of_another_authority_gets_no_connection() {
    let (authority, other) = (Authority::new(), Authority::new());
    let forged = other.issue(&["billing.example"]);
    let world = World::new(authority, &entry("billing", "san = \"dns:billing.example\"", ""), &[]).await;
    assert!(world.ask(&world.authority.client(Some(&forged)), QUERY).await.is_err());
    assert_eq!(world.app.demo.calls(), 0);
}

#[tokio::test]
async fn an_entry_that_is_taken_away_ends_open_connections_rights() {
    let authority = Authority::new();
    let shown = authority.issue(&["billing.example"]);
    let known = entry("billing", "san = \"dns:billing.example\"", "");
    let pairs = [("live.recheck_interval", "100ms"), ("live.interval", "1s"), ("live.interval_floor", "100ms")];
    let world = World::new(authority, &known, &pairs).await;
    let client = world.authority.client(Some(&shown));
    world.ask(&client, QUERY).await.unwrap().clean();
    let address = world.app.app.address();
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = world.authority.usual_connector(Some(&shown));
    let stream = connector.connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await.unwrap();
    let mut socket = Socket::open_over(Box::new(stream), address, &[]).await;
    socket.initialise(json!({})).await;
    socket.subscribe("a", "subscription { team { stale } }").await;
    assert_eq!(socket.message().await["type"], Value::from("next"));
    for broken in ["[[certificate]]", "name = 1", &entry("b", "san = \"billing.example\"", "")] {
        world.entries.replace(broken);
        world.ask(&client, QUERY).await.unwrap().clean();
    }
    world.entries.replace(&entry("billing", "san = \"dns:other.example\"", ""));
    assert_eq!(world.ask(&client, QUERY).await.unwrap().codes(), ["UNAUTHENTICATED"]);
    let (code, _) = socket.closed().await;
    assert!(code == 4401 || code == 4403, "{code}");
}

#[tokio::test]
async fn in_other_modes_a_connection_must_show_a_certificate_besides() {
    let authority = Authority::new();
    let files = authority.issue(&["127.0.0.1"]).files();
    let authorities = TempFile::new("authorities.pem", &authority.pem());
    let [certificate, key] = files.settings();
    let app = TestApp::with(&[certificate, key, ("http.tls.client_ca_file", authorities.as_str())]).await;
    let ask = async |shown: Option<&Issued>| {
        let request = authority.client(shown).post(format!("https://{}/graphql", app.app.address()));
        let body = json!({ "query": QUERY }).to_string();
        request
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .map(|answer| answer.status().as_u16())
    };
    assert_eq!(ask(Some(&authority.issue(&["anybody.example"]))).await.unwrap(), 200);
    assert!(ask(None).await.is_err());
}
