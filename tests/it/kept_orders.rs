//! Orders that are asked for again are kept with the snapshot: the pages are the same, and the memory is bounded.

use allocation_counter::measure;
use flowmatix_graphql::model::{Cursor, Direction, Order, OrderField, PageLimits, PageRequest, Roster};
use flowmatix_graphql::upstream::decode;
use serde_json::{Value, json};

const LIMITS: PageLimits = PageLimits { default: 10, max: 100_000 };
const MEMBERS: usize = 5_000;

/// The same team each time that it is asked for, as another snapshot.
fn team() -> Roster {
    let row = |n: usize| {
        let status = ["ACTIVE", "INACTIVE", "?"][n % 3];
        json!({ "_id": format!("{n:05}"), "name": format!("Ana {}", n * 7919 % 1013), "status": status, "unreadMessages": n % 7 })
    };
    let rows: Vec<Value> = (0..MEMBERS).map(row).collect();
    decode([json!({ "data": rows }).to_string().as_bytes()]).unwrap()
}

/// Thirty-two orders.
fn orders() -> Vec<Order> {
    use OrderField::{Id, Name, Status, UnreadMessages};
    let directions = [Direction::Asc, Direction::Desc];
    let mut orders = Vec::new();
    for first in [Name, Status, UnreadMessages, Id] {
        for second in [Name, Status, UnreadMessages, Id].into_iter().filter(|second| *second != first) {
            for direction in directions {
                orders.push(Order::new(vec![(first, Direction::Desc), (second, direction)]));
                orders.push(Order::new(vec![(first, Direction::Asc), (second, direction)]));
            }
        }
    }
    let mut distinct: Vec<Order> = Vec::new();
    orders.into_iter().filter(|order| !order.is_by_id()).for_each(|order| {
        if !distinct.contains(&order) {
            distinct.push(order);
        }
    });
    distinct.truncate(32);
    distinct
}

/// The indexes of a page, and the bytes that finding it allocated.
fn page(roster: &Roster, order: &Order, request: &PageRequest) -> (Vec<u32>, u64) {
    let mut page = None;
    let measured = measure(|| page = Some(roster.page(None, None, order, request, LIMITS, &|| false).unwrap()));
    (page.unwrap().members, measured.bytes_total)
}

fn first() -> PageRequest {
    PageRequest { first: Some(10), ..PageRequest::default() }
}

#[test]
fn a_kept_order_gives_the_pages_that_sorting_gives() {
    let warm = team();
    let orders = orders();
    let mut rng = fastrand::Rng::with_seed(5);
    for _ in 0..60 {
        let order = &orders[rng.usize(..orders.len().min(6))];
        // Of a snapshot that is asked for the first time.
        let cold = team();
        let whole = PageRequest { first: Some(100_000), ..PageRequest::default() };
        let all = cold.page(None, None, order, &whole, LIMITS, &|| false).unwrap();
        let n = rng.usize(..MEMBERS);
        let cursor: Option<Cursor> = rng.bool().then(|| all.cursor(&cold, order, n).unwrap());
        let request = if rng.bool() {
            PageRequest { first: Some(10), after: cursor, ..PageRequest::default() }
        } else {
            PageRequest { last: Some(10), before: cursor, ..PageRequest::default() }
        };
        assert_eq!(page(&warm, order, &request).0, page(&cold, order, &request).0, "{order:?} {request:?}");
    }
}

#[test]
fn the_third_page_of_an_order_sorts_nothing() {
    let list = (MEMBERS * size_of::<u32>()) as u64;
    for order in orders() {
        let roster = team();
        let allocated = [(); 4].map(|()| page(&roster, &order, &first()).1);
        assert!(allocated[..2].iter().all(|bytes| *bytes >= list), "{order:?}: {allocated:?}");
        assert!(allocated[2..].iter().all(|bytes| *bytes < 1_000), "{order:?}: {allocated:?}");
    }
}

#[test]
fn a_page_by_id_costs_no_list_of_all_members() {
    let (roster, by_id) = (team(), Order::default());
    let last = PageRequest { last: Some(10), ..PageRequest::default() };
    assert_eq!(page(&roster, &by_id, &first()).0, (0..10).collect::<Vec<u32>>());
    assert_eq!(page(&roster, &by_id, &last).0, (MEMBERS as u32 - 10..MEMBERS as u32).collect::<Vec<u32>>());
    assert!(page(&roster, &by_id, &first()).1 < 1_000 && page(&roster, &by_id, &last).1 < 1_000);
}

#[test]
fn few_orders_are_kept() {
    let (roster, orders) = (team(), orders());
    let is_kept = |order: &Order| page(&roster, order, &first()).1 < 1_000;
    for order in &orders {
        (0..3).for_each(|_| {
            page(&roster, order, &first());
        });
    }
    let last: Vec<bool> = orders.iter().rev().take(6).map(is_kept).collect();
    assert_eq!(last, [true, true, true, true, false, false]);
    // A small team is sorted each time.
    let rows: Vec<Value> = (0..100).map(|n| json!({ "_id": format!("{n:05}"), "unreadMessages": n % 7 })).collect();
    let small = decode([json!({ "data": rows }).to_string().as_bytes()]).unwrap();
    let order = Order::new(vec![(OrderField::UnreadMessages, Direction::Desc)]);
    assert!((0..4).all(|_| page(&small, &order, &first()).1 > 400));
}
