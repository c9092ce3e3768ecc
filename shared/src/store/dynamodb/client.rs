//! How DynamoDB is reached: its endpoint, whose certificates are trusted, how long to wait.

use std::sync::OnceLock;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::endpoint::{
    DefaultResolver, Endpoint, EndpointFuture, Params, ResolveEndpoint,
};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region, SharedHttpClient};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};

use crate::config::{AwsEnvironment, TrustedRoots};

/// How long a call may take, retries included.
///
/// The SDK's own defaults wait a second before the second attempt and for ever in
/// all; whoever waits for an answer is better served by a quick error.
struct Patience {
    attempt: Duration,
    operation: Duration,
}

/// A request waits for the authorizer, and has 1 s in all.
const AUTHORIZER: Patience =
    Patience { attempt: Duration::from_millis(300), operation: Duration::from_millis(950) };
/// A person waits for a page; a transaction may take a little longer.
const ENDPOINT: Patience =
    Patience { attempt: Duration::from_millis(1_500), operation: Duration::from_secs(4) };
const CONNECT: Duration = Duration::from_millis(300);
const ATTEMPTS: u32 = 3;
const FIRST_BACKOFF: Duration = Duration::from_millis(25);
/// The operating system's certificates take milliseconds of a cold start to load.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// A client with the authorizer's timeouts, whose credentials come straight from Lambda's
/// environment, which saves its binary the credential chain of `aws-config`
/// (docs/decisions/0002-lean-sdk-on-ring.md).
#[must_use]
pub fn authorizer_client(aws: &AwsEnvironment) -> Client {
    let credentials = Credentials::new(
        &aws.access_key_id,
        &aws.secret_access_key,
        aws.session_token.clone(),
        None,
        "lambda environment",
    );
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(aws.region.clone()))
        .credentials_provider(credentials)
        .endpoint_resolver(OneEndpoint::default())
        .http_client(https_client(aws.trusted_roots))
        .retry_config(retries())
        .timeout_config(AUTHORIZER.timeouts());
    if let Some(endpoint) = &aws.dynamodb_endpoint {
        config = config.endpoint_url(endpoint);
    }
    Client::from_conf(config.build())
}

/// The endpoint of a client whose region is always the same, and whose credentials name no
/// account: by the SDK's rules, then, every request has the same one.
///
/// The SDK's own resolver remembers the endpoint of the last parameters only. A batch's
/// tables are among them, in the order of a hash map, which is another one half of the time.
#[derive(Debug, Default)]
struct OneEndpoint {
    rules: DefaultResolver,
    resolved: OnceLock<Endpoint>,
}

impl ResolveEndpoint for OneEndpoint {
    fn resolve_endpoint<'a>(&'a self, parameters: &'a Params) -> EndpointFuture<'a> {
        if let Some(endpoint) = self.resolved.get() {
            return EndpointFuture::ready(Ok(endpoint.clone()));
        }
        EndpointFuture::new(async {
            let endpoint = ResolveEndpoint::resolve_endpoint(&self.rules, parameters).await?;
            Ok(self.resolved.get_or_init(|| endpoint).clone())
        })
    }
}

/// A client on the standard credential chain, with this project's HTTPS and timeouts.
pub async fn endpoint_client(roots: TrustedRoots) -> Client {
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(https_client(roots))
        .retry_config(retries())
        .timeout_config(ENDPOINT.timeouts())
        .load()
        .await;
    Client::new(&config)
}

impl Patience {
    fn timeouts(&self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(FIRST_BACKOFF)
}

/// rustls on ring: aws-lc, the SDK's default, gathers entropy for 40 ms of CPU
/// before its first handshake.
fn https_client(roots: TrustedRoots) -> SharedHttpClient {
    let client = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let trusted = match roots {
        TrustedRoots::Amazon => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
        TrustedRoots::System => TrustStore::default(),
    };
    // INVARIANT: no other roots serve instead. Trusting more than was asked for would go
    // unnoticed; a function that does not start is noticed at once.
    #[expect(
        clippy::expect_used,
        reason = "a pinned set that cannot be set up must not start; today it always can"
    )]
    let context = TlsContext::builder().with_trust_store(trusted).build().expect("TLS with these roots");
    client.tls_context(context).build_https()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::{BASE64_STANDARD, Engine};
    use sha2::{Digest, Sha256};

    /// The SHA-256 of each certificate as <https://www.amazontrust.com/repository/> has it.
    const PUBLISHED: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    #[tokio::test]
    async fn every_request_goes_where_the_sdk_would_send_it() {
        for region in ["eu-west-1", "cn-north-1", "us-gov-west-1"] {
            let endpoint = OneEndpoint::default();
            for tables in [["Tokens", "Users"], ["Users", "Tokens"]] {
                let parameters = Params::builder()
                    .region(region.to_owned())
                    .account_id_endpoint_mode("preferred".to_owned())
                    .resource_arn_list(tables.map(str::to_owned))
                    .build()
                    .unwrap();
                let wanted =
                    ResolveEndpoint::resolve_endpoint(&DefaultResolver::new(), &parameters).await.unwrap();
                assert_eq!(endpoint.resolve_endpoint(&parameters).await.unwrap(), wanted);
                assert!(wanted.url().contains(region), "{wanted:?}");
            }
        }
    }

    #[test]
    fn pinned_roots_are_those_of_amazon_trust_services_and_no_others() {
        let pem = str::from_utf8(AMAZON_ROOTS).unwrap();
        let certificates = pem.split("-----BEGIN CERTIFICATE-----").skip(1).map(|rest| {
            let (base64, _) = rest.split_once("-----END CERTIFICATE-----").unwrap();
            BASE64_STANDARD.decode(base64.replace('\n', "")).unwrap()
        });
        let hex = |der: Vec<u8>| Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect();
        let fingerprints: Vec<String> = certificates.map(hex).collect();
        assert_eq!(fingerprints, PUBLISHED);
    }
}
