//! What this function reads from the environment.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use patgate_process::{ConfigError, Environment, settings};
use patgate_rules::client_ip::ClientIpHeader;
use patgate_rules::token::TokenFormat;
use patgate_rules::verdict::Policy;

/// The configuration of the authorizer.
#[derive(Debug, Clone)]
pub struct Config {
    pub token_format: TokenFormat,
    pub policy: Policy,
    /// A use is recorded if the last recorded one is at least this old.
    pub last_used_resolution: TimeDelta,
    pub issuer: IssuerUrl,
    pub audience: String,
    /// A scope that every session must have.
    pub required_scope: Option<String>,
    /// The clients whose access tokens are accepted as sessions. Empty means all clients.
    pub allowed_clients: Vec<String>,
    /// `None`: the table `Users` is the only source of roles.
    pub roles_claim: Option<String>,
    pub client_ip_header: Option<ClientIpHeader>,
    pub refusal_status: RefusalStatus,
    /// The dimension of the metrics.
    pub stack_name: String,
}

/// The status of a denial on API Gateway. AppSync has its own form of a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalStatus {
    /// 401: the function fails with the error `Unauthorized`. AWS documents what this does for
    /// REST and WebSocket APIs, and not for HTTP APIs.
    Unauthorized,
    /// 403: the response says that the request is not authorized. AWS documents this for every
    /// kind of API.
    Forbidden,
}

/// The status cannot be that of a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `401` or `403`")]
pub struct InvalidRefusalStatus;

/// The URL of the OpenID Connect issuer. It uses HTTPS, except on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerUrl(String);

/// The URL cannot be that of an issuer. The issuer's keys decide which sessions are valid, so
/// it must be clear which host they are fetched from, and plain HTTP is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `https://`, a host, and optionally a port and a path; without user, query and fragment")]
pub struct InvalidIssuerUrl;

impl Config {
    /// Reads the configuration from the environment.
    ///
    /// # Errors
    /// When a variable is missing or invalid.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let resolution_seconds: u16 = environment.parsed("LAST_USED_RESOLUTION_SECONDS", "60")?;

        Ok(Self {
            token_format: settings::token_format(environment)?,
            policy: settings::policy(environment)?,
            last_used_resolution: TimeDelta::seconds(resolution_seconds.into()),
            issuer: environment.required_parsed("OIDC_ISSUER")?,
            audience: environment.required("OIDC_AUDIENCE")?,
            required_scope: environment.optional("REQUIRED_SCOPE"),
            allowed_clients: allowed_clients(environment),
            roles_claim: settings::roles_claim(environment),
            client_ip_header: settings::client_ip_header(environment)?,
            refusal_status: environment.parsed("REFUSAL_STATUS", "401")?,
            stack_name: environment.optional("STACK_NAME").unwrap_or_else(|| "patgate".to_owned()),
        })
    }
}

fn allowed_clients(environment: &Environment<'_>) -> Vec<String> {
    let clients = environment.optional("ALLOWED_CLIENTS").unwrap_or_default();
    clients.split(',').filter(|client| !client.is_empty()).map(str::to_owned).collect()
}

impl FromStr for RefusalStatus {
    type Err = InvalidRefusalStatus;

    fn from_str(status: &str) -> Result<Self, Self::Err> {
        match status {
            "401" => Ok(Self::Unauthorized),
            "403" => Ok(Self::Forbidden),
            _ => Err(InvalidRefusalStatus),
        }
    }
}

impl IssuerUrl {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IssuerUrl {
    type Err = InvalidIssuerUrl;

    /// Parses an issuer identifier (OpenID Connect Core 1.0, section 2: no query and no
    /// fragment).
    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = url.split_once("://").ok_or(InvalidIssuerUrl)?;
        let authority = rest.split('/').next().unwrap_or_default();
        let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"@?#\\".contains(&byte));
        let (host, port) = split_port(authority);
        let has_host = !host.is_empty() && port.is_none_or(|port| port.parse::<u16>().is_ok());

        let is_allowed = match scheme {
            "https" => true,
            "http" => port.is_some() && ["127.0.0.1", "localhost", "[::1]"].contains(&host),
            _ => false,
        };
        if is_plain && has_host && is_allowed { Ok(Self(url.to_owned())) } else { Err(InvalidIssuerUrl) }
    }
}

/// The host and the port of an authority. The colons of an IPv6 address are in brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<Config, String> {
        let required = [("OIDC_ISSUER", "https://issuer.example"), ("OIDC_AUDIENCE", "patgate")];
        let lookup = |name: &str| {
            let mut variables = changes.iter().chain(&required);
            variables.find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Config::read(&Environment::from_lookup(&lookup)).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let config = read(&[]).unwrap();
        assert!(config.token_format.has_prefix("fdp_"));
        assert_eq!(config.last_used_resolution, TimeDelta::seconds(60));
        assert_eq!(config.policy, Policy::default());
        assert!(config.roles_claim.is_none() && config.client_ip_header.is_none());
        assert!(config.required_scope.is_none() && config.allowed_clients.is_empty());
        assert_eq!(config.refusal_status, RefusalStatus::Unauthorized);
    }

    #[test]
    fn refusal_status_is_401_or_403() {
        let status = |text| read(&[("REFUSAL_STATUS", text)]).map(|config| config.refusal_status);
        assert_eq!(status("401"), Ok(RefusalStatus::Unauthorized));
        assert_eq!(status("403"), Ok(RefusalStatus::Forbidden));
        for text in ["400", "200", "4030", " 403", "forbidden"] {
            assert!(status(text).unwrap_err().contains("expected `401` or `403`"), "{text}");
        }
    }

    #[test]
    fn allowed_clients_are_separated_by_commas() {
        assert_eq!(read(&[("ALLOWED_CLIENTS", "page,cli")]).unwrap().allowed_clients, ["page", "cli"]);
    }

    #[test]
    fn error_names_the_variable_and_its_value() {
        let error = read(&[("LAST_USED_RESOLUTION_SECONDS", "soon")]).unwrap_err();
        assert!(error.contains("`LAST_USED_RESOLUTION_SECONDS` is `soon`"), "{error}");
    }

    #[test]
    fn issuer_over_plain_http_is_rejected_except_on_this_machine() {
        assert!(read(&[("OIDC_ISSUER", "http://issuer.example")]).is_err());
        assert!(read(&[("OIDC_ISSUER", "http://127.0.0.1.example")]).is_err());
        assert!(read(&[("OIDC_ISSUER", "http://127.0.0.1:3001")]).is_ok());
    }

    #[test]
    fn issuer_whose_host_is_not_clear_is_rejected() {
        for url in [
            "http://127.0.0.1:1@evil.example",
            "http://127.0.0.1:@evil.example",
            "http://localhost:80.evil.example",
            "http://[::1]:1@evil.example/",
            "http://127.0.0.1",
            "https://issuer.example@evil.example",
            "https://issuer.example:port",
            "https://issuer.example:65536",
            r"https://issuer.example\evil.example",
            "https://issuer.example?x=1",
            "https://issuer.example/#x",
            "https://issuer example",
            "https://",
            "https://:443",
            "https:///path",
            "ftp://issuer.example",
            "issuer.example",
        ] {
            assert!(read(&[("OIDC_ISSUER", url)]).is_err(), "{url}");
        }
        for url in [
            "https://issuer.example",
            "https://issuer.example:8443/realms/a",
            "https://issuer.example/",
            "https://[2001:db8::1]/",
            "https://[2001:db8::1]:8443",
            "http://[::1]:3001",
            "http://localhost:3001/realms/a",
        ] {
            assert!(read(&[("OIDC_ISSUER", url)]).is_ok(), "{url}");
        }
    }
}
