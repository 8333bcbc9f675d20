//! The names of scopes, as key files, tokens and documentation write them. Reads a list of names strictly from files,
//! and leniently from tokens, which carry scopes of other services.

use crate::model::Scopes;

/// Teams, without contact data.
pub(super) const TEAM: &str = "team:read";
/// Contact data.
pub(super) const CONTACT: &str = "team:contact:read";
/// Permanent tokens of the upstream.
pub(super) const TOKEN: &str = "team:token:issue";

/// The names of these scopes, in the order in which they are documented.
pub(super) fn names(scopes: Scopes) -> Vec<&'static str> {
    let all = [(scopes.team, TEAM), (scopes.contact, CONTACT), (scopes.token, TOKEN)];
    all.into_iter().filter(|(held, _)| *held).map(|(_, name)| name).collect()
}

/// The scopes of these names; `None` when a name is unknown.
pub(super) fn read<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<Scopes> {
    names.into_iter().try_fold(Scopes::NONE, with)
}

/// The scopes of these names; unknown names are ignored, because tokens carry scopes of other services.
pub(super) fn pick<'n>(names: impl IntoIterator<Item = &'n str>) -> Scopes {
    names.into_iter().fold(Scopes::NONE, |scopes, name| with(scopes, name).unwrap_or(scopes))
}

fn with(scopes: Scopes, name: &str) -> Option<Scopes> {
    match name {
        TEAM => Some(Scopes { team: true, ..scopes }),
        CONTACT => Some(Scopes { contact: true, ..scopes }),
        TOKEN => Some(Scopes { token: true, ..scopes }),
        _ => None,
    }
}
