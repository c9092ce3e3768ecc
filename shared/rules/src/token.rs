//! The format of tokens: how they are generated, parsed and hashed.
//!
//! A token is `fdp_`, 32 random base62 characters, and 6 base62 characters with the
//! CRC-32 of everything before them. With the checksum, a mistyped token is denied
//! without a database read, and secret scanners can confirm a finding offline, as with
//! GitHub's tokens. The checksum protects nothing; the 190 random bits do.

use std::fmt;
use std::str::FromStr;

use rand::TryRng;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::sha256;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH: usize = 32;
const CHECKSUM_LENGTH: usize = 6;
/// How many random characters lists show: 36 bits are enough to tell a user's tokens
/// apart, and 154 remain unknown.
const DISPLAYED_RANDOM_LENGTH: usize = 6;

/// The format of this deployment's tokens. Only the prefix can be configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFormat {
    prefix: String,
}

/// The prefix does not match `^[a-z][a-z0-9]{1,14}_$`.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not a valid token prefix: expected 2 to 15 lowercase letters and digits, starting with a letter, and a final underscore"
)]
pub struct InvalidPrefix(String);

/// Why a text is not a token of this deployment. No database read is needed to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseTokenError {
    #[error("does not begin with the token prefix")]
    Prefix,
    #[error("has the wrong length")]
    Length,
    #[error("contains a character that is not base62")]
    Character,
    #[error("has a wrong checksum")]
    Checksum,
}

/// The plain text of a token: the secret that its owner holds.
///
/// It exists during creation, in the response to a creation, in the authorizer's input
/// and in a report of leaked tokens. `Debug` does not print it, and it is wiped from
/// memory when it is dropped.
#[derive(Debug, Clone)]
pub struct PlainToken {
    secret: SecretString,
    displayed_prefix: String,
}

/// The lowercase hexadecimal SHA-256 of a whole token: the key of its record.
///
/// It needs neither a salt nor a slow hash, because 190 random bits cannot be guessed. It
/// is never logged, because it is the key by which a token can be looked up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(String);

impl TokenFormat {
    /// The format of tokens that start with `prefix`.
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

    /// Whether `text` has the prefix of a token. Nothing else is checked.
    #[must_use]
    pub fn has_prefix(&self, text: &str) -> bool {
        text.starts_with(&self.prefix)
    }

    /// Generates a token from `random`, which outside tests must be the operating system's
    /// random number generator.
    ///
    /// # Errors
    /// When the random number generator fails.
    pub fn generate<R: TryRng>(&self, random: &mut R) -> Result<PlainToken, R::Error> {
        // The capacity is final, so that growing leaves no copy of the secret behind.
        let length = self.prefix.len() + RANDOM_LENGTH + CHECKSUM_LENGTH;
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(&self.prefix);
        push_random_base62(&mut text, random)?;
        let checksum = checksum(&text);
        text.push_str(&checksum);

        Ok(self.plain_token(&text))
    }

    /// Parses a token and verifies its checksum.
    ///
    /// # Errors
    /// The first mistake from left to right.
    pub fn parse(&self, text: &str) -> Result<PlainToken, ParseTokenError> {
        let body = text.strip_prefix(&self.prefix).ok_or(ParseTokenError::Prefix)?;
        if body.len() != RANDOM_LENGTH + CHECKSUM_LENGTH {
            return Err(ParseTokenError::Length);
        }
        if !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(ParseTokenError::Character);
        }

        let (payload, expected) =
            text.split_at_checked(text.len() - CHECKSUM_LENGTH).ok_or(ParseTokenError::Length)?;
        // This comparison need not take constant time: the checksum follows from the payload.
        if checksum(payload) != expected {
            return Err(ParseTokenError::Checksum);
        }

        Ok(self.plain_token(text))
    }

    fn plain_token(&self, text: &str) -> PlainToken {
        let displayed_length = self.prefix.len() + DISPLAYED_RANDOM_LENGTH;
        PlainToken {
            secret: SecretString::from(text),
            displayed_prefix: text.chars().take(displayed_length).collect(),
        }
    }
}

impl FromStr for TokenFormat {
    type Err = InvalidPrefix;

    fn from_str(prefix: &str) -> Result<Self, Self::Err> {
        Self::new(prefix)
    }
}

impl PlainToken {
    /// The hash that the token is stored under.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(sha256::hex(self.expose()))
    }

    /// The first characters, by which its owner recognizes the token.
    #[must_use]
    pub fn displayed_prefix(&self) -> &str {
        &self.displayed_prefix
    }

    /// The secret. Only the response to a creation may contain it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }
}

/// Whether a text has the form of a token of any deployment, with or without a valid checksum.
#[must_use]
pub fn has_form_of_token(text: &str) -> bool {
    let Some((prefix, rest)) = text.split_once('_') else { return false };
    let is_prefix = TokenFormat::new(format!("{prefix}_")).is_ok();
    is_prefix
        && rest.len() == RANDOM_LENGTH + CHECKSUM_LENGTH
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl TokenHash {
    /// The stored form: 64 lowercase hexadecimal characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Wraps a hash that was read from the store, without a check of its form. Only the store
    /// may call this; everything else parses.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

/// The text is not 64 hexadecimal characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal characters")]
pub struct InvalidHash;

impl FromStr for TokenHash {
    type Err = InvalidHash;

    /// Parses 64 hexadecimal characters in either case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash { Ok(Self(text.to_ascii_lowercase())) } else { Err(InvalidHash) }
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash(…)")
    }
}

fn push_random_base62<R: TryRng>(text: &mut String, random: &mut R) -> Result<(), R::Error> {
    // 248 is the largest multiple of 62 that fits into a byte. The remainders of larger
    // values would favor the first eight characters.
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

/// Six base62 digits, the most significant first. 62^6 is larger than 2^32.
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

    /// A fixed token. Its checksum was computed with Python's zlib.
    const KNOWN: &str = "fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw";

    fn format() -> TokenFormat {
        TokenFormat::new("fdp_").unwrap()
    }

    #[test]
    fn generated_token_has_the_documented_format_and_can_be_parsed() {
        let token = format().generate(&mut SysRng).unwrap();
        let text = token.expose();
        assert_eq!(text.len(), 42);
        assert!(text.starts_with("fdp_"));
        assert!(text.bytes().skip(4).all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(Some(token.displayed_prefix()), text.get(..10));
        assert_eq!(format().parse(text).unwrap().hash(), token.hash());
    }

    #[test]
    fn generated_tokens_use_every_character_equally_often() {
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..2_000 {
            let token = format().generate(&mut SysRng).unwrap();
            for byte in token.expose().bytes().skip(4).take(RANDOM_LENGTH) {
                *counts.entry(byte).or_insert(0_u32) += 1;
            }
        }
        // Of 64,000 characters, 1,032 are expected of each kind, with a standard deviation
        // of 32. A plain remainder would add 258 to eight of them.
        assert_eq!(counts.len(), 62);
        assert!(counts.values().all(|count| (790..1_274).contains(count)), "{counts:?}");
    }

    #[test]
    fn known_token_has_its_known_hash() {
        let token = format().parse(KNOWN).unwrap();
        assert_eq!(token.hash().as_str(), "504c97d90526ff5b31194e0e36261e799be41d8e5d481f882ea78c9642cf80dd");
    }

    #[test]
    fn every_change_of_a_single_character_is_detected() {
        let token = format().generate(&mut SysRng).unwrap();
        for position in 4..42 {
            let mut changed = token.expose().to_owned().into_bytes();
            changed[position] = if changed[position] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(format().parse(&changed).unwrap_err(), ParseTokenError::Checksum);
        }
    }

    #[test]
    fn each_mistake_has_its_own_error() {
        let token = KNOWN;
        for (text, expected) in [
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
            assert_eq!(format().parse(&text).unwrap_err(), expected, "{text:?}");
        }
    }

    #[test]
    fn token_of_another_deployment_is_denied() {
        let other = TokenFormat::new("acme_").unwrap();
        let token = other.generate(&mut SysRng).unwrap();
        assert_eq!(format().parse(token.expose()).unwrap_err(), ParseTokenError::Prefix);
        assert!(!format().has_prefix(token.expose()) && other.has_prefix(token.expose()));
    }

    #[test]
    fn invalid_prefixes_are_rejected() {
        for prefix in ["", "_", "fdp", "Fdp_", "1dp_", "f_", "f-p_", "fdp__", "abcdefghijklmnop_"] {
            assert!(TokenFormat::new(prefix).is_err(), "{prefix:?}");
        }
    }

    #[test]
    fn debug_prints_neither_token_nor_hash() {
        let token = format().parse(KNOWN).unwrap();
        let printed = format!("{token:?} {:?}", token.hash());
        let expected = r#"PlainToken { secret: SecretBox<str>([REDACTED]), displayed_prefix: "fdp_012345" } TokenHash(…)"#;
        assert_eq!(printed, expected);
    }
}
