//! Teams, as the upstream lists them: the same seed gives the same bytes.

use std::fmt::Write as _;

const FIRST: [&str; 16] = [
    "Asha", "Bruno", "Chidi", "Dalia", "Emeka", "Farah", "Goran", "Hana", "Ines", "Jürgen", "Keiko", "Luca", "Mei",
    "Nadia", "Omar", "Zoë",
];
const LAST: [&str; 16] = [
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
    "O'Connor",
    "van Dijk",
];
const DESCRIPTIONS: [&str; 5] = ["", "", "Night shift", "Covers weekends", "Says \\\"hello\\\" twice"];

/// The sizes of the teams there are.
pub const SIZES: [usize; 5] = [1, 10, 100, 1_000, 10_000];

/// How many different teams of a size there are.
pub fn variants(members: usize) -> u64 {
    if members > 1_000 { 1 } else { 16 }
}

/// The address of the n-th account with a team of this size; it stands for one of the variants.
pub fn account(n: usize, members: usize) -> String {
    format!("account-{n}@m{members}.example")
}

/// The size and variant of an account's team.
pub fn of_account(email: &str) -> Option<(usize, u64)> {
    let (local, domain) = email.split_once('@')?;
    let number: u64 = local.strip_prefix("account-")?.parse().ok()?;
    let members = domain.strip_prefix('m')?.strip_suffix(".example")?.parse().ok()?;
    Some((members, number % variants(members)))
}

/// The endpoint's answer for a team of so many members: every documented field in each row, and the newer ones in most.
pub fn body(seed: u64, members: usize) -> String {
    let mut random = Random(seed);
    let agency = random.id(0);
    let roles: Vec<String> = (0..8).map(|n| random.id(n)).collect();
    let mut body = String::with_capacity(members * 900 + 100);
    body.push_str(r#"{"success":true,"message":"","data":["#);
    for n in 0..members {
        if n > 0 {
            body.push(',');
        }
        row(&mut body, n, &mut random, &agency, &roles);
    }
    body.push_str(r#"],"code":200,"meta":""}"#);
    body
}

fn row(body: &mut String, n: usize, random: &mut Random, agency: &str, roles: &[String]) {
    let (first, last) = (random.pick(&FIRST), random.pick(&LAST));
    let (id, contact) = (random.id(n), random.id(n));
    let role = random.pick(roles).clone();
    let (day, hour, milli) = (random.below(28) + 1, random.below(24), random.below(1000));
    let _ = write!(
        body,
        r#"{{"_id":"{id}","whitelabel":{},"name":"{first} {last}","contact":{{"phone":{{"number":"{}","prefix":"91"}},"_id":"{contact}","email":"member.{n}@lantern-books.example"}},"picture":"https://cdn.example.com/avatars/{}.svg","liveAvailability":"{}","leadsVisibility":"{}","status":"{}","description":"{}","type":"{}","unreadMessages":{},"_role":"{role}","_parent":"{agency}","createdAt":"2024-04-{day:02}T{hour:02}:10:22.{milli:03}Z","updatedAt":"2024-05-{day:02}T{hour:02}:37:24.{milli:03}Z","__v":{}"#,
        random.below(5) == 0,
        5_550_100_000 + n as u64,
        random.below(360),
        random.pick(&["ONLINE", "OFFLINE"]),
        random.pick(&["ALL", "ASSIGNED"]),
        random.pick(&["ACTIVE", "ACTIVE", "INACTIVE"]),
        random.pick(&DESCRIPTIONS),
        random.pick(&["AGENT", "AGENT", "CUSTOM_USER", "CUSTOMER"]),
        random.below(60),
        random.below(9),
    );
    if random.below(3) > 0 {
        let bot = random.id(n);
        let _ = write!(
            body,
            r#","assignedBots":["{bot}"],"assignedAiAgents":[],"_department":["{agency}"],"maskedAttributes":["phone"],"chatTransferPermission":"ALL","_businessHours":"""#
        );
    }
    body.push('}');
}

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// 24 hex digits, rising with `n`.
    fn id(&mut self, n: usize) -> String {
        format!("{:08x}{:016x}", 0x65f1_0000_usize + n, self.next())
    }
}
