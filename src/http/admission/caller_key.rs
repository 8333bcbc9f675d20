//! Whose a request is, as admission counts: a caller's, or an address's where callers need no credential.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use super::client_ip::network;
use crate::model::{CallerId, Grants};

/// Whose permits and rate they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) enum CallerKey {
    Caller(CallerId),
    Peer(Option<IpAddr>),
}

/// Without the kind, as callers.
impl Hash for CallerKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Caller(id) => id.hash(state),
            Self::Peer(address) => address.hash(state),
        }
    }
}

impl CallerKey {
    /// The caller, or the peer where callers need no credential.
    pub(in crate::http) fn of(grants: &dyn Grants, peer: Option<IpAddr>) -> Self {
        match &grants.caller().id {
            CallerId::Anonymous => Self::Peer(peer.map(network)),
            caller => Self::Caller(caller.clone()),
        }
    }

    /// The address alone: for callers whose credential has not been accepted, of which one host can make up many.
    pub(in crate::http) fn of_address(address: Option<IpAddr>) -> Self {
        Self::Peer(address.map(network))
    }
}
