//! Texts of a roster that many members have: departments, masked attributes, a prefix, an empty description. Each is kept once.

use ahash::RandomState;

use super::json_str::{JsonArena, JsonSpan};

/// How many texts are remembered; each has one place, which it takes from the one before.
const PLACES: usize = 256;

/// Texts that were put before, of which some have come again.
pub(super) struct SharedTexts {
    places: Box<[Option<JsonSpan>]>,
    hasher: RandomState,
}

impl Default for SharedTexts {
    fn default() -> Self {
        // With the same seeds a roster takes the same room whenever it is read.
        Self { places: vec![None; PLACES].into(), hasher: RandomState::with_seeds(1, 2, 3, 4) }
    }
}

impl SharedTexts {
    /// Where a text is kept that has just been put at the end: where it was put before, if it was, and then the end is taken back.
    pub(super) fn once(&mut self, texts: &mut JsonArena, put: JsonSpan) -> JsonSpan {
        let place = self.hasher.hash_one(texts.get(put).json()) as usize % PLACES;
        match self.places[place].filter(|before| texts.take_back(put, *before)) {
            Some(before) => before,
            None => *self.places[place].insert(put),
        }
    }
}
