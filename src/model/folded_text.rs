//! Text in the forms in which it is compared: folded for search (no case, no accents), folded for equality (no case), and
//! columns of folded text, one entry for each member, which are scanned as one piece of memory.
//!
//! A folded form holds no line feed, so a line feed ends each entry of a column and no needle can match across two entries.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::properties::{CanonicalCombiningClassMap, CanonicalCombiningClassMapBorrowed};
use icu_normalizer::{DecomposingNormalizer, DecomposingNormalizerBorrowed};
use icu_properties::props::DefaultIgnorableCodePoint;
use icu_properties::{CodePointSetData, CodePointSetDataBorrowed};

const CASE: CaseMapperBorrowed<'static> = CaseMapper::new();
const NFD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfd();
const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfkd();
const COMBINING_CLASS: CanonicalCombiningClassMapBorrowed<'static> = CanonicalCombiningClassMap::new();
const IGNORABLE: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<DefaultIgnorableCodePoint>();

/// `text` as search and the text filters compare it: compatibility caseless (Unicode D146), without accents and invisible
/// characters, and with each run of white space as one space.
#[must_use]
pub fn fold_for_search(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    push_folded(text, &mut folded);
    folded
}

/// `text` as equality compares it: canonical caseless (Unicode D145). Texts that are equal here fold alike for search too.
#[must_use]
pub fn fold_case(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    Cow::Owned(NFD.normalize(&CASE.fold_string(&NFD.normalize(text))).into_owned())
}

/// Appends the search form of `text`.
pub(super) fn push_folded(text: &str, to: &mut String) {
    let start = to.len();
    if text.is_ascii() {
        for c in text.chars() {
            push(c.to_ascii_lowercase(), start, to);
        }
        return;
    }
    let cased = CASE.fold_string(&NFD.normalize(text)).into_owned();
    // Compatibility forms such as mathematical letters show their case only once they are decomposed.
    let cased = CASE.fold_string(&NFKD.normalize(&cased)).into_owned();
    for c in NFKD.normalize_iter(cased.chars()) {
        if c.is_ascii() {
            push(c, start, to);
        } else if !is_accent(c) && !IGNORABLE.contains(c) {
            match plain_letters(c) {
                Some(plain) => to.push_str(plain),
                None => push(c, start, to),
            }
        }
    }
}

fn push(c: char, start: usize, to: &mut String) {
    if !c.is_whitespace() {
        to.push(c);
    } else if !(to.len() > start && to.ends_with(' ')) {
        to.push(' ');
    }
}

/// Marks above, below and through a letter, and the points of Hebrew, Arabic and Syriac. The classes between them are parts
/// of a letter in their scripts: nukta, kana voicing, virama, and the vowels of Thai, Lao and Tibetan.
fn is_accent(c: char) -> bool {
    matches!(COMBINING_CLASS.get_u8(c), 1 | 10..=36 | 200..)
}

/// Letters and marks that Unicode does not decompose, but that keyboards elsewhere write like this.
fn plain_letters(c: char) -> Option<&'static str> {
    Some(match c {
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ı' => "i",
        'ł' => "l",
        'ŧ' => "t",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        '\u{2018}' | '\u{2019}' | '\u{2bb}' | '\u{2bc}' => "'",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        _ => return None,
    })
}

/// So many members are looked at one by one for where a hit is.
const NEAR: usize = 8;

/// Folded texts, one for each member of a roster. A member without the text has an empty entry.
pub(super) struct FoldedColumn {
    text: String,
    /// Where each entry ends, behind its line feed.
    ends: Box<[u32]>,
    /// The hash of each entry, so that equal texts are found without looking at any.
    hashes: Box<[u32]>,
}

/// The hash of a folded text, keyed per process: clients cannot choose texts that collide.
pub(super) fn text_hash(folded: &str) -> u32 {
    static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    // The low half is as good as the whole.
    HASHER.hash_one(folded) as u32
}

impl FoldedColumn {
    /// Makes the column; `push_entry` appends the entry of one member, without a line feed.
    pub(super) fn build<T>(members: impl Iterator<Item = T>, mut push_entry: impl FnMut(T, &mut String)) -> Self {
        let mut text = String::new();
        let mut hashes = Vec::new();
        let mut end = |member| {
            let start = text.len();
            push_entry(member, &mut text);
            hashes.push(text_hash(&text[start..]));
            text.push('\n');
            // Offsets are 32 bits wide. An entry past them is left empty: it is not found, which 4 GiB of names may cost.
            u32::try_from(text.len()).unwrap_or_else(|_| {
                text.truncate(start);
                u32::try_from(start).unwrap_or(u32::MAX)
            })
        };
        let ends = members.map(&mut end).collect();
        text.shrink_to_fit();
        Self { text, ends, hashes: hashes.into() }
    }

    /// The hash of the entry of this member.
    pub(super) fn hash(&self, index: usize) -> u32 {
        self.hashes[index]
    }

    /// The text from the entry of this member on: enough to see what the entry starts with, for it ends with a line feed.
    pub(super) fn from(&self, index: usize) -> &[u8] {
        &self.text.as_bytes()[self.start(index)..]
    }

    /// The entry of this member.
    pub(super) fn get(&self, index: usize) -> &str {
        self.text[self.start(index)..self.ends[index] as usize].trim_end_matches('\n')
    }

    /// Whether the entry of this member is nothing but its line feed.
    pub(super) fn is_empty(&self, index: usize) -> bool {
        self.ends[index] as usize <= self.start(index) + 1
    }

    fn start(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.ends[before] as usize)
    }

    /// Calls `found` with each member of `first..end` whose entry has the needle in it.
    pub(super) fn scan(&self, needle: &Needle, first: usize, end: usize, mut found: impl FnMut(usize)) {
        if first == end {
            return;
        }
        let text = self.text.as_bytes();
        let (mut at, stop) = (self.start(first), self.ends[end - 1] as usize);
        let mut index = first;
        // A single letter is in most entries: all of it, and the ends of entries, in one pass.
        if let [letter] = needle.finder.needle() {
            let mut is_in = false;
            for hit in memchr::memchr2_iter(*letter, b'\n', &text[at..stop]) {
                if text[at + hit] != b'\n' {
                    is_in = true;
                    continue;
                }
                if std::mem::take(&mut is_in) {
                    found(index);
                }
                index += 1;
            }
            return;
        }
        while let Some(hit) = needle.finder.find(&text[at..stop]) {
            let hit = at + hit;
            // Hits come in the order of the members. Mostly the next one is near; where hits are rare, the members before it
            // are skipped in one step.
            let near = self.ends[index..end].iter().take(NEAR).position(|end| *end as usize > hit);
            index += near.unwrap_or_else(|| self.ends[index..end].partition_point(|end| *end as usize <= hit));
            found(index);
            at = self.ends[index] as usize;
        }
    }
}

/// A folded text to find, prepared once for however many members it is looked for in.
#[derive(Clone, Debug)]
pub struct Needle {
    finder: memchr::memmem::Finder<'static>,
}

impl PartialEq for Needle {
    fn eq(&self, other: &Self) -> bool {
        self.finder.needle() == other.finder.needle()
    }
}

impl Eq for Needle {}

impl Needle {
    /// Prepares a text that is folded already.
    pub(super) fn new(folded: &str) -> Self {
        Self { finder: memchr::memmem::Finder::new(folded).into_owned() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.finder.needle().is_empty()
    }

    pub(super) fn is_in(&self, folded: &str) -> bool {
        self.finder.find(folded.as_bytes()).is_some()
    }

    pub(super) fn starts(&self, folded: &[u8]) -> bool {
        folded.starts_with(self.finder.needle())
    }
}
