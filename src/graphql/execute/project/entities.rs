//! Projection of entities: writes what representations refer to as JSON, in their order.

use std::sync::Arc;

use async_graphql::{Pos, Result};
use smallvec::SmallVec;

use super::member::TOGETHER;
use super::projector::AnswerWriter;
use crate::graphql::execute::lookups::EntityData;
use crate::graphql::json;
use crate::graphql::plan::plan::{MemberField, PlannedObject, RoleField, TeamField};
use crate::graphql::schema::EntityKey;

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
        list: &'p [Result<EntityData>],
        pos: Pos,
    ) {
        let mut found = FoundIndexes::new();
        self.array(list.iter().enumerate(), |writer, (n, entity)| {
            if n.is_multiple_of(TOGETHER) {
                found = find(&list[n..list.len().min(n + TOGETHER)]);
            }
            match entity {
                Ok(EntityData { view, key: EntityKey::TeamMember(_) }) => match found[n % TOGETHER] {
                    Some(index) => writer.member(member, view, index),
                    None => json::null(&mut writer.out),
                },
                Ok(EntityData { view, key: EntityKey::Role(id) }) => match view.roster.find_role(id) {
                    Some(index) => writer.role(role, view, index),
                    None => json::null(&mut writer.out),
                },
                Ok(EntityData { view, key: EntityKey::Team }) => writer.team(team, view),
                Err(error) => writer.fail(pos, error),
            }
        });
    }
}

/// Looks up one member after the other, before any is written: ids fall anywhere in memory, and so the processor waits for several
/// of them at once.
fn find(list: &[Result<EntityData>]) -> FoundIndexes {
    let mut found = FoundIndexes::new();
    let of_one_team = |a: &Result<EntityData>, b: &Result<EntityData>| match (a, b) {
        (Ok(a), Ok(b)) => Arc::ptr_eq(&a.view, &b.view),
        _ => false,
    };
    for entities in list.chunk_by(of_one_team) {
        let first = found.len();
        found.extend(entities.iter().map(|entity| match entity {
            Ok(EntityData { view, key: EntityKey::TeamMember(id) }) => view.roster.find(id),
            _ => None,
        }));
        if let Some(Ok(entity)) = entities.first() {
            let members: SmallVec<[u32; TOGETHER]> = found[first..].iter().flatten().copied().collect();
            entity.view.roster.bring_near(&members);
        }
    }
    found
}
