//! Numbers of a member as filters compare them, and tests of them on the member itself: for the first time that a snapshot is
//! filtered by a field, before its members are ranked by it.

use super::TeamMember;

/// A number of a member.
pub(super) type NumberOf = for<'m> fn(TeamMember<'m>) -> Option<i64>;
/// An index in a short list: of an enum's values, or of the roster's roles.
pub(super) type IndexOf = for<'m> fn(TeamMember<'m>) -> Option<u32>;

/// A test that looks at the member.
pub(super) enum MemberTest {
    /// The number is there, and not less than the first nor greater than the second.
    Between(NumberOf, i64, i64),
    /// The bit of the index is set.
    OneOf(IndexOf, u64),
    /// The number is not there.
    NoNumber(NumberOf),
    /// The index is not there.
    NoIndex(IndexOf),
}

impl MemberTest {
    pub(super) fn holds(&self, member: TeamMember<'_>) -> bool {
        match self {
            Self::Between(number, lowest, highest) => {
                number(member).is_some_and(|number| (*lowest..=*highest).contains(&number))
            }
            Self::OneOf(index, indexes) => index(member).is_some_and(|index| indexes >> (index & 63) & 1 == 1),
            Self::NoNumber(number) => number(member).is_none(),
            Self::NoIndex(index) => index(member).is_none(),
        }
    }
}

pub(super) fn unread(member: TeamMember<'_>) -> Option<i64> {
    member.unread_messages().map(i64::from)
}

pub(super) fn created(member: TeamMember<'_>) -> Option<i64> {
    Some(member.created_at()?.millis())
}

pub(super) fn updated(member: TeamMember<'_>) -> Option<i64> {
    Some(member.updated_at()?.millis())
}

pub(super) fn status(member: TeamMember<'_>) -> Option<u32> {
    member.status().map(|value| value as u32)
}

pub(super) fn live(member: TeamMember<'_>) -> Option<u32> {
    member.live_availability().map(|value| value as u32)
}

pub(super) fn user_type(member: TeamMember<'_>) -> Option<u32> {
    member.user_type().map(|value| value as u32)
}

pub(super) fn leads(member: TeamMember<'_>) -> Option<u32> {
    member.leads_visibility().map(|value| value as u32)
}

pub(super) fn role(member: TeamMember<'_>) -> Option<u32> {
    member.role_index()
}

/// False, then true.
pub(super) fn whitelabel(member: TeamMember<'_>) -> Option<u32> {
    member.whitelabel().map(u32::from)
}
