//! Members are found by their ids, whatever these look like and however many there are, and the index that does it is counted.

use allocation_counter::measure;
use flowmatix_graphql::model::Roster;
use flowmatix_graphql::upstream::decode;
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};

fn body(ids: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let rows: Vec<Value> = ids.into_iter().map(|id| json!({ "_id": id.as_ref() })).collect();
    json!({ "data": rows }).to_string()
}

fn roster(ids: impl IntoIterator<Item = impl AsRef<str>>) -> Roster {
    decode([body(ids).as_bytes()]).unwrap()
}

/// Where a binary search finds an id: members lie by their ids.
fn by_search(roster: &Roster, id: &str) -> Option<u32> {
    let ids: Vec<String> = roster.members().map(|member| member.id().plain().into_owned()).collect();
    assert!(ids.is_sorted());
    ids.binary_search_by(|known| known.as_str().cmp(id)).ok().map(|index| u32::try_from(index).unwrap())
}

/// Ids of every shape: of the vendor's, short, long, with escapes and letters of several bytes, and beginnings of others.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[0-9a-f]{24}",
        2 => "[ab]{1,3}",
        1 => "[a\"\\\\/é😀]{1,4}",
        1 => "a{1,100}",
    ]
}

proptest! {
    #![proptest_config(Config::with_cases(300))]

    #[test]
    fn a_member_is_found_where_a_search_finds_it(
        ids in prop::collection::vec(id(), 0..80),
        others in prop::collection::vec(id(), 0..20),
    ) {
        let roster = roster(&ids);
        prop_assert!(ids.iter().all(|id| roster.find(id).is_some()));
        for id in ids.iter().chain(&others).map(String::as_str).chain(["", "a", "é"]) {
            prop_assert_eq!(roster.find(id), by_search(&roster, id), "{:?}", id);
        }
    }
}

#[test]
fn a_team_of_any_size_finds_its_members_and_no_other() {
    for members in (0..70).chain([127, 128, 129, 1023, 1024, 1025, 5000]) {
        let roster = roster((0..members).map(|n| format!("64a7{n:08}")));
        for n in 0..members {
            assert_eq!(roster.find(&format!("64a7{n:08}")), Some(u32::try_from(n).unwrap()), "of {members}");
            assert_eq!(roster.find(&format!("64a8{n:08}")), None, "of {members}");
        }
        assert_eq!(roster.find(""), None);
    }
}

#[test]
fn what_a_snapshot_holds_is_no_more_than_its_size() {
    for members in [1, 100, 10_000] {
        let body = body((0..members).map(|n| format!("64a7{n:020}")));
        let mut kept = None;
        // What is made once is made before.
        decode([body.as_bytes()]).unwrap();
        let measured = measure(|| kept = Some(decode([body.as_bytes()]).unwrap()));
        let (held, size) = (measured.bytes_current, kept.map_or(0, |roster| roster.size()));
        assert!(usize::try_from(held).unwrap() <= size, "{members} members: {held} bytes are held, {size} are counted");
    }
}
