//! The sample's people, generated from a seed: the same seed gives the same bytes.

use icu_normalizer::DecomposingNormalizerBorrowed;
use serde_json::{Value, json};

use super::accounts::DemoAccount;

const FIRST: [&str; 40] = [
    "Asha", "Bruno", "Chidi", "Dalia", "Emeka", "Farah", "Goran", "Hana", "Ines", "Jamal", "Keiko", "Luca", "Mei",
    "Nadia", "Omar", "Priya", "Quinn", "Rosa", "Sven", "Tariq", "Uma", "Viktor", "Wanjiru", "Ximena", "Yusuf", "Zofia",
    "Aylin", "Björn", "Céline", "Duarte", "Élodie", "Fatou", "Grace", "Hugo", "Ivana", "Jürgen", "Kofi", "Leila",
    "Mateo", "Noor",
];
const LAST: [&str; 40] = [
    "Adeyemi",
    "Bianchi",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Fernandes",
    "García",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "Okafor",
    "Petrov",
    "Qureshi",
    "Raman",
    "Silva",
    "Tanaka",
    "Uzun",
    "Varga",
    "Weber",
    "Xu",
    "Yılmaz",
    "Zimmer",
    "O'Connor",
    "Núñez",
    "Smith-Jones",
    "van Dijk",
    "Abebe",
    "Brown",
    "Chen",
    "Diallo",
    "Evans",
    "Fischer",
    "Gupta",
    "Hernández",
    "Ito",
    "Jovanović",
];
const DESCRIPTIONS: [&str; 6] = ["", "", "", "Night shift", "Covers weekends", "Onboarding new customers"];
const PREFIXES: [&str; 6] = ["1", "44", "49", "91", "55", "81"];
/// 2024-03-01T00:00:00Z, in seconds.
const EPOCH: i64 = 1_709_251_200;

/// The rows of an account's team, in the upstream's form.
pub(super) fn team(seed: u64, account: &DemoAccount, base_url: &str) -> Vec<Value> {
    let mut random = Random(seed ^ hash(account.email));
    let agency = random.id(0);
    let roles = (account.members / 3).clamp(1, 8);
    let roles: Vec<String> = (0..roles).map(|n| random.id(n)).collect();
    let domain = account.email.split('@').nth(1).unwrap_or("example.com");
    (0..account.members).map(|n| member(n, &mut random, &agency, &roles, domain, base_url)).collect()
}

/// The envelope around rows.
pub(super) fn envelope(rows: Vec<Value>) -> Value {
    json!({ "success": true, "message": "", "data": rows, "code": 200, "meta": "" })
}

fn member(n: usize, random: &mut Random, agency: &str, roles: &[String], domain: &str, base_url: &str) -> Value {
    let (first, last) = (random.pick(&FIRST), random.pick(&LAST));
    let name = format!("{first} {last}");
    let initials: String = [first, last].iter().filter_map(|name| name.chars().next()).collect();
    let initials: String = initials.chars().map(|c| if c.is_ascii() { c } else { '*' }).collect();
    let created = EPOCH + i64::try_from(n).unwrap_or(0) * 613 + random.below(600);
    let updated = created + random.below(30_000_000);
    let mut row = json!({
        "_id": random.id(n),
        "whitelabel": random.below(5) == 0,
        "name": name,
        "contact": {
            "phone": { "number": format!("{}", 5_550_100_000_u64 + n as u64), "prefix": random.pick(&PREFIXES) },
            "_id": random.id(n),
            "email": format!("{}.{n}@{domain}", ascii(&name)),
        },
        "picture": format!("{base_url}/avatars/{initials}/{}.svg", random.below(360)),
        "liveAvailability": random.pick(&["ONLINE", "OFFLINE", "OFFLINE"]),
        "leadsVisibility": random.pick(&["ALL", "ASSIGNED"]),
        "status": random.pick(&["ACTIVE", "ACTIVE", "ACTIVE", "INACTIVE"]),
        "description": random.pick(&DESCRIPTIONS),
        "type": random.pick(&["AGENT", "AGENT", "CUSTOM_USER", "CUSTOMER"]),
        "unreadMessages": random.below(60),
        "_role": roles[usize::try_from(random.below(roles.len() as i64)).unwrap_or(0)],
        "_parent": agency,
        "createdAt": timestamp(created, random.below(1000)),
        "updatedAt": timestamp(updated, random.below(1000)),
        "__v": random.below(9),
    });
    // The newer fields, which some rows lack.
    if let (true, Some(row)) = (random.below(3) > 0, row.as_object_mut()) {
        row.insert("assignedBots".to_owned(), json!([random.id(n)]));
        row.insert("assignedAiAgents".to_owned(), json!([]));
        row.insert("_department".to_owned(), json!([agency]));
        row.insert("maskedAttributes".to_owned(), json!(["phone"]));
        row.insert("chatTransferPermission".to_owned(), json!(random.pick(&["ALL", "ASSIGNED"])));
        row.insert("_businessHours".to_owned(), json!(if random.below(2) == 0 { String::new() } else { random.id(n) }));
    }
    row
}

fn timestamp(seconds: i64, millis: i64) -> String {
    let timestamp = chrono::DateTime::from_timestamp_millis(seconds * 1000 + millis).unwrap_or_default();
    timestamp.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// The local part of an e-mail address for a name: its letters without accents.
fn ascii(name: &str) -> String {
    let fold = |c: char| match c {
        ' ' => Some('.'),
        // A letter of its own, which has no decomposition.
        'ı' => Some('i'),
        c if c.is_ascii_alphanumeric() => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    DecomposingNormalizerBorrowed::new_nfd().normalize(name).chars().filter_map(fold).collect()
}

fn hash(text: &str) -> u64 {
    // FNV-1a: small, and the same on every platform.
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A number that looks random, always the same for the same one.
pub(super) fn scramble(number: u64) -> u64 {
    let mut z = number;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// SplitMix64: the same numbers on every platform and in every version.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }

    fn below(&mut self, bound: i64) -> i64 {
        i64::try_from(self.next() >> 1).unwrap_or(0) % bound.max(1)
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[usize::try_from(self.below(choices.len() as i64)).unwrap_or(0)]
    }

    /// An identifier of 24 hex digits: a rising number first, so that ids are unique and sort by age.
    fn id(&mut self, n: usize) -> String {
        format!("{:08x}{:016x}", 0x65f1_0000_usize + n, self.next())
    }
}
