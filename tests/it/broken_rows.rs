//! Rows whose brackets or quotes do not match: reading goes on at the next row, or the whole body is refused. What is served is
//! never a row that the vendor did not send.

use flowmatix_graphql::model::{Malformed, Roster};
use flowmatix_graphql::upstream::{decode, decode_ahead};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

/// A row with what the documented ones have: texts, an object in an object, and lists of strings.
fn row(id: &str, name: &str, bots: &[String]) -> String {
    let contact = format!(r#"{{"_id":"c{id}","email":"{id}@a.example","phone":{{"number":"1","prefix":"49"}}}}"#);
    format!(
        r#"{{"_id":"{id}","whitelabel":false,"name":"{name}","contact":{contact},"assignedBots":{bots:?},"unreadMessages":3,"_role":"r"}}"#
    )
}

fn body(rows: &[String], space: &str, data_is_last: bool) -> String {
    let rows = rows.join(&format!("{space},{space}"));
    if data_is_last {
        format!(r#"{{"success":true,"message":"","data":[{space}{rows}{space}]{space}}}"#)
    } else {
        format!(r#"{{"success":true,"message":"","data":[{space}{rows}{space}],{space}"code":200}}"#)
    }
}

/// The ids of the members, and the number of skipped rows; `None` when the body is refused.
fn read(body: &[u8], chunk: usize) -> Option<(Vec<String>, usize)> {
    found(decode(body.chunks(chunk)))
}

/// The same where a part of each chunk is read ahead.
fn read_ahead(body: &[u8], chunk: usize, from: usize) -> Option<(Vec<String>, usize)> {
    found(decode_ahead(body.chunks(chunk), from))
}

fn found(roster: Result<Roster, Malformed>) -> Option<(Vec<String>, usize)> {
    let roster = roster.ok()?;
    let mut ids: Vec<String> = roster.members().map(|member| member.id().plain().into_owned()).collect();
    ids.sort();
    Some((ids, roster.skipped_rows().len()))
}

/// What is done to a row, at a byte of it.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// One of its brackets, quotes, commas, colons or backslashes is missing.
    Missing,
    Inserted(char),
    /// It ends there.
    Cut,
}

const MARKS: [char; 8] = ['"', '{', '}', '[', ']', ',', ':', '\\'];

fn damaged(row: &str, damage: Damage, at: prop::sample::Index) -> String {
    let mut row = row.to_owned();
    match damage {
        Damage::Missing => {
            let marks: Vec<usize> = row.match_indices(MARKS).map(|(at, _)| at).collect();
            row.remove(marks[at.index(marks.len())]);
        }
        Damage::Inserted(mark) => row.insert(at.index(row.len()), mark),
        Damage::Cut => row.truncate(at.index(row.len())),
    }
    row
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![Just(Damage::Missing), select(&MARKS[..]).prop_map(Damage::Inserted), Just(Damage::Cut)]
}

/// The damaged row is skipped (or still is a row), and all the others are there, wherever it stands among them and wherever the
/// body is cut into chunks; or, where an opening bracket too many makes it look as if it held rows, the body is refused.
#[test]
fn one_row_with_a_mark_too_many_or_too_few_hides_no_other() {
    let bots = prop::collection::vec("[a-z ]{0,5}", 0..3);
    let cases = (
        prop::collection::vec(("[a-z ]{0,6}", bots), 1..6),
        any::<prop::sample::Index>(),
        damage(),
        any::<prop::sample::Index>(),
        select(vec!["", " ", "\r\n\t"]),
        any::<bool>(),
        (1_usize..400, 0_usize..400),
    );
    let mut runner = TestRunner::new(Config { cases: 2000, ..Config::default() });
    let refused = std::cell::Cell::new(0);
    runner
        .run(&cases, |(texts, broken, damage, at, space, data_is_last, (chunk, from))| {
            let row = |(n, (name, bots)): (usize, &(String, Vec<String>))| row(&format!("id{n}"), name, bots);
            let mut rows: Vec<String> = texts.iter().enumerate().map(row).collect();
            let broken = broken.index(rows.len());
            rows[broken] = damaged(&rows[broken], damage, at);
            let body = body(&rows, space, data_is_last);
            let whole = read(body.as_bytes(), body.len());
            prop_assert_eq!(&whole, &read(body.as_bytes(), chunk), "in chunks of {}: {}", chunk, body);
            for chunk in [chunk, body.len()] {
                let ahead = read_ahead(body.as_bytes(), chunk, from);
                prop_assert_eq!(&whole, &ahead, "ahead from {} in chunks of {}: {}", from, chunk, body);
            }
            let Some((ids, _)) = whole else {
                refused.set(refused.get() + 1);
                let opens = matches!(damage, Damage::Inserted('{' | '['));
                let stands_before =
                    !rows[broken].starts_with('{') || ["}{", "]{"].iter().any(|pair| rows[broken].contains(pair));
                let is_cut_in_list =
                    matches!(damage, Damage::Cut) && rows[broken].contains('[') && !rows[broken].contains(']');
                let is_last = broken + 1 == rows.len();
                prop_assert!(opens || stands_before || is_cut_in_list || is_last, "refused: {}", body);
                return Ok(());
            };
            let others: Vec<String> = (0..rows.len()).filter(|n| *n != broken).map(|n| format!("id{n}")).collect();
            let found: Vec<String> = ids.iter().filter(|id| others.contains(id)).cloned().collect();
            prop_assert_eq!(&found, &others, "{}", body);
            // One more at most, whose id may have been damaged as well, and never what a row holds.
            prop_assert!(ids.len() <= rows.len(), "{:?}: {}", ids, body);
            prop_assert!(!ids.iter().any(|id| id.starts_with("cid")), "{:?}: {}", ids, body);
            Ok(())
        })
        .unwrap();
    assert!(refused.get() < 200, "{} of 2,000 were refused", refused.get());
}

#[test]
fn each_kind_of_broken_row_is_one_skipped_row() {
    let broken = [
        (r#"{"_id":"2","name":"b}"#, "a quote is missing at the end"),
        (r#"{"_id":"2","name":b"}"#, "a quote is missing at the start"),
        (r#"{"_id":"2","name":"5" disk"}"#, "a quote is not escaped"),
        (r#"{"_id":"2","name":"b\"}"#, "a quote is escaped"),
        (r#"{"_id":"2","name":"b"}}"#, "a bracket too many"),
        (r#"{"_id":"2","contact":{"_id":"c"},"name":"b""#, "no bracket at the end"),
        (r#"{"_id":"2","contact":{"_id":"c","name":"b"}"#, "an inner bracket is missing"),
        (r#"{"_id":"2","contact":"_id":"c"},"name":"b"}"#, "an opening bracket is missing"),
        (r#"{"_id":"2","assignedBots":["x","name":"b"}"#, "a list is not closed"),
        (r#"{"_id":"2","assignedBots":["x"]],"name":"b"}"#, "a list is closed twice"),
        (r#"{"_id":"2","na"#, "it is cut in a key"),
        (r#"{"_id":"2"}],"name":"b"}"#, "the list is closed inside"),
        (r#"{"_id":"2"}]}"#, "everything is closed inside"),
    ];
    for (row, what) in broken {
        for (rows, ids) in [
            (vec![r#"{"_id":"1"}"#, row, r#"{"_id":"3"}"#], vec!["1", "3"]),
            (vec![row, r#"{"_id":"3"}"#], vec!["3"]),
            (vec![r#"{"_id":"1"}"#, row, row, r#"{"_id":"3"}"#, r#"{"_id":"4"}"#], vec!["1", "3", "4"]),
        ] {
            let rows: Vec<String> = rows.into_iter().map(str::to_owned).collect();
            let body = body(&rows, "", false);
            let ahead = (0..body.len()).map(|from| (body.len(), from));
            for (chunk, from) in [(1, 0), (7, 0)].into_iter().chain(ahead) {
                let read = read_ahead(body.as_bytes(), chunk, from);
                let (found, skipped) = read.unwrap_or_else(|| panic!("{what}: {body}"));
                assert_eq!(
                    (found, skipped),
                    (ids.iter().map(ToString::to_string).collect(), rows.len() - ids.len()),
                    "{what}: {body}"
                );
            }
        }
    }
}

/// Then the rest could be read in more than one way, so none of it is.
#[test]
fn a_body_is_refused_where_rows_could_be_passed_by_or_made_up() {
    let refused = [
        // A list of objects in a broken row: its entries look like rows.
        r#"{"data":[{"_id":"1"},{"_id":"2","name":"b,"x":[{"_id":"7"},{"_id":"8"}]},{"_id":"3"}],"code":200}"#,
        // It is cut in a list: the rows that follow may be entries of that.
        r#"{"data":[{"_id":"1"},{"_id":"2","assignedBots":["x",,{"_id":"3"}],"code":200}"#,
        r#"{"data":[{"_id":"1"},{"_id":"2","assignedBots":["x",{"_id":"3"},{"_id":"4"}],"code":200}"#,
        // Rows that begin with another key than those before.
        r#"{"data":[{"_id":"1"},{"_id":"2","name":"b},{"name":"c","_id":"3"}],"code":200}"#,
        // A comma between rows is missing.
        r#"{"data":[{"_id":"1"}{"_id":"2"}],"code":200}"#,
        // The body is cut behind a broken row, or in one.
        r#"{"data":[{"_id":"1"},{"_id":"2","name":"b},{"_id":"3"}"#,
        r#"{"data":[{"_id":"1"},{"_id":"2","name":"b"#,
        r#"{"data":[{"_id":"1"}}"#,
    ];
    for body in refused {
        for chunk in [1, 7, body.len()] {
            assert_eq!(read(body.as_bytes(), chunk), None, "{body}");
        }
    }
}

/// What looks like a boundary between rows, in a text of a row that is whole, is no boundary.
#[test]
fn a_whole_row_may_hold_anything_that_looks_like_a_boundary() {
    let texts = [
        r#"},{\"_id\":\"7\"},{"#,
        r#"}],\"code\":200}"#,
        r#"a},{"#,
        r#"}]}"#,
        r#"[{"#,
        r#"\\"#,
        r#"\\\"},{\"_id\":\"7\""#,
    ];
    let values = [
        r#"[{"_id":"7"},{"_id":"8"}]"#,
        r#"[[{"_id":"7"}],[{"_id":"8"}]]"#,
        r#"{"a":[{"_id":"7"},{"_id":"8","b":[]}]}"#,
        r#"["},{","_id"]"#,
    ];
    let texts = texts.into_iter().map(|text| format!("\"{text}\""));
    for value in texts.chain(values.map(str::to_owned)) {
        let rows = ["1", "2", "3"].map(|id| format!(r#"{{"_id":"{id}","extra":{value},"name":"x"}}"#));
        let body = body(&rows, " ", false);
        for chunk in 1..60 {
            let ids = ["1", "2", "3"].map(str::to_owned).to_vec();
            assert_eq!(read(body.as_bytes(), chunk), Some((ids, 0)), "{body} in chunks of {chunk}");
        }
    }
}

#[test]
fn a_broken_row_may_be_longer_than_a_row_that_is_read() {
    let long = "x".repeat((1 << 20) + 10);
    let rows = [r#"{"_id":"1"}"#.to_owned(), format!(r#"{{"_id":"2","name":"{long}}}"#), r#"{"_id":"3"}"#.to_owned()];
    let body = body(&rows, " ", true);
    for chunk in [4096, 100_003, body.len()] {
        assert_eq!(read(body.as_bytes(), chunk), Some((vec!["1".to_owned(), "3".to_owned()], 1)), "{chunk}");
    }
}

/// A good row with whatever is nested in it is a good row, also where it comes in pieces.
#[test]
fn what_is_nested_in_a_good_row_does_not_make_the_next_one_hide_it() {
    let nested = r#"{"_id":"2","n":[{"a":1},{"b":2},{"_id":"x"}]}"#;
    for behind in [",", r#",,{"_id":"3"}"#, r#"x,{"_id":"3"}"#, r#",{"_id":"3"#] {
        let body = format!(r#"{{"success":true,"data":[{{"_id":"1"}},{nested}{behind}],"code":200}}"#);
        let whole = read(body.as_bytes(), body.len());
        assert!(whole.as_ref().is_some_and(|(ids, _)| ids.starts_with(&["1".to_owned()])), "{body}: {whole:?}");
        for chunk in 1..body.len() {
            assert_eq!(read(body.as_bytes(), chunk), whole, "{body} in chunks of {chunk}");
        }
    }
}

/// What a broken row had is forgotten with it, wherever the next one's texts come to lie. Of so many pairs some are remembered in
/// the same place.
#[test]
fn a_broken_row_has_no_say_in_what_the_next_one_is() {
    let team = |rows: [&str; 2]| decode([format!(r#"{{"data":[{}]}}"#, rows.join(",")).as_bytes()]).unwrap();
    for first in ('A'..='Z').chain('a'..='z') {
        for numbers in 10..90 {
            let list = format!("[{},{}]", numbers / 10, numbers % 10);
            let broken = format!(r#"{{"_id":"1","assignedBots":["{first}"],"x":}}"#);
            let next = format!(r#"{{"_id":"1","contact":{{"email":"{list}"}},"assignedBots":{list}}}"#);
            let (team, alone) = (team([&broken, &next]), team(["{}", &next]));
            assert!(team.member(0) == alone.member(0), "{broken},{next}");
        }
        for second in 'a'..='z' {
            let broken = format!(r#"{{"_id":"1","name":"{first}{second}h4","x":}}"#);
            let next = r#"{"_id":"1","contact":{"email":"a\nb"},"name":"a\nb"}"#;
            let name = team([&broken, next]).member(0).name().map(|name| name.plain().into_owned());
            assert_eq!(name.as_deref(), Some("a\nb"), "{broken}");
        }
    }
}
