//! Row isolation: the good rows of a team are served and the bad ones are listed, whatever stands between them.

use flowmatix_graphql::upstream::{decode, decode_ahead};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

/// The longest row that is read.
const ROW_LIMIT: usize = 1 << 20;

/// A row, and whether it is a good one.
#[derive(Clone, Debug)]
enum Row {
    Good { name: String },
    Bad(Vec<u8>),
}

/// Bytes inside a string: anything but what ends it or escapes.
fn inner() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>().prop_map(|byte| if matches!(byte, b'"' | b'\\') { b'x' } else { byte }), 0..20)
}

fn quoted(inner: &[u8]) -> Vec<u8> {
    [b"\"", inner, b"\""].concat()
}

fn nested(open: &str, close: &str, depth: usize) -> Vec<u8> {
    [open.repeat(depth), "1".to_owned(), close.repeat(depth)].concat().into_bytes()
}

fn field(name: &[u8], value: &[u8]) -> Vec<u8> {
    [br#"{"_id":"bad",""#, name, br#"":"#, value, b"}"].concat()
}

/// Rows that cannot be read, each for a reason of its own. None of them hides where it ends.
fn bad() -> impl Strategy<Value = Vec<u8>> {
    const NO_ROW: &[&str] = &[
        "null",
        "true",
        "7",
        "-1.5e3",
        "\"text\"",
        "[]",
        "[[1,{\"_id\":\"1\"}],\"]\"]",
        "{}",
        "{\"name\":\"no id\"}",
        "{\"_id\":\"\"}",
        "{\"_id\":null}",
        "{\"_id\":{\"$oid\":\"1\"}}",
        "tru",
        "NaN",
        "undefined",
        "-",
        "01",
        "{\"_id\":\"bad\",}",
        "{\"_id\":\"bad\" \"name\":1}",
        "{_id:1}",
        "{\"_id\":\"bad\",\"name\":\"\\x\"}",
        "{\"_id\":\"bad\",\"name\":nul}",
        "{\"_id\":\"bad\",\"name\":\"a\nb\"}",
        "[1,,2]",
    ];
    prop_oneof![
        6 => select(NO_ROW).prop_map(|row| row.as_bytes().to_vec()),
        // A byte that is never part of UTF-8, or a sequence that is cut.
        4 => (inner(), select(vec![&b"\xff"[..], b"\xc3", b"\xe2\x82", b"\xf0\x9f\x8f"]), any::<bool>()).prop_map(
            |(before, broken, in_key)| {
                let text = [&before[..], broken].concat();
                if in_key { field(&text, b"1") } else { field(b"name", &quoted(&text)) }
            }
        ),
        3 => (32_usize..300).prop_map(|depth| field(b"extra", &nested("[", "]", depth))),
        1 => (32_usize..300).prop_map(|depth| field(b"extra", &nested("{\"a\":", "}", depth))),
        1 => (33_usize..300).prop_map(|depth| nested("[", "]", depth)),
        1 => (1_usize..2000).prop_map(|more| {
            let frame = field(b"name", b"\"\"").len();
            field(b"name", &quoted(&vec![b'x'; ROW_LIMIT + more - frame]))
        }),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    prop_oneof![
        3 => "[a-z åß🏃]{0,6}".prop_map(|name| Row::Good { name }),
        2 => bad().prop_map(Row::Bad),
    ]
}

/// The body, and where it is cut into chunks.
fn body(rows: &[Row], space: &str) -> Vec<u8> {
    let mut body = br#"{"success":true,"message":"","data":["#.to_vec();
    for (n, row) in rows.iter().enumerate() {
        if n > 0 {
            body.push(b',');
        }
        body.extend_from_slice(space.as_bytes());
        match row {
            Row::Good { name } => body.extend_from_slice(format!(r#"{{"_id":"id{n}","name":"{name}"}}"#).as_bytes()),
            Row::Bad(bytes) => body.extend_from_slice(bytes),
        }
        body.extend_from_slice(space.as_bytes());
    }
    body.extend_from_slice(br#"],"code":200}"#);
    body
}

fn chunks(body: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len())).collect();
    cuts.sort_unstable();
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([body.len()]);
    starts.zip(ends).map(|(start, end)| body[start..end].to_vec()).collect()
}

#[test]
fn a_team_with_garbage_between_its_rows_always_serves_the_good_ones() {
    let cuts = vec(any::<prop::sample::Index>(), 0..6);
    let cases = (vec(row(), 0..12), cuts, select(vec!["", " ", "\r\n\t"]), 0_usize..200);
    let mut runner = TestRunner::new(Config { cases: 400, ..Config::default() });
    runner
        .run(&cases, |(rows, cuts, space, from)| {
            let chunks = chunks(&body(&rows, space), &cuts);
            let roster = decode(chunks.iter().map(Vec::as_slice));
            let roster = roster.map_err(|malformed| TestCaseError::fail(malformed.to_string()))?;
            let ahead = decode_ahead(chunks.iter().map(Vec::as_slice), from);
            prop_assert!(ahead.is_ok_and(|ahead| ahead.same_team(&roster)), "ahead from {}", from);
            let mut found: Vec<String> = roster.members().map(|member| member.id().plain().into_owned()).collect();
            found.sort();
            let is_good = |row: &Row| matches!(row, Row::Good { .. });
            let mut good: Vec<String> =
                (0..rows.len()).filter(|n| is_good(&rows[*n])).map(|n| format!("id{n}")).collect();
            good.sort();
            prop_assert_eq!(found, good);
            let skipped: Vec<usize> = roster.skipped_rows().iter().map(|row| row.index as usize).collect();
            let bad: Vec<usize> = (0..rows.len()).filter(|n| !is_good(&rows[*n])).collect();
            prop_assert_eq!(skipped, bad);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_row_of_exactly_the_limit_is_read_wherever_it_is_cut() {
    let frame = r#"{"_id":"1","name":""}"#.len();
    let row = |length: usize| format!(r#"{{"_id":"1","name":"{}"}}"#, "x".repeat(length - frame));
    for (length, members) in [(ROW_LIMIT, 1), (ROW_LIMIT + 1, 0)] {
        let body = format!(r#"{{"data":[{},{{"_id":"2"}}]}}"#, row(length)).into_bytes();
        for size in [body.len(), ROW_LIMIT, 65_536, 4097] {
            let roster = decode(body.chunks(size)).unwrap();
            assert_eq!(roster.len(), members + 1, "{length} in chunks of {size}");
        }
    }
}

/// What stands beside the rows can be as odd without hiding them.
#[test]
fn odd_values_beside_the_rows_are_left_out() {
    let long = "x".repeat(2 * ROW_LIMIT);
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let odd: [Vec<u8>; 6] = [
        b"\"message\":\"cut \xc3\",".to_vec(),
        br#""message":"half a pair \ud83c","#.to_vec(),
        b"\"\xff\":1,".to_vec(),
        format!(r#""note":"{long}","#).into_bytes(),
        format!(r#""{long}":1,"#).into_bytes(),
        format!(r#""meta":{deep},"#).into_bytes(),
    ];
    for odd in odd {
        for size in [usize::MAX, 70_000] {
            let body = [b"{", &odd[..], br#""data":[{"_id":"1"}],"success":true}"#].concat();
            let roster = decode(body.chunks(size.min(body.len()))).unwrap();
            assert_eq!(roster.len(), 1, "{:?}", String::from_utf8_lossy(&odd[..odd.len().min(40)]));
        }
    }
}

/// A row that is too long may be cut anywhere, also where the rest looks like the end of the list.
#[test]
fn a_row_that_is_too_long_ends_where_its_brackets_say() {
    let long = "x".repeat(ROW_LIMIT);
    for row in [format!(r#"["{long}"]"#), format!(r#"{{"a":"{long}","b":[1,{{}}]}}"#), format!(r#""{long}\"]}}""#)] {
        let body = format!(r#"{{"data":[{row},{{"_id":"1"}}],"code":200}}"#).into_bytes();
        for tail in 0..40 {
            let (front, back) = body.split_at(body.len() - 25 - tail);
            let roster = decode([front, back]).unwrap();
            assert_eq!((roster.len(), roster.skipped_rows().len()), (1, 1), "{tail}: {}", &row[..10]);
        }
    }
}
