//! Texts that people read: names of tokens and users, and descriptions.
//!
//! A name can lie about what it is. A bidirectional control reorders the text around it, so
//! that `Revoke "…"?` reads like another question; a line separator starts a line of its own;
//! and a name without a visible character names nothing.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnclearText {
    #[error("must not contain control characters")]
    ControlCharacter,
    #[error("must not contain line separators or characters that change the direction of text")]
    Layout,
    #[error("must contain a visible character")]
    Invisible,
}

/// Characters that are letters or symbols by their category, and blank.
const BLANKS: [char; 5] = ['\u{115f}', '\u{1160}', '\u{2800}', '\u{3164}', '\u{ffa0}'];

/// Checks that a text shows what it is.
///
/// # Errors
/// The first mistake.
pub fn check(name: &str) -> Result<(), UnclearText> {
    if name.chars().any(char::is_control) {
        Err(UnclearText::ControlCharacter)
    } else if name.chars().any(changes_layout) {
        Err(UnclearText::Layout)
    } else if !name.chars().any(is_visible) {
        Err(UnclearText::Invisible)
    } else {
        Ok(())
    }
}

/// Removes what [`check`] does not allow. `None` if nothing visible remains.
#[must_use]
pub fn clean(name: &str, max_characters: usize) -> Option<String> {
    let allowed =
        name.trim().chars().filter(|character| !character.is_control() && !changes_layout(*character));
    let cleaned: String = allowed.take(max_characters).collect();

    cleaned.chars().any(is_visible).then_some(cleaned)
}

/// The controls of the Unicode Bidirectional Algorithm (UAX #9, section 2), and the line and
/// paragraph separators.
fn changes_layout(character: char) -> bool {
    matches!(
        character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// Whether a character shows something. Combining marks and emoji modifiers show something
/// only on another character.
fn is_visible(character: char) -> bool {
    use GeneralCategory as Category;

    let is_blank = matches!(
        character.general_category(),
        Category::Control
            | Category::Format
            | Category::Surrogate
            | Category::PrivateUse
            | Category::Unassigned
            | Category::SpaceSeparator
            | Category::LineSeparator
            | Category::ParagraphSeparator
            | Category::NonspacingMark
            | Category::EnclosingMark
    );
    !is_blank && !BLANKS.contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: [char; 14] = [
        '\u{061c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202b}', '\u{202c}',
        '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
    ];

    #[test]
    fn names_in_every_script_and_emoji_are_clear() {
        for name in
            ["ci", "ci runner ✓", "Ångström", "דוד", "مريم", "李小龍", "👩‍💻", "🏳️‍🌈", "क्षि", "e\u{301}", "…"]
        {
            assert_eq!(check(name), Ok(()), "{name:?}");
            assert_eq!(clean(name, 100).as_deref(), Some(name));
        }
    }

    #[test]
    fn names_that_change_the_layout_are_unclear_and_can_be_cleaned() {
        for character in LAYOUT {
            let name = format!("a{character}b");
            assert_eq!(check(&name), Err(UnclearText::Layout), "{name:?}");
            assert_eq!(clean(&name, 100).as_deref(), Some("ab"));
        }
        for character in ['\0', '\n', '\u{7f}', '\u{85}'] {
            let name = format!("a{character}b");
            assert_eq!(check(&name), Err(UnclearText::ControlCharacter), "{name:?}");
            assert_eq!(clean(&name, 100).as_deref(), Some("ab"));
        }
    }

    #[test]
    fn name_without_a_visible_character_is_unclear() {
        for name in [
            "",
            " ",
            "\u{a0}",
            "\u{200b}",
            "\u{2060}\u{feff}",
            "\u{3164}",
            "\u{2800}",
            "\u{301}",
            "\u{ad}",
            "\u{e000}",
            "\u{fe0f}\u{200d}",
        ] {
            assert_eq!(check(name), Err(UnclearText::Invisible), "{name:?}");
            assert_eq!(clean(name, 100), None);
        }
    }

    #[test]
    fn cleaned_name_has_a_maximum_length() {
        assert_eq!(clean(" \u{202e}abc ", 2).as_deref(), Some("ab"));
    }
}
