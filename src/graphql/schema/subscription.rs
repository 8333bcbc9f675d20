//! The subscription's root fields.
//!
//! Here each gives the state that the request sees, once: that is what the schema's own executor knows of a team that changes.
//! Events come from the feed of the team (`execute/live`).

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, Subscription};
use futures_util::future::{Ready, ready};
use futures_util::stream::{Once, once};

use super::account::AccountInput;
use super::metered::Metered;
use super::query::team;
use super::session::{Session, View};
use super::team::Team;
use super::team_member::TeamMember;

/// The root of subscriptions.
#[derive(Default)]
pub(in crate::graphql) struct Subscription;

/// The stream of a subscription before it has the feed.
type Now<T> = Once<Ready<Option<Result<T>>>>;

/// Live teams. One upstream poller serves all subscribers of a team, at an interval that the plan can afford;
/// `extensions.live` tells it with every event.
#[Subscription]
impl Subscription {
    /// The team now, and again whenever what is selected of it changes. The first event is always the whole selection, and so is
    /// the first after a reconnect. Needs the scope `team:read`.
    async fn team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account whose team is read.")] account: Option<AccountInput>,
    ) -> Now<Team> {
        once(ready(Some(team(ctx, account).await)))
    }

    /// The changes since the event before, by member: for large teams and normalized caches. The first event has every
    /// member and `reset: true`. Needs the scope `team:read`.
    async fn team_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account whose team is read.")] account: Option<AccountInput>,
    ) -> Now<TeamChanges> {
        once(ready(Some(changes(ctx, account).await)))
    }
}

async fn changes(ctx: &Context<'_>, account: Option<AccountInput>) -> Result<TeamChanges> {
    let view = Session::of(ctx)?.view(account.map(Into::into)).await?;
    Ok(TeamChanges { view })
}

/// Changes of a team, as a view of its snapshot.
pub(super) struct TeamChanges {
    view: Arc<View>,
}

/// The changes in a team since the event before.
#[Object]
impl TeamChanges {
    /// The team, as one snapshot.
    async fn team(&self) -> Team {
        Team::new(&self.view)
    }

    /// The members that are new, or of which something that is selected here has changed.
    async fn upserted(&self) -> Vec<Metered<TeamMember>> {
        (0..).take(self.view.roster.len()).map(|index| Metered(TeamMember::new(&self.view, index))).collect()
    }

    /// The identifiers of members that are no longer in the team.
    async fn removed_ids(&self) -> Vec<ID> {
        Vec::new()
    }

    /// True when `upserted` has every member of the team, and what the client knows besides is to be forgotten: in the first
    /// event, and wherever events before this one were left out.
    async fn reset(&self) -> bool {
        true
    }
}
