//! The status page's source: it joins the stages that the page does not know.

use std::sync::Arc;

use crate::cluster::Cluster;
use crate::http::StatusSource;
use crate::model::{ClusterStatus, RosterStatus, UpstreamStatus};
use crate::roster::Rosters;
use crate::upstream::Upstream;

/// The stages that tell.
pub(super) struct Stages {
    pub(super) rosters: Arc<Rosters>,
    pub(super) upstream: Arc<dyn Upstream>,
    pub(super) cluster: Option<Arc<Cluster>>,
}

impl StatusSource for Stages {
    fn rosters(&self) -> RosterStatus {
        self.rosters.status()
    }

    fn upstream(&self) -> UpstreamStatus {
        self.upstream.status()
    }

    fn cluster(&self) -> Option<ClusterStatus> {
        self.cluster.as_ref().map(|cluster| cluster.status())
    }
}
