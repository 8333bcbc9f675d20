//! Projection of entities: writes what representations refer to as JSON, in their order.

use std::ops::Range;
use std::sync::Arc;

use async_graphql::Pos;
use smallvec::SmallVec;

use super::member::TOGETHER;
use super::projector::AnswerWriter;
use crate::graphql::execute::entity_list::{EntityList, ListedEntity};
use crate::graphql::json;
use crate::graphql::plan::plan::{MemberField, PlannedObject, RoleField, TeamField};
use crate::graphql::schema::{EntityType, View};

/// The indexes of a few entities in their rosters, where they are members of these.
type FoundIndexes = SmallVec<[Option<u32>; TOGETHER]>;

impl<'p> AnswerWriter<'p> {
    pub(super) fn entities(
        &mut self,
        (member, role, team): (
            &'p PlannedObject<MemberField>,
            &'p PlannedObject<RoleField>,
            &'p PlannedObject<TeamField>,
        ),
        list: &'p EntityList<Arc<View>>,
        pos: Pos,
    ) {
        let mut found = FoundIndexes::new();
        self.array(list.iter().enumerate(), |writer, (n, ListedEntity { kind, id })| {
            if n.is_multiple_of(TOGETHER) {
                found = find(list, n..list.len().min(n + TOGETHER));
            }
            match kind {
                Ok((EntityType::TeamMember, view)) => match found[n % TOGETHER] {
                    Some(index) => writer.member(member, view, index),
                    None => json::null(&mut writer.out),
                },
                Ok((EntityType::Role, view)) => match view.roster.find_role(id) {
                    Some(index) => writer.role(role, view, index),
                    None => json::null(&mut writer.out),
                },
                Ok((EntityType::Team, view)) => writer.team(team, view),
                Err(error) => writer.fail(pos, error),
            }
        });
    }
}

/// Looks up one member after the other, before any is written: ids fall anywhere in memory, and so the processor waits for several
/// of them at once.
fn find(list: &EntityList<Arc<View>>, range: Range<usize>) -> FoundIndexes {
    let mut found = FoundIndexes::new();
    for (view, run) in list.by_team(range) {
        let first = found.len();
        found.extend(run.map(|n| match list.entity(n) {
            ListedEntity { kind: Ok((EntityType::TeamMember, view)), id } => view.roster.find(id),
            _ => None,
        }));
        if let Some(view) = view {
            let members: SmallVec<[u32; TOGETHER]> = found[first..].iter().flatten().copied().collect();
            view.roster.bring_near(&members);
        }
    }
    found
}
