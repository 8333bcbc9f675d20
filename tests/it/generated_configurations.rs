//! Generated configurations: `check` and `serve` say the same of each, and what starts serves somebody.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use flowmatix_graphql::app::{App, verify};
use flowmatix_graphql::config::{Config, Flag, Profile, Setting, Sources};
use flowmatix_graphql::demo::Demo;

use crate::support::service::run;
use crate::support::{TempFile, demo_settings};

/// How many combinations are tried besides every single value; the suite tries a fifth of both. `CONFIGURATIONS=all` tries all.
const COMBINATIONS: usize = 300;
const PART: usize = 5;
const SECRET: &str = "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.not-to-be-shown";

/// Places that a path can name.
struct Places {
    token: TempFile,
    garbage: TempFile,
    audit: TempFile,
    fifo: TempFile,
}

impl Places {
    fn new() -> Self {
        let fifo = TempFile::new("fifo", "");
        std::fs::remove_file(fifo.path()).unwrap();
        assert!(Command::new("mkfifo").arg(fifo.path()).status().unwrap().success());
        let audit = TempFile::new("audit", "");
        Self {
            audit,
            token: TempFile::new("token", "demo-agency-token"),
            garbage: TempFile::new("garbage", "}\u{1}{"),
            fifo,
        }
    }

    fn all(&self) -> Vec<String> {
        let files = [&self.token, &self.garbage, &self.fifo].map(|file| file.as_str().to_owned());
        files.into_iter().chain(["/no/such/file".into(), std::env::temp_dir().display().to_string()]).collect()
    }
}

/// Values worth trying, by what the setting says that it takes.
fn candidates(setting: &Setting, places: &Places) -> Vec<String> {
    let shape = setting.shape.trim_start_matches("a list of ");
    let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let mut values = match shape {
        "a whole number" => texts(&["0", "1", "3", "64", "1000000000", "18446744073709551615", "-1", "1.5"]),
        "a number" => texts(&["0", "0.5", "1", "2", "-1", "NaN", "inf", "1e300"]),
        "a path" => places.all(),
        "text" => texts(&["x", "a b", "/", "/a?b", "a@b.example", "trace", "https://x.example", SECRET, "\u{e9}\n"]),
        _ if shape.starts_with("a duration") => {
            texts(&["0s", "1ns", "700ms", "4s", "1h", "366days", "367days", "500000000years"])
        }
        _ if shape.starts_with("a size") => {
            texts(&["0B", "1B", "64B", "1KiB", "1MiB", "1GiB", "1TiB", "2TiB", "16EiB"])
        }
        _ if shape.starts_with("an address and port") => {
            texts(&["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "192.0.2.1:0", "127.0.0.1:99999"])
        }
        _ if shape.starts_with("an address, or a network") => texts(&["10.0.0.0/8", "::1", "10.0.0.0/99"]),
        _ if shape.contains("URL") => {
            texts(&["http://127.0.0.1:1", "https://x.example/a", "http://", "https://u@x.example", "ftp://x"])
        }
        // The audit log would be appended to the token.
        _ if shape.contains("a file's path") => {
            let [audit, fifo] = [&places.audit, &places.fifo].map(|file| file.as_str().to_owned());
            vec!["stderr".into(), "/no/such/file".into(), audit, fifo, std::env::temp_dir().display().to_string()]
        }
        // Names.
        _ => shape.split(" or ").map(|name| name.trim_matches('`').to_owned()).chain(["nonsense".into()]).collect(),
    };
    values.push(String::new());
    values
}

/// A configuration that works, with these settings laid over it.
fn sources(upstream: &str, places: &Places, pairs: &[(String, String)]) -> Sources {
    let base = [
        ("http.listen", "127.0.0.1:0"),
        ("admin.listen", "127.0.0.1:0"),
        ("auth.mode", "server"),
        ("auth.credential_file", places.token.as_str()),
        ("upstream.url", upstream),
        ("upstream.allow_http", "true"),
        // What other settings of the section are of no use without.
        ("cache_tags.secret_file", places.token.as_str()),
        ("cache_tags.webhook_secret_file", places.token.as_str()),
        ("cache_tags.webhook_hosts", "127.0.0.1,x.example"),
    ];
    let base = base.map(|(path, value)| (path.to_owned(), value.to_owned()));
    let flags = base.iter().chain(pairs).map(|(path, value)| Flag {
        flag: "--set".into(),
        path: path.clone(),
        value: value.clone(),
    });
    Sources { flags: flags.collect(), ..Sources::default() }
}

/// What is wrong with the behaviour under this configuration, and whether it started.
async fn judge(sources: &Sources) -> Result<bool, String> {
    let config = match Config::load(Profile::Serve, sources) {
        Ok(config) => config,
        // The same code for both commands.
        Err(problems) => return no_secret(&problems.to_string()).map(|()| false),
    };
    let checked = verify(&config).await;
    let started = App::start(&config, None).await;
    match (checked, started) {
        (Ok(()), Ok(app)) => {
            let served = serves(&app, &config).await;
            stop(app).await;
            served.map(|()| true)
        }
        (Err(checked), Err(started)) => {
            let (checked, started) = (format!("{checked:#}"), format!("{started:#}"));
            no_secret(&checked)?;
            // Of what `serve` comes to later it names the first alone.
            let same = started.lines().all(|line| checked.contains(line));
            if same { Ok(false) } else { Err(format!("check: {checked}\nserve: {started}")) }
        }
        (Ok(()), Err(started)) => Err(format!("only serve refuses: {started:#}")),
        (Err(checked), Ok(app)) => {
            stop(app).await;
            Err(format!("only check refuses: {checked:#}"))
        }
    }
}

/// Some are configured to take long for it.
async fn stop(app: App) {
    let _ = tokio::time::timeout(Duration::from_millis(200), app.stop()).await;
}

fn no_secret(text: &str) -> Result<(), String> {
    if text.contains(SECRET) { Err(format!("it shows the secret: {text}")) } else { Ok(()) }
}

/// What started answers the smallest query, or says by a code why this caller gets nothing.
async fn serves(app: &App, config: &Config) -> Result<(), String> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
    let mut address = app.address();
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let request = client.post(format!("http://{address}/graphql")).header("content-type", "application/json");
    let answer = request.bearer_auth("a-token").body(r#"{"query":"{ __typename }"}"#).send().await;
    let text = answer.map_err(|error| error.to_string())?.text().await.map_err(|error| error.to_string())?;
    let excused = config.documents.safelist != flowmatix_graphql::config::Safelist::Off;
    let served = text.contains(r#""__typename":"Query""#) || (excused && text.contains("QUERY_NOT_IN_SAFELIST"));
    if served { Ok(()) } else { Err(format!("it serves nobody: {text}")) }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_and_serve_agree_and_what_starts_serves_somebody() {
    let demo = Demo::start(&demo_settings()).unwrap();
    let (url, places) = (demo.url(), Places::new());
    let settings = Config::defaults(Profile::Serve).settings();
    let choices: Vec<(String, String)> = settings
        .iter()
        .flat_map(|setting| {
            candidates(setting, &places).into_iter().map(|value| (setting.path.clone(), value)).collect::<Vec<_>>()
        })
        .collect();
    let mut cases: Vec<Vec<(String, String)>> = choices.iter().map(|choice| vec![choice.clone()]).collect();
    let mut random = fastrand::Rng::with_seed(21);
    for _ in 0..COMBINATIONS {
        cases.push((0..random.usize(2..=4)).map(|_| choices[random.usize(..choices.len())].clone()).collect());
    }
    if std::env::var_os("CONFIGURATIONS").is_none() {
        random.shuffle(&mut cases);
        cases.truncate(cases.len() / PART);
    }
    let (mut started, mut wrong) = (0, Vec::new());
    for case in &cases {
        match judge(&sources(&url, &places, case)).await {
            Ok(did) => started += usize::from(did),
            Err(problem) => wrong.push(format!("{case:?}: {problem}")),
        }
    }
    println!("{} configurations, {started} of them started", cases.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(started > cases.len() / 5 && started < cases.len());
}

/// The commands themselves, which parse flags and start the log besides.
#[test]
fn the_commands_refuse_with_the_same_words_and_show_no_secret() {
    let places = Places::new();
    let token = places.token.as_str();
    let cases: Vec<Vec<String>> = vec![
        vec![],
        vec!["auth.credential_env=".to_owned() + SECRET],
        vec!["auth.credential_env=NO_SUCH_VARIABLE_0123456789abcdef".into()],
        vec!["auth.credential_file=".to_owned() + SECRET],
        vec![format!("auth.credential_file={}", places.fifo.as_str())],
        vec![format!("auth.credential_file={token}"), "log.level=verbose".into()],
        vec![
            format!("auth.credential_file={token}"),
            "http.listen=127.0.0.1:1234".into(),
            "admin.listen=0.0.0.0:1234".into(),
        ],
        vec![format!("auth.credential_file={token}"), "account.email=nobody".into(), "account.type=AGENT".into()],
        vec![format!("auth.credential_file={token}"), format!("upstream.ca_file={}", places.garbage.as_str())],
        vec![format!("auth.credential_file={token}"), format!("documents.manifest={}", places.fifo.as_str())],
        vec![format!("auth.credential_file={token}"), format!("budget.file={}", std::env::temp_dir().display())],
        vec![SECRET.to_owned()],
    ];
    for case in cases {
        let said = ["check", "serve"].map(|command| {
            let mut arguments = vec![command, "--auth-mode", "server"];
            arguments.extend(case.iter().flat_map(|setting| ["--set", setting.as_str()]));
            let output = run(&arguments, &[]);
            assert!(!output.status.success(), "{arguments:?}");
            String::from_utf8(output.stderr).unwrap()
        });
        assert_eq!(said[0], said[1], "{case:?}");
        assert!(!said[0].contains(SECRET) && !said[0].contains("0123456789abcdef"), "{}", said[0]);
    }
}

/// A file that every user can write is used, with a warning.
#[test]
fn a_secret_that_everybody_can_write_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let token = TempFile::new("open", "demo-agency-token");
    let check = |path: &Path| {
        let file = format!("auth.credential_file={}", path.display());
        let output = run(&["check", "--auth-mode", "server", "--set", &file], &[]);
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    std::fs::set_permissions(token.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(check(token.path()), "");
    std::fs::set_permissions(token.path(), std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(check(token.path()), "warning: auth.credential_file: every user of this machine can write the file\n");
}
