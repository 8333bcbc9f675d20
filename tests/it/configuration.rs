//! Configuration: layers, and every mistake named at once.

use std::time::Duration;

use flowmatix_graphql::config::{Config, Flag, Profile, Sources};

use crate::support::TempFile;

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn flags(pairs: &[(&str, &str)]) -> Vec<Flag> {
    let flag =
        |(path, value): &(&str, &str)| Flag { flag: "--set".into(), path: (*path).into(), value: (*value).into() };
    pairs.iter().map(flag).collect()
}

fn problems(sources: &Sources) -> String {
    let text = Config::load(Profile::Demo, sources).unwrap_err().to_string();
    sources.file.iter().fold(text, |text, path| text.replace(&path.display().to_string(), "the.toml"))
}

#[test]
fn later_layers_win() {
    let file =
        TempFile::new("layers", "[roster]\nfresh_for = \"10s\"\nstale_for = \"10m\"\n[upstream]\nconcurrency = 3\n");
    let sources = Sources {
        file: Some(file.path().to_owned()),
        environment: environment(&[
            ("FLOWMATIX_ROSTER_FRESH_FOR", "20s"),
            ("FLOWMATIX_UPSTREAM_CONCURRENCY", "4"),
            ("HOME", "x"),
        ]),
        flags: flags(&[("roster.fresh_for", "30s")]),
        regular_file_only: false,
    };
    let config = Config::load(Profile::Demo, &sources).unwrap();
    assert_eq!(config.roster.fresh_for, Duration::from_secs(30));
    assert_eq!(config.upstream.concurrency, 4);
    assert_eq!(config.roster.stale_for, Duration::from_secs(600));
    assert_eq!(config.upstream.timeout, Duration::from_secs(3));
}

#[test]
fn every_mistake_is_named_at_once() {
    let file = TempFile::new(
        "mistakes",
        "colour = 1\n[roster]\nfresh_for = 60\nfresh_forr = \"60s\"\nstore = \"maybe\"\n[upstream]\nurl = \"ftp://x\"\nca_file = [[1]]\n\
         [account]\nsources = [\"argument\", \"cookie\"]\ntype = \"BOSS\"\n",
    );
    let sources = Sources {
        file: Some(file.path().to_owned()),
        environment: environment(&[("FLOWMATIX_UPSTREAM_TIMOUT", "1s"), ("FLOWMATIX_HTTP_LISTEN", "localhost")]),
        flags: flags(&[("graphql.page_max", "lots"), ("log.levle", "info"), ("nonsense", "1")]),
        regular_file_only: false,
    };
    insta::assert_snapshot!(problems(&sources), @r"
    the configuration is not usable:
      the.toml: account.sources: expected `argument` or `headers` or `default`
      the.toml: account.type: expected `AGENT` or `CUSTOM_USER` or `CUSTOMER`
      the.toml: colour: no such setting
      the.toml: roster.fresh_for: needs a unit, for example `60s`
      the.toml: roster.fresh_forr: no such setting; did you mean roster.fresh_for?
      the.toml: roster.store: expected `true` or `false`
      the.toml: upstream.ca_file: expected a path, not a list
      the.toml: upstream.url: expected an http or https URL without user name and query
      FLOWMATIX_HTTP_LISTEN: http.listen: expected an address and port such as `127.0.0.1:8080` or `[::1]:8080`
      --set: graphql.page_max: expected a whole number
      --set: log.levle: no such setting; did you mean log.level?
      --set: nonsense: no such setting
      FLOWMATIX_UPSTREAM_TIMOUT: no such setting; did you mean FLOWMATIX_UPSTREAM_TIMEOUT?
    ");
}

#[test]
fn a_file_that_is_no_toml_or_not_there_is_said_so() {
    let file = TempFile::new("broken", "[roster]\nfresh_for = \n");
    let sources = Sources { file: Some(file.path().to_owned()), ..Sources::default() };
    assert!(problems(&sources).contains("the.toml: line 2:"), "{}", problems(&sources));
    let sources = Sources { file: Some("/no/such/file.toml".into()), ..Sources::default() };
    assert!(problems(&sources).contains("cannot be read"));
}

#[test]
fn contradictions_are_named_beside_other_mistakes_but_not_of_the_same_setting() {
    let sources = Sources {
        flags: flags(&[("graphql.page_max", "many"), ("http.concurrency", "0"), ("http.timout", "1s")]),
        ..Sources::default()
    };
    insta::assert_snapshot!(Config::load(Profile::Serve, &sources).unwrap_err(), @r"
    the configuration is not usable:
      --set: graphql.page_max: expected a whole number
      --set: http.timout: no such setting; did you mean http.timeout?
      http.concurrency: expected at least 1
      auth.mode: must be chosen: `passthrough` (each request brings the Flowmatix access token as its bearer token), `api-keys` or `jwt` (each request brings one of these, and the server holds the token), `mtls` (each connection brings a client certificate, and the server holds the token), or `server` (the server holds the token and asks callers for nothing, on a loopback address)
    ");
}

#[test]
fn contradictions_are_found() {
    let cases = [
        (vec![("account.email", "a@b.example")], "account.email and account.type: set both or neither"),
        (vec![("graphql.page_default", "2000")], "graphql.page_default: expected 1 to graphql.page_max"),
        (vec![("upstream.attempt_timeout", "4s")], "each must fit into the next"),
        (vec![("upstream.timeout", "6s")], "each must fit into the next"),
        (vec![("upstream.url", "http://x.example"), ("upstream.allow_http", "false")], "upstream.url: expected https"),
        (vec![("loader.concurrency", "0")], "loader.concurrency: expected at least 1"),
        (vec![("demo.error_rate", "2")], "demo.error_rate: expected 0 to 1"),
        (vec![("upstream.path", "custom-user")], "upstream.path"),
        (vec![("http.csrf_protection", "false"), ("auth.mode", "server")], "http.csrf_protection"),
        (vec![("http.cors_origins", "*"), ("http.cors_credentials", "true")], "`*` stands alone"),
        (vec![("http.cors_origins", "*,https://a.example")], "`*` stands alone"),
        (vec![("http.cors_origins", "https://a.example/path")], "expected origins such as"),
        (vec![("http.allowed_hosts", "https://a.example")], "http.allowed_hosts: expected host names"),
        (vec![("http.timeout", "0s")], "http.timeout: expected at least 1ms"),
        (vec![("http.connections_limit", "0")], "http.connections_limit: expected at least 1"),
        (vec![("roster.stale_for", "400days")], "roster.stale_for: expected at most 366days"),
        (vec![("roster.store_limit", "16EiB")], "roster.store_limit: expected at most 1TiB"),
        (vec![("upstream.rows_limit", "18446744073709551615")], "upstream.rows_limit: expected at most 1000000000"),
        (vec![("log.level", "inof")], "log.level: expected a level"),
        (vec![("log.level", "info,=")], "log.level: expected a level"),
        (vec![("admin.listen", "0.0.0.0:8080")], "http.listen and admin.listen: expected two addresses"),
        (vec![("demo.listen", "127.0.0.1:8080")], "http.listen and demo.listen: expected two addresses"),
        (vec![("demo.listen", "[::]:8081")], "admin.listen and demo.listen: expected two addresses"),
    ];
    for (pairs, expected) in cases {
        let sources = Sources { flags: flags(&pairs), ..Sources::default() };
        assert!(problems(&sources).contains(expected), "{pairs:?}: {}", problems(&sources));
    }
}

#[test]
fn a_variable_that_holds_the_credential_is_no_setting() {
    let variables = [("FLOWMATIX_TOKEN", "secret")];
    let with = |flags| Sources { environment: environment(&variables), flags, ..Sources::default() };
    let refused = problems(&with(vec![]));
    assert!(refused.contains("FLOWMATIX_TOKEN: no such setting") && !refused.contains("secret"), "{refused}");
    let mut sources = with(vec![]);
    sources.environment.push(("FLOWMATIX_AUTH_CREDENTIAL_ENV".into(), "FLOWMATIX_TOKEN".into()));
    Config::load(Profile::Demo, &sources).unwrap();
    // Whichever source names it, and the router's secret likewise.
    for setting in ["auth.credential_env", "federation.secret_env"] {
        Config::load(Profile::Demo, &with(flags(&[(setting, "FLOWMATIX_TOKEN")]))).unwrap();
    }
}

#[test]
fn the_defaults_are_the_promised_ones() {
    let shown: Vec<String> = Config::defaults(Profile::Serve)
        .settings()
        .into_iter()
        .map(|setting| format!("{} = {}", setting.path, setting.value))
        .collect();
    for promised in [
        "upstream.url = https://api.v7.flowmatix.ai",
        "upstream.path = /custom-user",
        "upstream.timeout = 3s",
        "upstream.attempt_timeout = 2s",
        "upstream.connect_timeout = 1s",
        "upstream.body_limit = 40MiB",
        "upstream.rows_limit = 50000",
        "http.timeout = 5s",
        "http.body_limit = 1MiB",
        "roster.fresh_for = 1m",
        "roster.stale_for = 1h",
        "roster.store_limit = 256MiB",
        "graphql.page_default = 100",
        "graphql.page_max = 1000",
        "graphql.introspection = false",
        "auth.mode = ",
    ] {
        assert!(shown.iter().any(|line| line == promised), "{promised}");
    }
}

#[test]
fn what_is_shown_can_be_read_again() {
    let config = Config::defaults(Profile::Demo);
    let pairs: Vec<_> = config.settings().into_iter().map(|setting| (setting.path, setting.value)).collect();
    let pairs: Vec<_> = pairs.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect();
    let again = Config::load(Profile::Demo, &Sources { flags: flags(&pairs), ..Sources::default() }).unwrap();
    assert_eq!(again.settings(), config.settings());
}

/// Each mode wants what it cannot do without, and only a setting that says so serves people's data to everybody.
#[test]
fn a_caller_mode_that_is_not_complete_is_refused() {
    let held = ("auth.credential_env", "T");
    let jwt = [("auth.mode", "jwt"), held, ("jwt.issuer", "i"), ("jwt.audience", "a")];
    let with = |more: &[(&'static str, &'static str)]| [&jwt[..], more].concat();
    let keys = [("auth.mode", "api-keys"), held];
    let open = [("auth.mode", "server"), held, ("http.listen", "0.0.0.0:0")];
    type Case = (Vec<(&'static str, &'static str)>, Option<&'static str>);
    let cases: Vec<Case> = vec![
        (vec![("auth.mode", "api-keys")], Some("every mode but `passthrough` needs one of them")),
        (keys.to_vec(), Some("auth.keys_file: mode `api-keys` needs it")),
        ([&keys[..], &[("auth.keys_file", "k"), ("auth.credential_file", "f")]].concat(), Some("needs one of them")),
        ([&keys[..], &[("auth.keys_file", "k"), ("http.listen", "0.0.0.0:0")]].concat(), None),
        ([&keys[..], &[("auth.keys_file", "k"), ("http.csrf_protection", "false")]].concat(), None),
        (with(&[]), Some("jwt.jwks_url and jwt.jwks_file: mode `jwt` needs one of them")),
        (with(&[("jwt.jwks_url", "https://x.example"), ("jwt.jwks_file", "f")]), Some("needs one of them")),
        (with(&[("jwt.jwks_url", "http://x.example/jwks")]), Some("jwt.jwks_url: expected https")),
        (with(&[("jwt.jwks_url", "http://127.0.0.1.x.example/jwks")]), Some("jwt.jwks_url: expected https")),
        (with(&[("jwt.jwks_url", "http://127.0.0.1:9/jwks")]), None),
        (with(&[("jwt.jwks_url", "https://x.example/jwks")]), None),
        (with(&[("jwt.jwks_file", "f"), ("jwt.leeway", "10m")]), Some("jwt.leeway: expected at most 5m")),
        (with(&[("jwt.jwks_file", "f"), ("jwt.issuer", "")]), Some("jwt.issuer and jwt.audience")),
        (open.to_vec(), Some("auth.allow_anonymous = true lets everybody")),
        ([&open[..], &[("auth.allow_anonymous", "true")]].concat(), None),
        (vec![("auth.mode", "server"), held], None),
        (vec![("auth.mode", "passthrough"), ("http.listen", "0.0.0.0:0")], None),
    ];
    for (pairs, expected) in cases {
        let sources = Sources { flags: flags(&pairs), ..Sources::default() };
        match (Config::load(Profile::Serve, &sources), expected) {
            (Ok(_), None) => {}
            (Err(found), Some(expected)) => assert!(found.to_string().contains(expected), "{pairs:?}: {found}"),
            (found, expected) => panic!("{pairs:?}: {expected:?} {:?}", found.err()),
        }
    }
}

#[test]
fn a_renamed_setting_is_refused_with_its_new_name() {
    let file = TempFile::new("renamed", "[roster]\nfresh = \"10s\"\n");
    let sources = Sources {
        file: Some(file.path().to_owned()),
        environment: environment(&[("FLOWMATIX_BUDGET_PLAN", "1000")]),
        flags: flags(&[("http.wrong_tokens_limit", "3")]),
        regular_file_only: false,
    };
    insta::assert_snapshot!(problems(&sources), @r"
    the configuration is not usable:
      the.toml: roster.fresh: renamed to roster.fresh_for
      --set: http.wrong_tokens_limit: renamed to http.failed_auth_limit
      FLOWMATIX_BUDGET_PLAN: renamed to FLOWMATIX_BUDGET_CALLS_PER_HOUR
    ");
}

/// Who upgrades reads the changelog: each pair of names that the service knows is there.
#[test]
fn the_changelog_lists_every_setting_that_was_renamed() {
    let read = |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (code, changelog) = (read("src/config/renamed.rs"), read("CHANGELOG.md"));
    let pairs: Vec<_> = code.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.strip_suffix("\"),")).collect();
    assert!(pairs.len() >= 13, "{pairs:?}");
    for pair in pairs {
        let line = format!("  - `{}`\n", pair.replace("\", \"", "` → `"));
        assert!(changelog.contains(&line), "{line}");
    }
}

#[test]
fn the_rate_of_refusals_has_a_bound_that_their_queue_can_take() {
    let load = |rate: &str| {
        let flags = flags(&[("http.failed_auth_rate", rate)]);
        Config::load(Profile::Demo, &Sources { flags, ..Sources::default() })
    };
    assert!(load("0").is_ok() && load("10000").is_ok());
    let refused = load("10001").unwrap_err().to_string();
    assert!(refused.contains("http.failed_auth_rate: expected at most 10000"), "{refused}");
}

/// In files lists are lists; joined with commas, an item with a comma would become two.
#[test]
fn a_list_item_with_a_comma_and_a_list_for_one_value_are_refused() {
    let text = "[http]\nallowed_hosts = [\"a.example,b.example\"]\ncors_origins = [\"\"]\nlisten = [\"127.0.0.1:1\"]\n\
                trusted_proxies = [\"10.0.0.1\", \"10.1.0.0/16\"]\n";
    let file = TempFile::new("lists", text);
    let sources = Sources { file: Some(file.path().to_owned()), ..Sources::default() };
    insta::assert_snapshot!(problems(&sources), @r"
    the configuration is not usable:
      the.toml: http.allowed_hosts: an item is empty, or has a comma in it
      the.toml: http.cors_origins: an item is empty, or has a comma in it
      the.toml: http.listen: expected an address and port such as `127.0.0.1:8080` or `[::1]:8080`, not a list
    ");
}

#[test]
fn values_come_from_variables_that_the_file_names() {
    let file = TempFile::new(
        "from-env",
        "[http]\nconcurrency = { from_env = \"SLOTS\" }\nrate_limit = { from_env = \"NOT_SET\", default = 7 }\n\
         allowed_hosts = { from_env = \"FLOWMATIX_HOSTS\" }\ncors_origins = { from_env = \"NOT_SET\", default = [\"https://a.example\", \"https://b.example\"] }\n\
         [http.tls]\nhandshake_timeout = { from_env = \"WAIT\", default = \"5s\" }\n",
    );
    let sources = Sources {
        file: Some(file.path().to_owned()),
        environment: environment(&[("SLOTS", "40"), ("FLOWMATIX_HOSTS", "a.example,b.example"), ("WAIT", "7s")]),
        flags: Vec::new(),
        regular_file_only: false,
    };
    let config = Config::load(Profile::Demo, &sources).unwrap();
    assert_eq!((config.http.concurrency, config.http.rate_limit), (40, 7));
    assert_eq!(config.http.allowed_hosts, ["a.example", "b.example"]);
    assert_eq!(config.http.cors_origins, ["https://a.example", "https://b.example"]);
    assert_eq!(config.http_tls.handshake_timeout, Duration::from_secs(7));
}

#[test]
fn what_a_variable_lacks_or_holds_wrongly_is_named_and_not_shown() {
    let file = TempFile::new(
        "from-env-wrong",
        "[http]\nconcurrency = { from_env = \"canary_not_set\" }\nrate_limit = { from_env = \"LOTS\" }\n\
         rate_burst = { from_env = 1 }\ntimeout = { from_env = \"LOTS\", fallback = \"canary\" }\n\
         idle_timeout = { from_env = \"NOT_SET\", default = { canary = 1 } }\nlisten = { default = \"canary\" }\n",
    );
    let sources = Sources {
        file: Some(file.path().to_owned()),
        environment: environment(&[("LOTS", "canary")]),
        flags: Vec::new(),
        regular_file_only: false,
    };
    insta::assert_snapshot!(problems(&sources), @r#"
    the configuration is not usable:
      the.toml: http.concurrency: the environment variable that from_env names is not set, and there is no default
      the.toml: http.idle_timeout: the default of from_env is a plain value or a list of them
      the.toml: http.listen: expected a plain value or a list of them
      the.toml: http.rate_burst: expected { from_env = "NAME", default = … }
      the.toml: http.rate_limit: expected a whole number
      the.toml: http.timeout: expected { from_env = "NAME", default = … }
    "#);
}
