//! The whole configuration: all sections, and how they are read and printed together.

use std::time::Duration;

// Textual macros: they must come before the sections.
use std::collections::BTreeSet;

use super::section::Section;
use super::{
    AccountConfig, AdminConfig, AuditConfig, AuthConfig, BudgetConfig, CacheTagsConfig, ClusterConfig, DemoConfig,
    DocumentsConfig, FederationConfig, GraphQlConfig, HttpConfig, HttpTlsConfig, JwtConfig, LiveConfig, LoaderConfig,
    LogConfig, OtelVariables, ReloadConfig, RosterConfig, Setting, TokensConfig, TracesConfig, UpstreamConfig,
};

/// All sections.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Config {
    pub http: HttpConfig,
    pub http_tls: HttpTlsConfig,
    pub admin: AdminConfig,
    pub graphql: GraphQlConfig,
    pub live: LiveConfig,
    pub documents: DocumentsConfig,
    pub federation: FederationConfig,
    pub cache_tags: CacheTagsConfig,
    pub auth: AuthConfig,
    pub jwt: JwtConfig,
    pub account: AccountConfig,
    pub loader: LoaderConfig,
    pub roster: RosterConfig,
    pub upstream: UpstreamConfig,
    pub tokens: TokensConfig,
    pub budget: BudgetConfig,
    pub cluster: ClusterConfig,
    pub log: LogConfig,
    pub audit: AuditConfig,
    pub traces: TracesConfig,
    pub reload: ReloadConfig,
    pub demo: DemoConfig,
    /// OpenTelemetry's variables.
    pub otel: OtelVariables,
    /// The settings that a source has given, whatever their values.
    pub(super) given: BTreeSet<String>,
    /// The profile whose rules it has to keep.
    pub(super) profile: Option<Profile>,
}

/// A set of defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Trying the service out on one's own machine.
    Demo,
    /// Production.
    Serve,
}

impl Config {
    /// The defaults of a profile.
    #[must_use]
    pub fn defaults(profile: Profile) -> Self {
        let mut config = Self { profile: Some(profile), ..Self::default() };
        if profile == Profile::Demo {
            config.http.explorer = true;
            config.graphql.introspection = true;
            config.graphql.suggestions = true;
            config.federation.service = true;
            // The sample's people come and go, and its plan costs nothing.
            config.live.interval = Duration::from_secs(2);
            config.live.interval_floor = Duration::from_secs(1);
            config.demo.activity = Duration::from_secs(3);
            // The sample speaks plain HTTP on this machine.
            config.upstream.allow_http = true;
        }
        config
    }

    pub(super) fn sections(&self) -> [&dyn Section; 22] {
        [
            &self.http,
            &self.http_tls,
            &self.admin,
            &self.graphql,
            &self.live,
            &self.documents,
            &self.federation,
            &self.cache_tags,
            &self.auth,
            &self.jwt,
            &self.account,
            &self.loader,
            &self.roster,
            &self.upstream,
            &self.tokens,
            &self.budget,
            &self.cluster,
            &self.log,
            &self.audit,
            &self.traces,
            &self.reload,
            &self.demo,
        ]
    }

    fn sections_mut(&mut self) -> [&mut dyn Section; 22] {
        [
            &mut self.http,
            &mut self.http_tls,
            &mut self.admin,
            &mut self.graphql,
            &mut self.live,
            &mut self.documents,
            &mut self.federation,
            &mut self.cache_tags,
            &mut self.auth,
            &mut self.jwt,
            &mut self.account,
            &mut self.loader,
            &mut self.roster,
            &mut self.upstream,
            &mut self.tokens,
            &mut self.budget,
            &mut self.cluster,
            &mut self.log,
            &mut self.audit,
            &mut self.traces,
            &mut self.reload,
            &mut self.demo,
        ]
    }

    /// The profile that it was made from.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile.unwrap_or(Profile::Serve)
    }

    /// Every setting with the value it has.
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        self.sections().into_iter().flat_map(|section| section.settings()).collect()
    }

    /// Whether a source has given this setting, or one of this section, also where the value is the default.
    #[must_use]
    pub fn is_given(&self, path: &str) -> bool {
        let below = format!("{path}.");
        self.given.iter().any(|given| given == path || given.starts_with(&below))
    }

    /// Sets one setting from text; `None` when the path is unknown.
    pub(super) fn set(&mut self, path: &str, text: &str) -> Option<Result<(), String>> {
        let (name, key) = path.rsplit_once('.')?;
        let set = self.sections_mut().into_iter().find(|section| section.name() == name)?.set(key, text);
        if set.is_some() {
            self.given.insert(path.to_owned());
        }
        set
    }
}
