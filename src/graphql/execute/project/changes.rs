//! A team's changes as JSON, and what a selection shows of each member.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::projector::{AnswerWriter, ProjectionOptions};
use crate::graphql::execute::changes::{MemberChanges, MemberDigests};
use crate::graphql::execute::lookups::Resolved;
use crate::graphql::json;
use crate::graphql::plan::plan::{Plan, PlannedObject, RootField, TeamChangesField};
use crate::graphql::schema::View;
use crate::model::{Cancellation, Cancelled};

impl<'p> AnswerWriter<'p> {
    pub(super) fn changes(
        &mut self,
        fields: &'p PlannedObject<TeamChangesField>,
        view: &Arc<View>,
        changes: &MemberChanges,
    ) {
        self.object(fields, |writer, item| match &item.field {
            TeamChangesField::Team(fields) => writer.at(&item.key, |writer| writer.team(fields, view)),
            TeamChangesField::Upserted(fields) => writer.at(&item.key, |writer| {
                writer.array(&changes.upserted, |writer, index| writer.member(fields, view, *index));
            }),
            TeamChangesField::RemovedIds => {
                writer.array(&changes.removed, |writer, id| json::string(&mut writer.out, id));
            }
            TeamChangesField::Reset => json::boolean(&mut writer.out, changes.reset),
        });
    }
}

/// Digests of each member of a team, over the plan's `upserted` fields.
///
/// # Errors
/// [`Cancelled`] when it is no longer wanted.
pub(in crate::graphql::execute) fn digest_members(
    plan: &Plan,
    resolved: &Resolved,
    view: &Arc<View>,
    options: ProjectionOptions,
    hasher: &RandomState,
    cancellation: &Cancellation,
) -> Result<MemberDigests, Cancelled> {
    let changes = plan.roots.fields.iter().filter_map(|root| match &root.field {
        RootField::TeamChanges { fields, .. } => Some(&fields.fields),
        _ => None,
    });
    let shown: Vec<_> = changes
        .flatten()
        .filter_map(|item| match &item.field {
            TeamChangesField::Upserted(fields) => Some(fields),
            _ => None,
        })
        .collect();
    let mut writer = AnswerWriter::new(Vec::new(), resolved, options, cancellation);
    let mut rows = cancellation.rows();
    let mut digests = MemberDigests::with_capacity(view.roster.len());
    for index in (0..).take(view.roster.len()) {
        rows.next_row()?;
        writer.out.clear();
        for fields in &shown {
            writer.member(fields, view, index);
        }
        writer.errors.clear();
        digests.insert(view.roster.member(index).id().plain().into(), hasher.hash_one(&writer.out));
    }
    Ok(digests)
}
