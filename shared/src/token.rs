//! What a token looks like: made, taken apart, hashed. Pure; no clock, no storage.
//!
//! `fdp_` + 32 random base62 characters + 6 base62 characters of a CRC-32 over all
//! that precedes them. The checksum turns away typos without a database read and
//! lets secret scanners confirm a find offline, as GitHub's tokens do. It is no
//! protection: the 190 random bits are.

use std::fmt;
use std::str::FromStr;

use rand::TryRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH: usize = 32;
const CHECKSUM_LENGTH: usize = 6;
/// Random characters shown in lists: 36 bits tell a person's tokens apart, and
/// leave 154 unknown.
const DISPLAYED_RANDOM_LENGTH: usize = 6;

/// How this deployment's tokens begin; the rest of the format is fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFormat {
    prefix: String,
}

/// The prefix does not match `^[a-z][a-z0-9]{1,14}_$`.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no token prefix: it takes 2 to 15 lowercase letters and digits, a letter first, and a final underscore"
)]
pub struct InvalidPrefix(String);

/// Why a text is no token of this deployment. Each fault is known without a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseTokenError {
    #[error("does not begin with the token prefix")]
    Prefix,
    #[error("has the wrong length")]
    Length,
    #[error("has a character that is not base62")]
    Character,
    #[error("has a wrong checksum")]
    Checksum,
}

/// The token itself: the secret its owner holds.
///
/// It exists at creation, in the creation response, in the authorizer's input and in
/// the report of a leak; prints nothing in `Debug`, and is wiped when dropped.
#[derive(Clone)]
pub struct PlainToken {
    text: Zeroizing<String>,
    displayed_prefix: String,
}

/// Lowercase hexadecimal SHA-256 of the whole token, the key it is stored under.
///
/// No salt and no slow hash: the input is 190 random bits, so there is nothing to
/// guess. It is never logged: whoever has it can look a token up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(String);

impl TokenFormat {
    /// A format whose tokens begin with `prefix`.
    ///
    /// # Errors
    /// When `prefix` is not `^[a-z][a-z0-9]{1,14}_$`.
    pub fn new(prefix: impl Into<String>) -> Result<Self, InvalidPrefix> {
        let prefix = prefix.into();
        let valid = prefix.strip_suffix('_').is_some_and(|name| {
            (2..=15).contains(&name.len())
                && name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        if valid { Ok(Self { prefix }) } else { Err(InvalidPrefix(prefix)) }
    }

    /// Whether `text` claims to be a token, by its prefix alone.
    #[must_use]
    pub fn claims(&self, text: &str) -> bool {
        text.starts_with(&self.prefix)
    }

    /// A new token from `random`, which must be the operating system's generator
    /// outside tests.
    ///
    /// # Errors
    /// When the generator fails.
    pub fn generate<R: TryRng>(&self, random: &mut R) -> Result<PlainToken, R::Error> {
        // Wiped as well, and of full capacity, so that growing leaves no copy behind.
        let length = self.prefix.len() + RANDOM_LENGTH + CHECKSUM_LENGTH;
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(&self.prefix);
        push_random_base62(&mut text, random)?;
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Ok(self.plain(text))
    }

    /// Takes `text` for a token if its format and checksum are right.
    ///
    /// # Errors
    /// The first fault found, from left to right.
    pub fn parse(&self, text: &str) -> Result<PlainToken, ParseTokenError> {
        let body = text.strip_prefix(&self.prefix).ok_or(ParseTokenError::Prefix)?;
        if body.len() != RANDOM_LENGTH + CHECKSUM_LENGTH {
            return Err(ParseTokenError::Length);
        }
        if !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(ParseTokenError::Character);
        }
        let (payload, claimed) =
            text.split_at_checked(text.len() - CHECKSUM_LENGTH).ok_or(ParseTokenError::Length)?;
        // Not a secret comparison: the checksum follows from the payload.
        if checksum(payload) != claimed {
            return Err(ParseTokenError::Checksum);
        }
        Ok(self.plain(Zeroizing::new(text.to_owned())))
    }

    fn plain(&self, text: Zeroizing<String>) -> PlainToken {
        let displayed = self.prefix.len() + DISPLAYED_RANDOM_LENGTH;
        PlainToken { displayed_prefix: text.chars().take(displayed).collect(), text }
    }
}

impl FromStr for TokenFormat {
    type Err = InvalidPrefix;

    fn from_str(prefix: &str) -> Result<Self, Self::Err> {
        Self::new(prefix)
    }
}

impl PlainToken {
    /// The hash it is stored under.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        use fmt::Write;
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(self.text.as_bytes()) {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        TokenHash(hex)
    }

    /// The first characters, by which its owner tells it from others.
    #[must_use]
    pub fn displayed_prefix(&self) -> &str {
        &self.displayed_prefix
    }

    /// The secret. Only the creation response may carry it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PlainToken(…)")
    }
}

impl TokenHash {
    /// The stored form: 64 lowercase hexadecimal characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes 64 hexadecimal characters, in either case, for a hash.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Takes what storage holds for a hash.
    #[cfg(feature = "store")]
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash(…)")
    }
}

fn push_random_base62<R: TryRng>(text: &mut String, random: &mut R) -> Result<(), R::Error> {
    // 248 is the largest multiple of 62 that a byte reaches. Taking the remainder
    // of larger values too would favour the first eight characters.
    const UNBIASED: u8 = 248;
    let mut bytes = Zeroizing::new([0_u8; RANDOM_LENGTH]);
    let mut missing = RANDOM_LENGTH;
    while missing > 0 {
        random.try_fill_bytes(bytes.as_mut_slice())?;
        for byte in bytes.iter().filter(|byte| **byte < UNBIASED).take(missing) {
            text.push(base62(u32::from(*byte)));
            missing -= 1;
        }
    }
    Ok(())
}

/// Six base62 digits, most significant first; 62^6 exceeds 2^32.
fn checksum(payload: &str) -> String {
    let mut rest = crc32fast::hash(payload.as_bytes());
    let mut digits = [0_u8; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = base62(rest) as u8;
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

fn base62(value: u32) -> char {
    #[expect(clippy::indexing_slicing, reason = "the remainder is below the array's length")]
    char::from(BASE62[(value % 62) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::SysRng;

    /// A token somebody wrote down; its checksum was computed with Python's zlib.
    const KNOWN: &str = "fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw";

    fn format() -> TokenFormat {
        TokenFormat::new("fdp_").unwrap()
    }

    #[test]
    fn generated_token_has_the_documented_form_and_parses() {
        let token = format().generate(&mut SysRng).unwrap();
        let text = token.expose();
        assert_eq!(text.len(), 42);
        assert!(text.starts_with("fdp_"));
        assert!(text.bytes().skip(4).all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(Some(token.displayed_prefix()), text.get(..10));
        assert_eq!(format().parse(text).unwrap().hash(), token.hash());
    }

    #[test]
    fn generated_tokens_use_every_character_about_as_often() {
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..2_000 {
            let token = format().generate(&mut SysRng).unwrap();
            for byte in token.expose().bytes().skip(4).take(RANDOM_LENGTH) {
                *counts.entry(byte).or_insert(0_u32) += 1;
            }
        }
        // 64,000 draws: 1,032 expected each, with a standard deviation of 32. The
        // bias of a plain remainder would be 258 on eight of them.
        assert_eq!(counts.len(), 62);
        assert!(counts.values().all(|count| (790..1_274).contains(count)), "{counts:?}");
    }

    #[test]
    fn known_token_parses_to_its_known_hash() {
        let token = format().parse(KNOWN).unwrap();
        assert_eq!(token.hash().as_str(), "504c97d90526ff5b31194e0e36261e799be41d8e5d481f882ea78c9642cf80dd");
    }

    #[test]
    fn every_single_changed_character_is_noticed() {
        let token = format().generate(&mut SysRng).unwrap();
        for position in 4..42 {
            let mut changed = token.expose().to_owned().into_bytes();
            changed[position] = if changed[position] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(format().parse(&changed).unwrap_err(), ParseTokenError::Checksum);
        }
    }

    #[test]
    fn each_fault_has_its_own_error() {
        let token = KNOWN;
        for (text, fault) in [
            (String::new(), ParseTokenError::Prefix),
            (token.replace("fdp_", "FDP_"), ParseTokenError::Prefix),
            (format!(" {token}"), ParseTokenError::Prefix),
            (token.chars().take(41).collect(), ParseTokenError::Length),
            (format!("{token} "), ParseTokenError::Length),
            (format!("{token}\n"), ParseTokenError::Length),
            (token.replace('9', "-"), ParseTokenError::Character),
            (token.replace("89", "é"), ParseTokenError::Character),
            (token.replace("0123", "3210"), ParseTokenError::Checksum),
        ] {
            assert_eq!(format().parse(&text).unwrap_err(), fault, "{text:?}");
        }
    }

    #[test]
    fn another_deployments_token_is_not_ours() {
        let other = TokenFormat::new("acme_").unwrap();
        let token = other.generate(&mut SysRng).unwrap();
        assert_eq!(format().parse(token.expose()).unwrap_err(), ParseTokenError::Prefix);
        assert!(!format().claims(token.expose()) && other.claims(token.expose()));
    }

    #[test]
    fn prefixes_that_would_be_ambiguous_are_refused() {
        for prefix in ["", "_", "fdp", "Fdp_", "1dp_", "f_", "f-p_", "fdp__", "abcdefghijklmnop_"] {
            assert!(TokenFormat::new(prefix).is_err(), "{prefix:?}");
        }
    }

    #[test]
    fn debug_shows_neither_token_nor_hash() {
        let token = format().parse(KNOWN).unwrap();
        assert_eq!(format!("{token:?} {:?}", token.hash()), "PlainToken(…) TokenHash(…)");
    }
}
