//! What the caller sent to prove who they are.

use std::fmt;

use patgate::token::TokenFormat;

use crate::event::{EventKind, GatewayRequest};

/// A bearer credential, told apart by the token prefix alone. It prints nothing of itself.
#[derive(PartialEq, Eq)]
pub enum Credential<'a> {
    /// Claims to be a personal access token.
    Token(&'a str),
    /// Anything else: a session's JWT, if it is of use at all.
    Session(&'a str),
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Token(_) => "Token(…)",
            Self::Session(_) => "Session(…)",
        })
    }
}

/// There is no single bearer credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    #[error("no credential")]
    Missing,
    #[error("several credentials")]
    Several,
    #[error("not a bearer credential")]
    NotBearer,
}

impl<'a> Credential<'a> {
    /// The credential of a request (RFC 6750, section 2.1): `Authorization: Bearer …`,
    /// header name and scheme in any case.
    ///
    /// # Errors
    /// When there is none, more than one, or one of another scheme.
    pub fn of(request: &'a GatewayRequest, format: &TokenFormat) -> Result<Self, CredentialError> {
        let value = match &request.kind {
            EventKind::RestToken { .. } => {
                request.authorization_token.as_deref().ok_or(CredentialError::Missing)?
            }
            EventKind::HttpApi2 | EventKind::HttpApi1 { .. } | EventKind::RestRequest { .. } => {
                match request.header("authorization") {
                    [] => return Err(CredentialError::Missing),
                    [value] => value,
                    [_, _, ..] => return Err(CredentialError::Several),
                }
            }
        };
        let (scheme, credential) = value.split_once(' ').ok_or(CredentialError::NotBearer)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(CredentialError::NotBearer);
        }
        // `1*SP` may stand between the two; nothing may follow, and nothing is trimmed.
        let credential = credential.trim_start_matches(' ');
        if credential.is_empty() {
            return Err(CredentialError::Missing);
        }
        Ok(if format.claims(credential) { Self::Token(credential) } else { Self::Session(credential) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credential_prints_nothing_of_itself() {
        let printed = format!("{:?} {:?}", Credential::Token("s3cret"), Credential::Session("s3cret"));
        assert_eq!(printed, "Token(…) Session(…)");
    }
}
