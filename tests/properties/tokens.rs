//! The token format, and tokens with typos.

use patgate_rules::token::TokenFormat;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::runner::{check_property, regressions};

const REGRESSIONS: &str = regressions!("tokens");
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKSUM_LENGTH: usize = 6;

/// Whether a text is a token with this prefix: the documented format, implemented without
/// the project's code.
fn is_documented_token(prefix: &str, text: &str) -> bool {
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

/// A format, its prefix, and a token that it generated.
fn generated_tokens() -> impl Strategy<Value = (TokenFormat, String, String)> {
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

/// One typo in a token that is copied by hand.
#[derive(Debug, Clone)]
enum Typo {
    Substitute(Index, char),
    /// Swaps two adjacent characters.
    Transpose(Index),
    Delete(Index),
    Insert(Index, char),
}

fn typos() -> impl Strategy<Value = Typo> {
    let place = any::<Index>;
    prop_oneof![
        (place(), characters()).prop_map(|(place, character)| Typo::Substitute(place, character)),
        place().prop_map(Typo::Transpose),
        place().prop_map(Typo::Delete),
        (place(), characters()).prop_map(|(place, character)| Typo::Insert(place, character)),
    ]
}

impl Typo {
    fn apply_to(&self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        let length = characters.len();

        match self {
            Self::Insert(place, character) => characters.insert(place.index(length + 1), *character),
            _ if length < 2 => {}
            Self::Substitute(place, character) => characters[place.index(length)] = *character,
            Self::Transpose(place) => {
                let first = place.index(length - 1);
                characters.swap(first, first + 1);
            }
            Self::Delete(place) => {
                characters.remove(place.index(length));
            }
        }

        characters.into_iter().collect()
    }
}

#[test]
fn every_generated_token_parses_and_matches_the_documented_format() {
    check_property(512, REGRESSIONS, generated_tokens(), |(format, prefix, token)| {
        prop_assert!(is_documented_token(&prefix, &token));
        let parsed = format.parse(&token);
        prop_assert_eq!(parsed.map(|parsed| parsed.expose().to_owned()), Ok(token));
        Ok(())
    });
}

/// This is certain, not only likely:
///
/// - Within the part that the checksum covers, another character is an error burst of at
///   most 8 bits and two swapped characters are one of at most 16 bits. A CRC-32 detects
///   every burst of up to 32 bits.
/// - A typo in the checksum does not change the covered part, which has only one correct
///   checksum.
/// - A typo in the prefix makes another prefix.
/// - One character more or fewer makes another length.
///
/// One typo is an exception: swapping the last covered character with the first character
/// of the checksum changes both, and one in 2^32 such tokens may still be valid.
#[test]
fn token_with_one_typo_is_never_valid() {
    check_property(2_048, REGRESSIONS, (generated_tokens(), typos()), |((format, prefix, token), typo)| {
        let mistyped = typo.apply_to(&token);
        prop_assume!(mistyped != token);

        let last_covered = token.len() - CHECKSUM_LENGTH - 1;
        if let Typo::Transpose(place) = typo
            && place.index(token.len() - 1) == last_covered
        {
            prop_assert_eq!(format.parse(&mistyped).is_ok(), is_documented_token(&prefix, &mistyped));
            return Ok(());
        }

        prop_assert!(format.parse(&mistyped).is_err(), "{}", mistyped);
        Ok(())
    });
}

/// This is certain for the same reason: four characters are a burst of 32 bits.
#[test]
fn token_with_up_to_four_adjacent_characters_changed_is_never_valid() {
    let changes = prop::collection::vec(base62(), 1..=4);
    check_property(
        1_024,
        REGRESSIONS,
        (generated_tokens(), any::<Index>(), changes),
        |((format, prefix, token), place, changes)| {
            let covered = prefix.len()..token.len() - CHECKSUM_LENGTH;
            let start = covered.start + place.index(covered.len() - changes.len() + 1);
            let mut changed = token.clone();
            changed.replace_range(start..start + changes.len(), &changes.into_iter().collect::<String>());
            prop_assume!(changed != token);

            prop_assert!(format.parse(&changed).is_err(), "{}", changed);
            Ok(())
        },
    );
}

/// Several typos can make another valid token, with a probability of about 2^-32: the
/// checksum detects typos and is not a protection. The parser then still agrees with the
/// documented format.
#[test]
fn token_with_several_typos_is_valid_exactly_if_the_documented_format_says_so() {
    let inputs = (generated_tokens(), prop::collection::vec(typos(), 0..8));
    check_property(1_024, REGRESSIONS, inputs, |((format, prefix, token), typos)| {
        let text = typos.iter().fold(token, |text, typo| typo.apply_to(&text));
        prop_assert_eq!(format.parse(&text).is_ok(), is_documented_token(&prefix, &text), "{}", text);
        Ok(())
    });
}

#[test]
fn parser_agrees_with_the_documented_format_on_every_text() {
    let texts = prop_oneof![any::<String>(), "fdp_[0-9A-Za-z]{38}", "fdp_.{0,40}", "(fdp_)?[^a-z]{36,44}"];
    check_property(2_048, REGRESSIONS, texts, |text| {
        let format = TokenFormat::new("fdp_").unwrap();
        prop_assert_eq!(format.parse(&text).is_ok(), is_documented_token("fdp_", &text), "{}", text);
        prop_assert!(format.has_prefix(&text) == text.starts_with("fdp_"));
        Ok(())
    });
}
