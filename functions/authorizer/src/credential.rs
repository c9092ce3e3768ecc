//! The credential of a request.

use std::fmt;

use patgate_rules::token::TokenFormat;

use crate::event::{EventKind, GatewayRequest};

/// A bearer credential. The token prefix alone decides which kind it is. `Debug` does not
/// print it.
#[derive(PartialEq, Eq)]
pub enum BearerCredential<'a> {
    /// A text with the prefix of a personal access token.
    Token(&'a str),
    /// Any other text: the JWT of a session, if it is valid.
    Session(&'a str),
}

impl fmt::Debug for BearerCredential<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Token(_) => "Token(…)",
            Self::Session(_) => "Session(…)",
        })
    }
}

/// The request does not have exactly one bearer credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    #[error("no credential")]
    Missing,
    #[error("several credentials")]
    Several,
    #[error("not a bearer credential")]
    NotBearer,
}

impl<'a> BearerCredential<'a> {
    /// Reads the credential of a request (RFC 6750, section 2.1): `Authorization: Bearer …`.
    /// The header name and the scheme are not case-sensitive. AppSync's clients may leave out
    /// the scheme.
    ///
    /// # Errors
    /// When the request has no credential, several, or one of another scheme.
    pub fn read(request: &'a GatewayRequest, format: &TokenFormat) -> Result<Self, CredentialError> {
        let value = match &request.kind {
            EventKind::RestToken { .. } | EventKind::AppSync => {
                request.authorization_token.as_deref().ok_or(CredentialError::Missing)?
            }
            EventKind::HttpApi2
            | EventKind::HttpApi1 { .. }
            | EventKind::RestRequest { .. }
            | EventKind::WebSocketConnect { .. } => match request.header("authorization") {
                [] => return Err(CredentialError::Missing),
                [value] => value,
                [_, _, ..] => return Err(CredentialError::Several),
            },
        };

        let credential = match value.split_once(' ') {
            // RFC 6750 allows several spaces before the credential, and nothing after it.
            Some((scheme, credential)) if scheme.eq_ignore_ascii_case("bearer") => {
                credential.trim_start_matches(' ')
            }
            // AWS documents that a credential for AppSync has no scheme.
            None if request.kind == EventKind::AppSync => value,
            Some(_) | None => return Err(CredentialError::NotBearer),
        };
        if credential.is_empty() {
            return Err(CredentialError::Missing);
        }

        Ok(if format.has_prefix(credential) { Self::Token(credential) } else { Self::Session(credential) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_print_the_credential() {
        let printed =
            format!("{:?} {:?}", BearerCredential::Token("s3cret"), BearerCredential::Session("s3cret"));
        assert_eq!(printed, "Token(…) Session(…)");
    }
}
