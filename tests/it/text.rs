//! Search and sort order of text. Expected values come from libraries that the service does not use, or are written by hand.

use caseless::Caseless;
use feruca::{Collator, Locale, Tailoring};
use flowmatix_graphql::model::{
    Direction, Filter, Order, OrderField, PageLimits, PageRequest, Roster, TextCondition, fold_case, fold_for_search,
};
use flowmatix_graphql::upstream::decode;
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use crate::support::{TestApp, row};

const ALL: PageLimits = PageLimits { default: 100_000, max: 100_000 };

fn roster(rows: &[Value]) -> Roster {
    decode([json!({ "data": rows }).to_string().as_bytes()]).unwrap()
}

/// The ids that a filter leaves, sorted by an order.
fn ids(roster: &Roster, filter: Option<&Filter>, order: &Order) -> Vec<String> {
    let page = roster.page(None, filter, order, &PageRequest::default(), ALL, &|| false).unwrap();
    page.members.iter().map(|index| roster.member(*index).id().plain().into_owned()).collect()
}

fn found_by(roster: &Roster, search: &str) -> Vec<String> {
    ids(roster, Filter::search(search, true).as_ref(), &Order::default())
}

#[tokio::test]
async fn a_name_is_found_however_it_is_typed() {
    let names = [
        ("1", "José García"),
        ("2", "Céline Dion"),
        ("3", "Hauptstraße"),
        ("4", "Οδυσσεύς"),
        ("5", "İpek Yılmaz"),
        ("6", "Łukasz Søren Đorđević"),
        ("7", "Anna\u{ad}-Lena  Müller"),
        ("8", "Sinéad O\u{2019}Connor"),
        ("9", "Cæsar Œuvré"),
        ("A", "田中 恵子"),
        ("B", "Ёлка Щукина"),
        ("C", "ﬁona ＷＩＤＥ"),
        ("D", "Zoe\u{308} decomposed"),
        ("E", "が か"),
        ("F", "שָׁלוֹם"),
    ];
    let searches = [
        ("garcia", "1"),
        ("GARCÍA", "1"),
        ("gárcia", "1"),
        ("celine", "2"),
        ("CÉLINE", "2"),
        ("STRASSE", "3"),
        ("straße", "3"),
        ("ΟΔΥΣ", "4"),
        ("οδυσσεως", ""),
        ("ΟΔΥΣΣΕΥΣ", "4"),
        ("οδυσσευς", "4"),
        ("ipek", "5"),
        ("İPEK", "5"),
        ("yilmaz", "5"),
        ("YILMAZ", "5"),
        ("lukasz", "6"),
        ("soren", "6"),
        ("dordevic", "6"),
        ("anna-lena muller", "7"),
        ("Lena   Mü", "7"),
        ("o'connor", "8"),
        ("O\u{2019}CONNOR", "8"),
        ("caesar", "9"),
        ("oeuvre", "9"),
        ("恵子", "A"),
        ("елка", "B"),
        ("щуки", "B"),
        ("fiona", "C"),
        ("wide", "C"),
        ("zoë", "D"),
        ("zoe", "D"),
        ("が か", "E"),
        ("か が", ""),
        ("שלום", "F"),
        ("  garcia  ", "1"),
        ("garcia dion", ""),
    ];
    let app = TestApp::start().await;
    let rows = names.iter().map(|(id, name)| row(id, name)).collect();
    app.demo.set_team("maya@lantern-books.example", rows);
    let query = "query($search: String, $text: String) {
        search: teamMembers(search: $search) { nodes { id } }
        contains: teamMembers(filter: { name: { contains: $text } }) { nodes { id } } }";
    for (search, expected) in searches {
        let text = search.trim();
        let data = app.variables(query, json!({ "search": search, "text": text })).await.clean();
        let expected: Vec<Value> = expected.chars().map(|id| json!({ "id": id.to_string() })).collect();
        assert_eq!(data["search"]["nodes"], json!(expected), "search {search}");
        assert_eq!(data["contains"]["nodes"], json!(expected), "contains {search}");
    }
}

#[test]
fn eq_and_in_ignore_case_and_nothing_else() {
    let roster =
        roster(&[row("1", "José Straße"), row("2", "JOSE STRASSE"), row("3", "Zoe\u{308}"), row("4", "Οδυσσεύς")]);
    let cases: [(&[&str], &[&str]); 8] = [
        (&["josé strasse"], &["1"]),
        (&["JOSÉ STRASSE"], &["1"]),
        (&["jose straße"], &["2"]),
        (&["jose", "strasse"], &[]),
        (&["zoë"], &["3"]),
        (&["zoe"], &[]),
        (&["ΟΔΥΣΣΕΎΣ", "JOSÉ STRAẞE"], &["1", "4"]),
        (&[], &[]),
    ];
    for (texts, expected) in cases {
        let filter = Filter::Name(TextCondition::one_of(texts.iter().copied()));
        assert_eq!(ids(&roster, Some(&filter), &Order::default()), expected, "{texts:?}");
    }
}

#[test]
fn a_telephone_number_is_found_as_it_is_dialled() {
    let phone = |id: &str, prefix: &str, number: &str| json!({ "_id": id, "contact": { "phone": { "prefix": prefix, "number": number } } });
    let roster = roster(&[
        phone("de", "49", "171 555-0001"),
        phone("dz", "49", "0171 5550002"),
        phone("in", "91", "5550100001"),
        phone("us", "1", "(212) 555-0003"),
        phone("it", "39", "06 5550004"),
        phone("ru", "+7", "916 5550005"),
        phone("no", "", "5550006"),
        phone("pl", "", "+48 22 5550007"),
        phone("sa", "966", "٥٠ ٥٥٥ ٠٠٠٨"),
        phone("gb", "44", "(0)20 5550009"),
    ]);
    let cases: [(&str, &[&str]); 32] = [
        ("+49 171 5550001", &["de"]),
        ("+491715550001", &["de"]),
        ("0049 171/555 0001", &["de"]),
        ("+49 (0)171 555-0001", &["de"]),
        ("0171 5550001", &["de"]),
        ("0171", &["de", "dz"]),
        ("1715550001", &["de"]),
        ("555.0001", &["de"]),
        ("+49 171", &["de", "dz"]),
        ("0171-555 0002", &["dz"]),
        ("+49 171 5550002", &["dz"]),
        ("0049 (0) 171 5550002", &["dz"]),
        ("+91 5550100001", &["in"]),
        ("91 55501", &["in"]),
        ("+1 212 555 0003", &["us"]),
        ("1-212-555-0003", &["us"]),
        ("212.555.0003", &["us"]),
        ("(212) 5550003", &["us"]),
        ("+39 06 5550004", &["it"]),
        ("06 5550004", &["it"]),
        ("+7 916 555-00-05", &["ru"]),
        ("8 (916) 555-00-05", &["ru"]),
        ("5550006", &["no"]),
        ("+48225550007", &["pl"]),
        ("0048 22 555 0007", &["pl"]),
        ("+966 50 555 0008", &["sa"]),
        ("050 555 0008", &["sa"]),
        ("٠٥٠٥٥٥", &["sa"]),
        ("\u{202a}+44 20 5550009\u{202c}", &["gb"]),
        ("020 5550009", &["gb"]),
        ("+49 5550100001", &[]),
        ("+171", &[]),
    ];
    for (search, expected) in cases {
        let mut found = found_by(&roster, search);
        found.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{search}");
        // Contact data is searched for those only who may read it.
        assert_eq!(ids(&roster, Filter::search(search, false).as_ref(), &Order::default()), [""; 0], "{search}");
    }
}

/// The search form by the tables of other libraries.
fn expected_fold(text: &str) -> String {
    let folded = text.nfd().default_case_fold().nfkd().default_case_fold().nfkd();
    let mut expected = String::new();
    for c in folded {
        let accent = matches!(canonical_combining_class(c), 1 | 10..=36 | 200..=240);
        let invisible = matches!(u32::from(c), 0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
            | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
            | 0xfff0..=0xfff8 | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff);
        if accent || invisible {
            continue;
        }
        match c {
            'ø' => expected.push('o'),
            'đ' | 'ð' => expected.push('d'),
            'ħ' => expected.push('h'),
            'ı' => expected.push('i'),
            'ł' => expected.push('l'),
            'ŧ' => expected.push('t'),
            'æ' => expected.push_str("ae"),
            'œ' => expected.push_str("oe"),
            'þ' => expected.push_str("th"),
            '‘' | '’' | 'ʻ' | 'ʼ' => expected.push('\''),
            '‐'..='―' | '−' => expected.push('-'),
            c if c.is_whitespace() => expected.push(' '),
            c => expected.push(c),
        }
    }
    while expected.contains("  ") {
        expected = expected.replace("  ", " ");
    }
    expected
}

#[test]
fn every_character_folds_as_other_tables_have_it_and_folding_twice_changes_nothing() {
    // The planes that have characters, but for tags, which are invisible.
    let mut different = Vec::new();
    for c in (0..0x3_4000).filter_map(char::from_u32) {
        let text = c.to_string();
        let folded = fold_for_search(&text);
        assert_eq!(fold_for_search(&folded), folded, "{c:?} {:x}", u32::from(c));
        if folded != expected_fold(&text) {
            different.push(u32::from(c));
        }
    }
    // Letters of scripts that newer versions of Unicode than the oracle's have given a case.
    let newer = |c: &u32| matches!(c, 0xa7ce..=0xa7e2 | 0xab6c..=0xab6d | 0x1_6ea0..=0x1_6eb8 | 0x1_df40..=0x1_df7e);
    assert!(different.iter().all(newer), "{different:x?}");
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[A-Za-zÀ-ÿĀ-ž '.-]{0,8}",
        1 => "[α-ωΑ-Ωά-ώ ]{0,6}",
        1 => "[а-яА-Яёй -]{0,6}",
        1 => "[a-c\u{300}-\u{304}\u{327}ßſŉǆﬁ½K]{0,5}",
        1 => "[א-ת\u{5b0}-\u{5bb}ا-ي٠-٩ぁ-んァ-ン一-鿏가-각]{0,5}",
    ]
}

proptest! {
    #![proptest_config(Config::with_cases(1500))]

    #[test]
    fn any_text_folds_as_other_tables_have_it(text in name(), other in name()) {
        prop_assert_eq!(fold_for_search(&text), expected_fold(&text));
        let same = text.chars().canonical_caseless_match(other.chars());
        prop_assert_eq!(fold_case(&text) == fold_case(&other), same);
        let shouted: String = text.chars().flat_map(char::to_uppercase).collect();
        prop_assert_eq!(fold_case(&text) == fold_case(&shouted), text.chars().canonical_caseless_match(shouted.chars()));
    }

    #[test]
    fn names_sort_as_another_implementation_of_the_root_collation_sorts_them(names in prop::collection::vec(name(), 0..12)) {
        let rows: Vec<Value> = names.iter().enumerate().map(|(n, name)| row(&format!("{n:03}"), name)).collect();
        let roster = roster(&rows);
        let mut collator = Collator::new(Tailoring::Cldr(Locale::Root), false, false);
        let mut expected: Vec<usize> = (0..names.len()).collect();
        expected.sort_by(|a, b| {
            let (a, b) = (&names[*a], &names[*b]);
            collator.collate(a, b).then_with(|| a.chars().cmp(b.chars()))
        });
        let order = |direction| Order::new(vec![(OrderField::Name, direction)]);
        let sorted = |order: &Order| -> Vec<usize> { ids(&roster, None, order).iter().map(|id| id.parse().unwrap()).collect() };
        let ascending = sorted(&order(Direction::Asc));
        prop_assert_eq!(&ascending, &expected, "{:?}", names);
        // Down is up turned round, but for ties, which stay by id.
        let mut descending = sorted(&order(Direction::Desc));
        descending.reverse();
        let as_names = |list: &[usize]| list.iter().map(|n| names[*n].clone()).collect::<Vec<_>>();
        prop_assert_eq!(as_names(&descending), as_names(&expected));
    }

    #[test]
    fn a_search_finds_what_a_reader_would(names in prop::collection::vec(name(), 0..40), needle in name()) {
        let rows: Vec<Value> = names.iter().enumerate().map(|(n, name)| row(&format!("{n:03}"), name)).collect();
        let roster = roster(&rows);
        let folded = expected_fold(&needle);
        let matching = |test: &dyn Fn(&str) -> bool| -> Vec<String> {
            let known = names.iter().enumerate().filter(|(_, name)| test(&expected_fold(name)));
            known.map(|(n, _)| format!("{n:03}")).collect()
        };
        let select = |condition| ids(&roster, Some(&Filter::Name(condition)), &Order::default());
        prop_assert_eq!(select(TextCondition::contains(&needle)), matching(&|name| name.contains(&*folded)));
        prop_assert_eq!(select(TextCondition::starts_with(&needle)), matching(&|name| name.starts_with(&*folded)));
    }
}

#[test]
fn what_one_list_was_searched_for_changes_no_other_list() {
    // Found by name, and by address alone where addresses are searched.
    let person = |n: usize| {
        let name = format!("Ana {} of {}", n * 7919 % 101, n % 13);
        let contact = json!({ "email": format!("m{n}x@team.example") });
        json!({ "_id": format!("{n:05}"), "name": name, "contact": contact, "_role": format!("role-{}", n % 40) })
    };
    let rows: Vec<Value> = (0..3000).map(person).collect();
    let roster = roster(&rows);
    let texts: Vec<String> = (0..15).map(|n| if n % 2 == 0 { format!("a {n}") } else { format!("m{n}") }).collect();
    let mut rng = fastrand::Rng::with_seed(11);
    // More texts than are kept, in any order, for the whole team, for one role, and for one member.
    for _ in 0..400 {
        let (text, contact, role) = (&texts[rng.usize(..texts.len())], rng.bool(), rng.u32(..40));
        let filter = Filter::search(text, contact);
        let found = |role: Option<u32>| -> Vec<usize> {
            let role = role.map(|role| roster.role(role));
            let list = roster.matching(role, filter.as_ref(), &|| false).unwrap();
            list.into_iter().map(|index| roster.member(index).id().plain().parse().unwrap()).collect()
        };
        let expected = |role: Option<u32>| -> Vec<usize> {
            let matches = |row: &Value| {
                let has = |field: &str| row.pointer(field).unwrap().as_str().unwrap().to_lowercase().contains(text);
                let id = role.map(|role| roster.role(role).id.plain().into_owned());
                (has("/name") || contact && has("/contact/email")) && id.is_none_or(|id| row["_role"] == *id)
            };
            (0..rows.len()).filter(|n| matches(&rows[*n])).collect()
        };
        let role = rng.bool().then_some(role);
        assert_eq!(found(role), expected(role), "{text} {contact} {role:?}");
        let one = rng.usize(..rows.len());
        let id = roster.member(u32::try_from(one).unwrap()).id().plain().into_owned();
        let both = Filter::And([Filter::Id([id].into_iter().collect())].into_iter().chain(filter.clone()).collect());
        let is_found = !roster.matching(None, Some(&both), &|| false).unwrap().is_empty();
        assert_eq!(is_found, found(None).contains(&one), "{text} {contact} {one}");
    }
}

#[test]
fn names_that_a_reader_knows_how_to_sort() {
    let expected = [
        "Ábel",
        "Abel Tasman",
        "Bruno",
        "Élodie",
        "Émile",
        "Emine",
        "Łukasz",
        "Øyvind",
        "Zoë",
        "Zofia",
        "Αθηνά",
        "Борис",
        "ينال",
        "さくら",
        "王",
    ];
    let shuffled = expected.iter().enumerate().map(|(n, name)| row(&format!("{:02}", (n * 11 + 5) % 17), name));
    let roster = roster(&shuffled.collect::<Vec<_>>());
    let sorted = |direction| -> Vec<String> {
        let order = Order::new(vec![(OrderField::Name, direction)]);
        let page = roster.page(None, None, &order, &PageRequest::default(), ALL, &|| false).unwrap();
        page.members.iter().map(|index| roster.member(*index).name().unwrap().plain().into_owned()).collect()
    };
    assert_eq!(sorted(Direction::Asc), expected);
    let down: Vec<_> = expected.iter().rev().copied().collect();
    assert_eq!(sorted(Direction::Desc), down);
}

#[test]
fn a_cancelled_request_stops_within_a_thousand_members() {
    let rows: Vec<Value> = (0..5000).map(|n| row(&format!("{n:05}"), "Ana")).collect();
    let roster = roster(&rows);
    let filter = Filter::search("ana", true).unwrap();
    for stop_at in 0..6 {
        let asked = std::cell::Cell::new(0);
        let cancelled = || asked.replace(asked.get() + 1) == stop_at;
        let page = roster.page(None, Some(&filter), &Order::default(), &PageRequest::default(), ALL, &cancelled);
        // Five blocks, and once more before the list is sorted.
        assert_eq!((page.is_err(), asked.get()), (true, stop_at + 1));
    }
    assert_eq!(ids(&roster, Some(&filter), &Order::default()).len(), 5000);
}
