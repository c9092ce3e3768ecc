//! Tokens, and what becomes of them in hands that mistype.

use patgate_rules::token::TokenFormat;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::runner::{check, regressions};

const REGRESSIONS: &str = regressions!("tokens");
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKSUM_LENGTH: usize = 6;

/// Whether a text is a token with this prefix, by the format as it is documented and
/// without the project's own code.
fn is_token(prefix: &str, text: &str) -> bool {
    let Some(body) = text.strip_prefix(prefix) else { return false };
    if body.len() != 38 || !body.bytes().all(|byte| BASE62.contains(&byte)) {
        return false;
    }
    let (covered, checksum) = text.split_at(text.len() - CHECKSUM_LENGTH);
    let value = checksum.bytes().fold(0_u64, |value, byte| {
        value * 62 + BASE62.iter().position(|digit| *digit == byte).unwrap() as u64
    });
    value == u64::from(crc32(covered.as_bytes()))
}

/// CRC-32 (ISO 3309, as in zip and PNG), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// A format, and a token that it generated.
fn tokens() -> impl Strategy<Value = (TokenFormat, String, String)> {
    "[a-z][a-z0-9]{1,14}_".prop_perturb(|prefix, mut random| {
        let format = TokenFormat::new(prefix.clone()).unwrap();
        let token = format.generate(&mut random).unwrap().expose().to_owned();
        (format, prefix, token)
    })
}

fn characters() -> impl Strategy<Value = char> {
    prop_oneof![3 => base62(), 1 => any::<char>()]
}

fn base62() -> impl Strategy<Value = char> {
    prop::sample::select(BASE62.as_slice()).prop_map(char::from)
}

/// One slip of whoever copies a token.
#[derive(Debug, Clone)]
enum Slip {
    Substitute(Index, char),
    /// Of two neighbours.
    Transpose(Index),
    Delete(Index),
    Insert(Index, char),
}

fn slips() -> impl Strategy<Value = Slip> {
    let at = any::<Index>;
    prop_oneof![
        (at(), characters()).prop_map(|(at, character)| Slip::Substitute(at, character)),
        at().prop_map(Slip::Transpose),
        at().prop_map(Slip::Delete),
        (at(), characters()).prop_map(|(at, character)| Slip::Insert(at, character)),
    ]
}

impl Slip {
    fn on(&self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        let length = characters.len();
        match self {
            Self::Insert(at, character) => characters.insert(at.index(length + 1), *character),
            _ if length < 2 => {}
            Self::Substitute(at, character) => characters[at.index(length)] = *character,
            Self::Transpose(at) => {
                let first = at.index(length - 1);
                characters.swap(first, first + 1);
            }
            Self::Delete(at) => {
                characters.remove(at.index(length));
            }
        }
        characters.into_iter().collect()
    }
}

#[test]
fn every_generated_token_parses_and_is_what_the_documentation_says() {
    check(512, REGRESSIONS, tokens(), |(format, prefix, token)| {
        prop_assert!(is_token(&prefix, &token));
        let parsed = format.parse(&token);
        prop_assert_eq!(parsed.map(|parsed| parsed.expose().to_owned()), Ok(token));
        Ok(())
    });
}

/// Certain, not only likely. Another character in what the checksum covers is a burst of
/// at most 8 bits, two neighbours swapped are one of at most 16, and a CRC-32 detects
/// every burst of up to 32; a slip within the checksum leaves what it covers, and so the
/// only right checksum, as it was; a slip in the prefix is another prefix; one character
/// more or fewer is another length.
///
/// One slip is left out: swapping the last character that is covered with the first of
/// the checksum changes both, and 1 of 2^32 such tokens may still be one.
#[test]
fn token_with_one_slip_is_never_a_token() {
    check(2_048, REGRESSIONS, (tokens(), slips()), |((format, prefix, token), slip)| {
        let mistyped = slip.on(&token);
        prop_assume!(mistyped != token);
        let last_covered = token.len() - CHECKSUM_LENGTH - 1;
        if let Slip::Transpose(at) = slip
            && at.index(token.len() - 1) == last_covered
        {
            prop_assert_eq!(format.parse(&mistyped).is_ok(), is_token(&prefix, &mistyped));
            return Ok(());
        }
        prop_assert!(format.parse(&mistyped).is_err(), "{}", mistyped);
        Ok(())
    });
}

/// As certain, and for the same reason: four characters are a burst of 32 bits.
#[test]
fn token_with_up_to_four_neighbouring_characters_changed_is_never_a_token() {
    let changes = prop::collection::vec(base62(), 1..=4);
    check(
        1_024,
        REGRESSIONS,
        (tokens(), any::<Index>(), changes),
        |((format, prefix, token), at, changes)| {
            let covered = prefix.len()..token.len() - CHECKSUM_LENGTH;
            let start = covered.start + at.index(covered.len() - changes.len() + 1);
            let mut changed = token.clone();
            changed.replace_range(start..start + changes.len(), &changes.into_iter().collect::<String>());
            prop_assume!(changed != token);
            prop_assert!(format.parse(&changed).is_err(), "{}", changed);
            Ok(())
        },
    );
}

/// Several slips may make another token, with a probability of about 2^-32: the checksum
/// is for typos, and no protection. What is then said of it is still what the
/// documentation says.
#[test]
fn whatever_becomes_of_a_token_is_one_exactly_if_the_documentation_says_so() {
    let inputs = (tokens(), prop::collection::vec(slips(), 0..8));
    check(1_024, REGRESSIONS, inputs, |((format, prefix, token), slips)| {
        let text = slips.iter().fold(token, |text, slip| slip.on(&text));
        prop_assert_eq!(format.parse(&text).is_ok(), is_token(&prefix, &text), "{}", text);
        Ok(())
    });
}

#[test]
fn no_text_at_all_makes_the_parser_stumble() {
    let texts = prop_oneof![any::<String>(), "fdp_[0-9A-Za-z]{38}", "fdp_.{0,40}", "(fdp_)?[^a-z]{36,44}"];
    check(2_048, REGRESSIONS, texts, |text| {
        let format = TokenFormat::new("fdp_").unwrap();
        prop_assert_eq!(format.parse(&text).is_ok(), is_token("fdp_", &text), "{}", text);
        prop_assert!(format.has_prefix(&text) == text.starts_with("fdp_"));
        Ok(())
    });
}
