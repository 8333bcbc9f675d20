//! A team's changes as JSON, and which members a selection shows in another way than before.

use std::sync::Arc;

use super::projector::{AnswerWriter, ProjectionOptions};
use crate::graphql::execute::changes::MemberChanges;
use crate::graphql::execute::lookups::Resolved;
use crate::graphql::json;
use crate::graphql::plan::plan::{MemberField, Plan, PlannedObject, RoleField, RootField, TeamChangesField};
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

/// How the members differ from one view of the team to the next, in the plan's `upserted` fields. `by_row` says whose rows differ
/// at all.
///
/// # Errors
/// [`Cancelled`] when it is no longer wanted.
pub(in crate::graphql::execute) fn changed_members(
    plan: &Plan,
    resolved: &Resolved,
    (before, now): (&Arc<View>, &Arc<View>),
    options: ProjectionOptions,
    cancellation: &Cancellation,
    by_row: impl FnOnce() -> Result<Arc<MemberChanges>, Cancelled>,
) -> Result<MemberChanges, Cancelled> {
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
    let mut differs = |old: u32, new: u32| {
        rows.next_row()?;
        writer.out.clear();
        shown.iter().for_each(|fields| writer.member(fields, before, old));
        let end = writer.out.len();
        shown.iter().for_each(|fields| writer.member(fields, now, new));
        writer.errors.clear();
        let (before, now) = writer.out.split_at(end);
        Ok(before != now)
    };
    if !shown.iter().all(|fields| is_own(fields)) {
        return MemberChanges::between(&before.roster, &now.roster, differs);
    }
    let by_row = by_row()?;
    let mut changes = MemberChanges { removed: by_row.removed.clone(), ..MemberChanges::default() };
    for new in &by_row.upserted {
        let is_changed = match before.roster.find(&now.roster.member(*new).id().plain()) {
            Some(old) => differs(old, *new)?,
            None => true,
        };
        if is_changed {
            changes.upserted.push(*new);
        }
    }
    Ok(changes)
}

/// Whether nothing but the member itself is shown, and nothing that its role or team has.
fn is_own(fields: &PlannedObject<MemberField>) -> bool {
    fields.fields.iter().all(|item| match &item.field {
        MemberField::Id
        | MemberField::Scalar(_)
        | MemberField::Account(_)
        | MemberField::Contact(_)
        | MemberField::AgencyId
        | MemberField::Unrecognized(_) => true,
        MemberField::Role(fields) => {
            fields.fields.iter().all(|item| matches!(item.field, RoleField::Id | RoleField::Account(_)))
        }
        MemberField::Team(_) => false,
    })
}
