//! Lists that change between two pages: a cursor continues from the position that it recorded, so that no member that kept
//! its position is left out.

use std::collections::{BTreeMap, BTreeSet};

use flowmatix_graphql::model::{
    Account, Cursor, Direction, EmailAddress, Order, OrderField, PageLimits, PageRequest, Roster, UserType,
};
use flowmatix_graphql::upstream::decode;
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::support::TestApp;

const ALL: PageLimits = PageLimits { default: 100_000, max: 100_000 };

/// What a member is sorted by, besides its id.
#[derive(Clone, Debug, PartialEq)]
struct Person {
    name: Option<String>,
    online: Option<bool>,
    unread: i32,
}

type Team = BTreeMap<String, Person>;

#[derive(Clone, Debug)]
enum Change {
    /// To any member, by its number.
    Any(usize, What),
    /// To the member of the cursor, or to the one so many in front of it.
    Near(usize, What),
    Join(String, Person),
}

#[derive(Clone, Debug)]
enum What {
    Leave,
    Become(Person),
}

fn name() -> impl Strategy<Value = Option<String>> {
    // Many that begin alike, and many that are alike.
    prop::option::weighted(0.9, prop_oneof![3 => (0..30).prop_map(|n| format!("Member {n}")), 1 => "[A-Cé]{1,3}"])
}

fn person() -> impl Strategy<Value = Person> {
    (name(), prop::option::of(any::<bool>()), 0..4).prop_map(|(name, online, unread)| Person { name, online, unread })
}

fn change() -> impl Strategy<Value = Change> {
    let what = || prop_oneof![Just(What::Leave), person().prop_map(What::Become)];
    prop_oneof![
        2 => (0_usize..40, what()).prop_map(|(n, what)| Change::Any(n, what)),
        3 => (0_usize..3, what()).prop_map(|(n, what)| Change::Near(n, what)),
        1 => ("[a-z][0-9]", person()).prop_map(|(id, person)| Change::Join(id, person)),
    ]
}

/// An order, and whether the name is part of it.
fn order() -> impl Strategy<Value = (Order, bool)> {
    let fields = vec![OrderField::Name, OrderField::LiveAvailability, OrderField::UnreadMessages, OrderField::Id];
    let key = (prop::sample::select(fields), prop::sample::select(vec![Direction::Asc, Direction::Desc]));
    prop::collection::vec(key, 0..3).prop_map(|keys| {
        let named = keys.iter().take_while(|key| key.0 != OrderField::Id).any(|key| key.0 == OrderField::Name);
        (Order::new(keys), named)
    })
}

fn roster(team: &Team) -> Roster {
    let rows: Vec<Value> = team
        .iter()
        .map(|(id, person)| {
            let online = person.online.map(|online| if online { "ONLINE" } else { "OFFLINE" });
            json!({ "_id": id, "name": person.name, "liveAvailability": online, "unreadMessages": person.unread })
        })
        .collect();
    decode([json!({ "data": rows }).to_string().as_bytes()]).unwrap()
}

fn account() -> Account {
    Account { email: EmailAddress::parse("a@b.example").unwrap(), user_type: UserType::Agent }
}

fn ids(roster: &Roster, members: &[u32]) -> Vec<String> {
    members.iter().map(|index| roster.member(*index).id().plain().into_owned()).collect()
}

#[derive(Debug, Default)]
struct Walk {
    /// Ids, in the order in which they were read.
    read: Vec<String>,
    /// Ids of members that changed, left or came.
    touched: BTreeSet<String>,
    /// Whether between two pages the cursor's member and the one in front of it both changed.
    lost_its_neighbours: bool,
}

/// Pages through a team that changes between the pages.
fn walk(team: &mut Team, order: &Order, size: i32, forward: bool, changes: &[Vec<Change>]) -> Walk {
    let (mut walk, mut cursor) = (Walk::default(), None);
    for page in 0.. {
        assert!(page < 400, "it does not end: {walk:?}");
        let roster = roster(team);
        let request = if forward {
            PageRequest { first: Some(size), after: cursor, ..PageRequest::default() }
        } else {
            PageRequest { last: Some(size), before: cursor, ..PageRequest::default() }
        };
        let page_read = roster.page(None, None, order, &request, ALL, &|| false).unwrap();
        walk.read.extend(ids(&roster, &page_read.members));
        if !(if forward { page_read.has_next() } else { page_read.has_previous() }) || page_read.members.is_empty() {
            return walk;
        }
        let at = if forward { page_read.members.len() - 1 } else { 0 };
        // A cursor travels as text.
        let text = page_read.cursor(&roster, order, at).unwrap().encode(&account(), order);
        cursor = Some(Cursor::decode(&account(), order, &text).unwrap());
        let whole = roster.page(None, None, order, &PageRequest::default(), ALL, &|| false).unwrap();
        let whole = ids(&roster, &whole.members);
        let own = page_read.start + at;
        let near = |n: usize| own.checked_sub(n).map(|place| whole[place].clone());
        let before: Vec<_> = [near(0), near(1)].into_iter().flatten().map(|id| (team.get(&id).cloned(), id)).collect();
        for change in changes.get(page).into_iter().flatten() {
            let (id, what) = match change {
                Change::Any(n, what) => (team.keys().nth(n % team.len().max(1)).cloned(), what.clone()),
                Change::Near(n, what) => (near(*n), what.clone()),
                Change::Join(id, person) => (Some(id.clone()), What::Become(person.clone())),
            };
            match (id, what) {
                (Some(id), What::Leave) => {
                    team.remove(&id);
                    walk.touched.insert(id);
                }
                (Some(id), What::Become(person)) => {
                    if team.insert(id.clone(), person.clone()) != Some(person) {
                        walk.touched.insert(id);
                    }
                }
                (None, _) => {}
            }
        }
        walk.lost_its_neighbours |= before.iter().all(|(person, id)| team.get(id) != person.as_ref());
    }
    unreachable!()
}

proptest! {
    #![proptest_config(Config::with_cases(1500))]

    #[test]
    fn paging_ends_and_leaves_out_nothing_that_stayed_where_it_was(
        people in prop::collection::vec(person(), 0..30),
        order in order(),
        size in 1_i32..6,
        forward: bool,
        changes in prop::collection::vec(prop::collection::vec(change(), 0..4), 0..30),
    ) {
        let (order, named) = order;
        let mut team: Team = people.into_iter().enumerate().map(|(n, person)| (format!("{n:02}"), person)).collect();
        let first: Vec<String> = team.keys().cloned().collect();
        let walk = walk(&mut team, &order, size, forward, &changes);
        for id in first.iter().filter(|id| !walk.touched.contains(*id)) {
            let times = walk.read.iter().filter(|known| *known == id).count();
            prop_assert!(times > 0, "{id} was left out: {walk:?}");
            // Names that begin alike are told apart by the cursor's member and the one in front of it. Without both, members are
            // read again rather than left out.
            prop_assert!(times == 1 || named && walk.lost_its_neighbours, "{id} came {times} times: {walk:?}");
        }
    }
}

#[tokio::test]
async fn a_list_goes_on_where_the_cursor_was_made_though_its_member_has_moved() {
    let app = TestApp::with(&[("roster.fresh_for", "0s"), ("roster.stale_for", "0s")]).await;
    let person =
        |id: &str, online: bool| json!({ "_id": id, "liveAvailability": if online { "ONLINE" } else { "OFFLINE" } });
    let team =
        |b: bool| vec![person("a", true), person("b", b), person("c", true), person("d", false), person("e", false)];
    let ask = "query($after: String) { teamMembers(orderBy: [{ field: LIVE_AVAILABILITY }], first: 2, after: $after) {
        nodes { id } pageInfo { endCursor hasNextPage } } }";
    app.demo.set_team("maya@lantern-books.example", team(true));
    let first = app.query(ask).await.clean();
    assert_eq!(first["teamMembers"]["nodes"], json!([{ "id": "a" }, { "id": "b" }]));
    app.demo.set_team("maya@lantern-books.example", team(false));
    let (mut after, mut rest) = (first["teamMembers"]["pageInfo"]["endCursor"].clone(), Vec::new());
    loop {
        let page = app.variables(ask, json!({ "after": after })).await.clean()["teamMembers"].clone();
        rest.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap().to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    // The one that stayed online comes, and so do all who are offline, b among them.
    assert_eq!(rest, ["c", "b", "d", "e"]);
}
