//! Why a session is not accepted.

/// A session is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The session is invalid.
    #[error(transparent)]
    Denied(#[from] SessionDenial),
    /// The session cannot be checked, because its key is unknown and cannot be fetched. This
    /// is a fault and not a denial.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
}

/// What is wrong with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionDenial {
    #[error("not a session")]
    NotAJwt,
    #[error("session has critical header parameters")]
    CriticalHeader,
    #[error("session is a JWT of another type")]
    OtherType,
    #[error("session names no key")]
    NoKeyId,
    #[error("session is signed by an unknown key")]
    UnknownKey,
    #[error("session has expired")]
    Expired,
    #[error("session is not valid yet")]
    NotYetValid,
    #[error("session is from another issuer")]
    OtherIssuer,
    #[error("session is not signed with the algorithm of its key")]
    OtherAlgorithm,
    #[error("session has a wrong signature")]
    WrongSignature,
    #[error("session lacks a required claim")]
    MissingClaim,
    #[error("session is malformed")]
    Malformed,
    #[error("session is an ID token")]
    IdToken,
    #[error("session is bound to a key of its client")]
    BoundToAKey,
    #[error("session is not an access token")]
    NotAnAccessToken,
    #[error("session is for another audience")]
    OtherAudience,
    #[error("session is from a client that is not allowed")]
    OtherClient,
    #[error("session lacks the required scope")]
    MissingScope,
    #[error("session has no usable subject")]
    NoSubject,
    #[error("session has no time of issue")]
    NoIssueTime,
    #[error("session was issued in the future")]
    IssuedInTheFuture,
}

/// Why the issuer's signing keys cannot be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    #[error("the issuer's keys were fetched too often")]
    TooManyRequests,
    #[error("the issuer did not respond in time")]
    Timeout,
    #[error("{0}")]
    Connection(String),
    #[error("the issuer responded with status {0}")]
    Status(u16),
    #[error("the issuer's response is not JSON: {0}")]
    NotJson(String),
    #[error("the discovery document is of another issuer")]
    OtherIssuer,
    #[error("the discovery document has no `jwks_uri`")]
    NoKeysUrl,
    #[error("the issuer's `jwks_uri` does not use HTTPS")]
    KeysWithoutHttps,
    #[error("the issuer's key set has no keys")]
    NoKeys,
}
