//! Texts of a roster that many members have: departments, masked attributes, a prefix, an empty description. Each is kept once.

use super::json_str::{JsonArena, JsonSpan, JsonStr};

/// How many texts are remembered; each has one place, which it takes from the one before.
const PLACES: usize = 256;

/// Texts and lists that were put before, of which some have come again.
pub(super) struct SharedTexts {
    places: Box<[Option<JsonSpan>]>,
}

impl Default for SharedTexts {
    fn default() -> Self {
        Self { places: vec![None; PLACES].into() }
    }
}

impl SharedTexts {
    /// Where a text is kept: where it was put before, if it was.
    pub(super) fn put(&mut self, texts: &mut JsonArena, text: JsonStr<'_>) -> JsonSpan {
        let place = place(text.json());
        match self.at(place, texts, text.json()) {
            Some(before) => before,
            None => *self.places[place].insert(texts.put(text)),
        }
    }

    /// Where a list of texts is kept that is written like this, if it was put before.
    pub(super) fn list(&self, texts: &JsonArena, json: &str) -> Option<JsonSpan> {
        self.at(place(json), texts, json)
    }

    /// Where a list is kept that has just been put at the end: where it was put before, if it was, and then the end is taken back.
    pub(super) fn put_list(&mut self, texts: &mut JsonArena, last: JsonSpan) -> JsonSpan {
        let json = texts.list(last).json();
        let place = place(json);
        match self.at(place, texts, json) {
            Some(before) => {
                texts.truncate(last.start());
                before
            }
            None => *self.places[place].insert(last),
        }
    }

    /// Forgets what was put behind the first `length` bytes of the texts, which something else takes the place of.
    pub(super) fn truncate(&mut self, length: usize) {
        for place in &mut self.places {
            *place = place.filter(|text| text.end() <= length);
        }
    }

    fn at(&self, place: usize, texts: &JsonArena, json: &str) -> Option<JsonSpan> {
        self.places[place].filter(|before| texts.is_at(*before, json))
    }
}

/// The place of a text: by its length and both of its ends, where those that come again differ. Two that have the same place are
/// both kept each time, which takes room; how many there are is the upstream's to say either way.
fn place(json: &str) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let bytes = json.as_bytes();
    let word = |bytes: &[u8]| bytes.iter().rfold(0, |word, byte| word << 8 | u64::from(*byte));
    let first = bytes.first_chunk().map_or_else(|| word(bytes), |first| u64::from_le_bytes(*first));
    let last = bytes.last_chunk().map_or(0, |last| u64::from_le_bytes(*last));
    let ends = (first.wrapping_mul(ODD) ^ last).wrapping_add(json.len() as u64);
    (ends.wrapping_mul(ODD) >> (u64::BITS - PLACES.ilog2())) as usize
}
