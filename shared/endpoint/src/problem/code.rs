//! The codes of problems and of field errors. Programs depend on them, so a code never changes
//! its meaning (docs/errors.md describes each one).

use lambda_http::http::StatusCode;

/// What kind of problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemCode {
    InvalidRequest,
    InvalidBody,
    BodyTooLarge,
    UnreadableRequest,
    SessionRequired,
    AdministratorRequired,
    OwnerNotAllowed,
    OwnAccess,
    TokenNotFound,
    UserNotFound,
    NoCurrentToken,
    TooManyTokens,
    AlreadyCreated,
    KeyReused,
    TokenRevoked,
    VersionChanged,
    StorageUnavailable,
    DamagedRecord,
    AuthorizerMissing,
    InternalError,
}

/// What is wrong with one part of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldCode {
    Required,
    WrongType,
    Empty,
    TooLong,
    TooMany,
    InvalidFormat,
    UnclearText,
    OutOfRange,
    InThePast,
    TooFarAhead,
    LaterThanBefore,
    Secret,
    ReadOnly,
    Conflicting,
    Repeated,
    Unknown,
}

impl ProblemCode {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 20] = [
        Self::InvalidRequest,
        Self::InvalidBody,
        Self::BodyTooLarge,
        Self::UnreadableRequest,
        Self::SessionRequired,
        Self::AdministratorRequired,
        Self::OwnerNotAllowed,
        Self::OwnAccess,
        Self::TokenNotFound,
        Self::UserNotFound,
        Self::NoCurrentToken,
        Self::TooManyTokens,
        Self::AlreadyCreated,
        Self::KeyReused,
        Self::TokenRevoked,
        Self::VersionChanged,
        Self::StorageUnavailable,
        Self::DamagedRecord,
        Self::AuthorizerMissing,
        Self::InternalError,
    ];

    /// The value of `code`, and the end of `type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.definition().0
    }

    #[must_use]
    pub fn status(self) -> StatusCode {
        self.definition().1
    }

    /// A summary for people. It is the same for every problem with this code.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.definition().2
    }

    fn definition(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as Status;

        match self {
            Self::InvalidRequest => ("invalid_request", Status::BAD_REQUEST, "The request is invalid"),
            Self::InvalidBody => ("invalid_body", Status::BAD_REQUEST, "The body is not a JSON object"),
            Self::BodyTooLarge => ("body_too_large", Status::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UnreadableRequest => {
                ("unreadable_request", Status::BAD_REQUEST, "The request cannot be read")
            }
            Self::SessionRequired => ("session_required", Status::FORBIDDEN, "A session is required"),
            Self::AdministratorRequired => {
                ("administrator_required", Status::FORBIDDEN, "An administrator is required")
            }
            Self::OwnerNotAllowed => {
                ("owner_not_allowed", Status::FORBIDDEN, "The owner is disabled or unknown")
            }
            Self::OwnAccess => {
                ("own_access", Status::FORBIDDEN, "Administrators cannot end their own access")
            }
            Self::TokenNotFound => ("token_not_found", Status::NOT_FOUND, "There is no such token"),
            Self::UserNotFound => ("user_not_found", Status::NOT_FOUND, "There is no such user"),
            Self::NoCurrentToken => {
                ("no_current_token", Status::NOT_FOUND, "The request was not made with a token")
            }
            Self::TooManyTokens => ("too_many_tokens", Status::CONFLICT, "The user has too many tokens"),
            Self::AlreadyCreated => {
                ("already_created", Status::CONFLICT, "The token was created by an earlier request")
            }
            Self::KeyReused => {
                ("key_reused", Status::UNPROCESSABLE_ENTITY, "The key belongs to another request")
            }
            Self::TokenRevoked => ("token_revoked", Status::CONFLICT, "The token is revoked"),
            Self::VersionChanged => {
                ("version_changed", Status::PRECONDITION_FAILED, "It was changed since you read it")
            }
            Self::StorageUnavailable => {
                ("storage_unavailable", Status::SERVICE_UNAVAILABLE, "Storage is unavailable")
            }
            Self::DamagedRecord => {
                ("damaged_record", Status::INTERNAL_SERVER_ERROR, "A stored record is damaged")
            }
            Self::AuthorizerMissing => {
                ("authorizer_missing", Status::INTERNAL_SERVER_ERROR, "The route has no authorizer")
            }
            Self::InternalError => ("internal_error", Status::INTERNAL_SERVER_ERROR, "The request failed"),
        }
    }
}

impl FieldCode {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 16] = [
        Self::Required,
        Self::WrongType,
        Self::Empty,
        Self::TooLong,
        Self::TooMany,
        Self::InvalidFormat,
        Self::UnclearText,
        Self::OutOfRange,
        Self::InThePast,
        Self::TooFarAhead,
        Self::LaterThanBefore,
        Self::Secret,
        Self::ReadOnly,
        Self::Conflicting,
        Self::Repeated,
        Self::Unknown,
    ];

    /// The value of `code`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::WrongType => "wrong_type",
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::InvalidFormat => "invalid_format",
            Self::UnclearText => "unclear_text",
            Self::OutOfRange => "out_of_range",
            Self::InThePast => "in_the_past",
            Self::TooFarAhead => "too_far_ahead",
            Self::LaterThanBefore => "later_than_before",
            Self::Secret => "secret",
            Self::ReadOnly => "read_only",
            Self::Conflicting => "conflicting",
            Self::Repeated => "repeated",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_documented_with_its_status_and_title() {
        let documented: Vec<_> = rows("## Problems").collect();
        let expected: Vec<_> = ProblemCode::ALL
            .iter()
            .map(|code| format!("| `{}` | {} | {}", code.as_str(), code.status().as_u16(), code.title()))
            .collect();
        assert_eq!(documented.len(), expected.len(), "{documented:#?}");
        for (row, start) in documented.iter().zip(&expected) {
            assert!(row.starts_with(start.as_str()), "`{row}` does not start with `{start}`");
        }
    }

    #[test]
    fn each_field_code_is_documented() {
        let documented: Vec<_> = rows("## Field errors").map(|row| row.split('`').nth(1).unwrap()).collect();
        assert_eq!(documented, FieldCode::ALL.map(FieldCode::as_str));
    }

    /// The rows of the table under a heading.
    fn rows(heading: &str) -> impl Iterator<Item = &'static str> {
        let document = include_str!("../../../../docs/errors.md");
        let (_, section) = document.split_once(heading).expect("the heading");
        let table = section.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
        table.take_while(|line| line.starts_with('|'))
    }
}
