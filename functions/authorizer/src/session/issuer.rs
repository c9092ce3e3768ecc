//! The issuer over HTTPS: its discovery document, and from there its keys.

use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use super::keys::KeySource;

/// Both documents together; what is left of the request's second is for the database.
const FETCH_DEADLINE: Duration = Duration::from_millis(700);
/// A key set is a few kilobytes. Whoever sends more is not sending keys.
const MOST_BYTES: usize = 256 * 1024;

#[derive(Debug)]
pub(super) struct Issuer {
    url: String,
    /// Made when first needed: most instances never see a session, and loading the
    /// system's root certificates takes milliseconds of a cold start. The issuer is
    /// anybody's server, so it needs all of them.
    connector: OnceLock<Connector>,
    /// From the discovery document; it does not change.
    keys_url: OnceLock<String>,
}

impl Issuer {
    pub(super) fn new(url: String) -> Self {
        Self { url, connector: OnceLock::new(), keys_url: OnceLock::new() }
    }

    /// OpenID Connect Discovery 1.0, section 4.
    async fn keys_url(&self) -> Result<String, String> {
        if let Some(url) = self.keys_url.get() {
            return Ok(url.clone());
        }
        let base = self.url.trim_end_matches('/');
        let document = self.get_json(&format!("{base}/.well-known/openid-configuration")).await?;
        if document.get("issuer").and_then(Value::as_str) != Some(&self.url) {
            return Err("its discovery document is of another issuer".to_owned());
        }
        let url = document.get("jwks_uri").and_then(Value::as_str);
        let url = url.ok_or("its discovery document names no keys")?;
        if self.url.starts_with("https://") && !url.starts_with("https://") {
            return Err("its keys are not behind HTTPS".to_owned());
        }
        Ok(self.keys_url.get_or_init(|| url.to_owned()).clone())
    }

    async fn get_json(&self, url: &str) -> Result<Value, String> {
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(url).map_err(|error| error.to_string())?;
        let connector = self.connector.get_or_init(|| {
            let provider = Provider::Rustls(CryptoMode::Ring);
            Connector::builder().tls_provider(provider).build()
        });
        let response = connector.call(request).await.map_err(|error| error.to_string())?;
        if response.status().as_u16() != 200 {
            return Err(format!("it answered {}", response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    }
}

impl KeySource for Issuer {
    async fn fetch(&self) -> Result<Vec<Value>, String> {
        let fetch = async {
            let mut document = self.get_json(&self.keys_url().await?).await?;
            match document.get_mut("keys").map(Value::take) {
                Some(Value::Array(keys)) => Ok(keys),
                _ => Err("its key set has no keys".to_owned()),
            }
        };
        let late = |_| Err("it took too long".to_owned());
        tokio::time::timeout(FETCH_DEADLINE, fetch).await.unwrap_or_else(late)
    }
}
