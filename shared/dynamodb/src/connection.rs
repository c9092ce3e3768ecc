//! The connection to DynamoDB: its endpoint, the trusted certificates and the timeouts.

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
use secrecy::ExposeSecret;

use crate::config::{AwsEnvironment, TrustedRoots};
use crate::integrity::CheckIntegrity;

/// How long a call may take, including its retries.
///
/// By default the SDK waits a second before the second attempt, and without limit in
/// total. A client that waits for a response is better served by an early error.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    pub attempt: Duration,
    pub operation: Duration,
}

const CONNECT: Duration = Duration::from_millis(300);
const ATTEMPTS: u32 = 3;
const FIRST_BACKOFF: Duration = Duration::from_millis(25);
/// Compiled in, because loading the operating system's certificates takes milliseconds of a
/// cold start.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// A client of the authorizer. It takes its credentials directly from the
/// environment, so that the binary does not contain the credential chain of `aws-config`
/// (docs/decisions/0002-lean-sdk-on-ring.md).
#[must_use]
pub fn authorizer_client(aws: &AwsEnvironment) -> Client {
    let credentials = Credentials::new(
        aws.access_key_id.expose_secret(),
        aws.secret_access_key.expose_secret(),
        aws.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
        None,
        "lambda environment",
    );

    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(aws.region.clone()))
        .credentials_provider(credentials)
        .endpoint_resolver(CachedEndpoint::default())
        .http_client(https_client(aws.trusted_roots))
        .interceptor(CheckIntegrity)
        .retry_config(retries())
        .timeout_config(aws.time_limits.timeouts());
    if let Some(endpoint) = &aws.dynamodb_endpoint {
        config = config.endpoint_url(endpoint);
    }

    Client::from_conf(config.build())
}

/// Resolves the endpoint once. The region never changes and the credentials name no
/// account, so by the SDK's rules every request has the same endpoint.
///
/// The SDK's own resolver caches only the result for the last parameters. They contain the
/// tables of a batch in the order of a hash map, which differs in half of all requests.
#[derive(Debug, Default)]
struct CachedEndpoint {
    rules: DefaultResolver,
    resolved: OnceLock<Endpoint>,
}

impl ResolveEndpoint for CachedEndpoint {
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

/// A client with the endpoints' timeouts and the SDK's default credential chain.
pub(crate) async fn endpoint_client(roots: TrustedRoots) -> Client {
    let aws = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(https_client(roots))
        .retry_config(retries())
        .timeout_config(TimeLimits::ENDPOINT.timeouts())
        .load()
        .await;
    let config = Config::from(&aws).to_builder().interceptor(CheckIntegrity).build();
    Client::from_conf(config)
}

impl TimeLimits {
    /// Every request waits for the authorizer, which has 1 s in total.
    pub const AUTHORIZER: Self =
        Self { attempt: Duration::from_millis(300), operation: Duration::from_millis(950) };
    /// A user waits for the page. Transactions may take a little longer.
    const ENDPOINT: Self = Self { attempt: Duration::from_millis(1_500), operation: Duration::from_secs(4) };

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

/// An HTTPS client of rustls on ring. The SDK's default, aws-lc, spends 40 ms of CPU time
/// gathering entropy before its first handshake.
fn https_client(roots: TrustedRoots) -> SharedHttpClient {
    let client = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let trusted = match roots {
        TrustedRoots::Amazon => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
        TrustedRoots::System => TrustStore::default(),
    };

    // INVARIANT: there is no fallback to other roots. Trusting more than was configured would
    // go unnoticed; a function that does not start is noticed at once.
    #[expect(
        clippy::expect_used,
        reason = "a function without its configured roots must not start; today this cannot fail"
    )]
    let context = TlsContext::builder().with_trust_store(trusted).build().expect("TLS with these roots");
    client.tls_context(context).build_https()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::{BASE64_STANDARD, Engine};
    use sha2::{Digest, Sha256};

    /// The SHA-256 of each certificate, from <https://www.amazontrust.com/repository/>.
    const PUBLISHED: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    #[tokio::test]
    async fn cached_endpoint_is_the_one_that_the_sdk_resolves() {
        for region in ["eu-west-1", "cn-north-1", "us-gov-west-1"] {
            let endpoint = CachedEndpoint::default();
            for tables in [["Tokens", "Users"], ["Users", "Tokens"]] {
                let parameters = Params::builder()
                    .region(region.to_owned())
                    .account_id_endpoint_mode("preferred".to_owned())
                    .resource_arn_list(tables.map(str::to_owned))
                    .build()
                    .unwrap();
                let expected =
                    ResolveEndpoint::resolve_endpoint(&DefaultResolver::new(), &parameters).await.unwrap();
                assert_eq!(endpoint.resolve_endpoint(&parameters).await.unwrap(), expected);
                assert!(expected.url().contains(region), "{expected:?}");
            }
        }
    }

    #[test]
    fn pinned_roots_are_exactly_those_of_amazon_trust_services() {
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
