//! Configuration: plain data, one file per folder it configures. Defaults, then a TOML file, then the environment, then
//! flags. A leaf: it imports nothing of ours.
//!
//! Invariant: a wrong configuration does not start anything, and every mistake in it is named at once.

// Textual macros: they must come before the sections.
#[macro_use]
mod section;

mod account;
mod admin;
mod auth;
mod budget;
mod check;
mod demo;
mod documents;
mod federation;
mod graphql;
mod http;
mod jwt;
mod loader;
mod log;
mod reference;
mod roster;
mod sources;
mod upstream;
mod value;

pub use account::{Account, AccountSource, UserType};
pub use admin::Admin;
pub use auth::{Auth, AuthMode};
pub use budget::{Budget, BudgetScope};
pub use demo::Demo;
pub use documents::{Documents, Safelist};
pub use federation::Federation;
pub use graphql::GraphQl;
pub use http::Http;
pub use jwt::Jwt;
pub use loader::Loader;
pub use log::{Log, LogFormat};
pub use roster::Roster;
pub use section::Setting;
pub use sources::{Flag, Problems, Sources};
pub use upstream::Upstream;
pub use value::{HttpUrl, Size};

use section::Section;

/// Everything that can be configured.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Config {
    pub http: Http,
    pub admin: Admin,
    pub graphql: GraphQl,
    pub documents: Documents,
    pub federation: Federation,
    pub auth: Auth,
    pub jwt: Jwt,
    pub account: Account,
    pub loader: Loader,
    pub roster: Roster,
    pub upstream: Upstream,
    pub budget: Budget,
    pub log: Log,
    pub demo: Demo,
}

/// Whom the defaults are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Somebody who tries it out on their own machine.
    Demo,
    /// Production.
    Serve,
}

impl Config {
    /// The defaults of a profile.
    #[must_use]
    pub fn defaults(profile: Profile) -> Self {
        let mut config = Self::default();
        if profile == Profile::Demo {
            config.http.explorer = true;
            config.graphql.introspection = true;
            config.graphql.suggestions = true;
            config.federation.service = true;
            // The sample speaks plain HTTP on this machine.
            config.upstream.allow_http = true;
        }
        config
    }

    fn sections(&self) -> [&dyn Section; 14] {
        [
            &self.http,
            &self.admin,
            &self.graphql,
            &self.documents,
            &self.federation,
            &self.auth,
            &self.jwt,
            &self.account,
            &self.loader,
            &self.roster,
            &self.upstream,
            &self.budget,
            &self.log,
            &self.demo,
        ]
    }

    fn sections_mut(&mut self) -> [&mut dyn Section; 14] {
        [
            &mut self.http,
            &mut self.admin,
            &mut self.graphql,
            &mut self.documents,
            &mut self.federation,
            &mut self.auth,
            &mut self.jwt,
            &mut self.account,
            &mut self.loader,
            &mut self.roster,
            &mut self.upstream,
            &mut self.budget,
            &mut self.log,
            &mut self.demo,
        ]
    }

    /// Every setting with the value it has.
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        self.sections().into_iter().flat_map(|section| section.settings()).collect()
    }

    /// Sets one setting from text; `None` when there is none of that path.
    fn set(&mut self, path: &str, text: &str) -> Option<Result<(), String>> {
        let (name, key) = path.split_once('.')?;
        self.sections_mut().into_iter().find(|section| section.name() == name)?.set(key, text)
    }
}
