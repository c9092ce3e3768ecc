//! Search in texts that people read, without regard to case and accents.

use unicode_normalization::UnicodeNormalization;

/// The longest text to search for, in characters.
pub const MAX_SEARCH_CHARACTERS: usize = 100;

/// A text to search for, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(String);

impl SearchText {
    /// `None` if nothing visible remains of the text, such as of a single accent.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        Some(fold(text.trim())).filter(|folded| !folded.is_empty()).map(Self)
    }

    /// Whether the text occurs anywhere in another one.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        fold(text).contains(&self.0)
    }

    /// Whether another text starts with it.
    #[must_use]
    pub fn starts(&self, text: &str) -> bool {
        fold(text).starts_with(&self.0)
    }
}

/// The base letters in lower case: compatibility decomposition (UAX #15) without accents.
///
/// Marks of other scripts stay, because they are vowels there. So do letters that Unicode does
/// not decompose, such as `ø`.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.nfkd().flat_map(char::to_lowercase) {
        match character {
            '\u{300}'..='\u{36f}' => {}
            'ß' => folded.push_str("ss"),
            'ς' => folded.push('σ'),
            character => folded.push(character),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_do_not_matter() {
        for (wanted, text) in [
            ("deploy", "Nightly DEPLOY"),
            ("angstrom", "Ångström"),
            ("ÅNGSTRÖM", "angstrom"),
            ("istanbul", "İstanbul"),
            ("ﬁle", "File server"),
            ("дом", "ДОМ"),
            ("e\u{301}te", "été"),
            (" ci ", "ci runner"),
            ("STRASSE", "Straße"),
            ("ΟΔΟΣ", "οδος"),
        ] {
            assert!(SearchText::new(wanted).unwrap().is_in(text), "{wanted:?} in {text:?}");
        }
        for (wanted, text) in [("deploy", "deplo y"), ("की", "का")] {
            assert!(!SearchText::new(wanted).unwrap().is_in(text), "{wanted:?} in {text:?}");
        }
    }

    #[test]
    fn beginning_is_told_from_the_rest() {
        let wanted = SearchText::new("FDP_ab").unwrap();
        assert!(wanted.starts("fdp_ABcdef") && !wanted.starts("xfdp_ab"));
    }

    #[test]
    fn text_without_a_base_letter_is_no_search() {
        for nothing in ["", "  ", "\u{301}"] {
            assert_eq!(SearchText::new(nothing), None, "{nothing:?}");
        }
    }
}
