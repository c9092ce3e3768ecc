//! Fetches the issuer's signing keys over HTTPS, by its discovery document.

use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use crate::session::error::IssuerError;
use crate::session::keys::KeySource;

/// The time for both documents. The rest of the request's second is for the database.
const FETCH_DEADLINE: Duration = Duration::from_millis(700);
/// A key set has a few kilobytes. A larger response is not a key set.
const MAX_BYTES: usize = 256 * 1024;

#[derive(Debug)]
pub(crate) struct Issuer {
    url: String,
    /// Built when it is first needed, because most instances never see a session, and loading
    /// the operating system's root certificates takes milliseconds of a cold start. The
    /// issuer may use any certificate authority, so all of them are needed.
    connector: OnceLock<Connector>,
    /// From the discovery document. It does not change.
    keys_url: OnceLock<String>,
}

impl Issuer {
    pub(crate) fn new(url: String) -> Self {
        Self { url, connector: OnceLock::new(), keys_url: OnceLock::new() }
    }

    /// The URL of the key set (OpenID Connect Discovery 1.0, section 4).
    async fn keys_url(&self) -> Result<String, IssuerError> {
        if let Some(url) = self.keys_url.get() {
            return Ok(url.clone());
        }

        let base = self.url.trim_end_matches('/');
        let document = self.get_json(&format!("{base}/.well-known/openid-configuration")).await?;
        if document.get("issuer").and_then(Value::as_str) != Some(&self.url) {
            return Err(IssuerError::OtherIssuer);
        }
        let url = document.get("jwks_uri").and_then(Value::as_str).ok_or(IssuerError::NoKeysUrl)?;
        if self.url.starts_with("https://") && !url.starts_with("https://") {
            return Err(IssuerError::KeysWithoutHttps);
        }

        Ok(self.keys_url.get_or_init(|| url.to_owned()).clone())
    }

    async fn get_json(&self, url: &str) -> Result<Value, IssuerError> {
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(url).map_err(|error| IssuerError::Connection(error.to_string()))?;
        let connector = self.connector.get_or_init(|| {
            let provider = Provider::Rustls(CryptoMode::Ring);
            Connector::builder().tls_provider(provider).build()
        });

        let response = connector.call(request).await;
        let response = response.map_err(|error| IssuerError::Connection(error.to_string()))?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(IssuerError::Status(status));
        }

        let body = Limited::new(response.into_body(), MAX_BYTES).collect().await;
        let body = body.map_err(|error| IssuerError::Connection(error.to_string()))?.to_bytes();
        serde_json::from_slice(&body).map_err(|error| IssuerError::NotJson(error.to_string()))
    }
}

impl KeySource for Issuer {
    async fn fetch(&self) -> Result<Vec<Value>, IssuerError> {
        let fetch = async {
            let mut document = self.get_json(&self.keys_url().await?).await?;
            match document.get_mut("keys").map(Value::take) {
                Some(Value::Array(keys)) => Ok(keys),
                _ => Err(IssuerError::NoKeys),
            }
        };
        tokio::time::timeout(FETCH_DEADLINE, fetch).await.unwrap_or(Err(IssuerError::Timeout))
    }
}
