//! Case folding: the one rule by which names, e-mail addresses and search texts are compared without regard to case.

/// `text` in lower case by Unicode's simple mapping. Two texts are equal "case-insensitively" when their folds are equal.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}
