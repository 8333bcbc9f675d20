//! Two versions of a list, by name: what went, what stayed, and what came.

use apollo_compiler::Name;
use apollo_compiler::collections::IndexMap;

/// A named thing in the old list, the new one, or both.
pub(super) enum Version<'v, T> {
    Removed,
    Kept(&'v T, &'v T),
    Added(&'v T),
}

/// The things of both lists: those of the old one in its order, then those that are new in theirs.
pub(super) fn versions<'v, T: 'v>(
    before: impl IntoIterator<Item = (&'v Name, &'v T)>,
    after: impl IntoIterator<Item = (&'v Name, &'v T)>,
) -> impl Iterator<Item = (&'v Name, Version<'v, T>)> {
    let mut after: IndexMap<&Name, &T> = after.into_iter().collect();
    let mut versions: Vec<_> = before
        .into_iter()
        .map(|(name, old)| match after.shift_remove(name) {
            Some(new) => (name, Version::Kept(old, new)),
            None => (name, Version::Removed),
        })
        .collect();
    versions.extend(after.into_iter().map(|(name, new)| (name, Version::Added(new))));
    versions.into_iter()
}
