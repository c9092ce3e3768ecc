//! Tokens and users in DynamoDB. This module and those below it are the only ones
//! that know the AWS SDK; one file each for what a kind of caller needs.

mod administration;
mod batch;
mod credentials;
mod items;
mod lists;
mod tokens;
mod users;

use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::endpoint::{
    DefaultResolver, Endpoint, EndpointFuture, Params, ResolveEndpoint,
};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region, SharedHttpClient};
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use rand::TryRng;
use rand::rngs::SysRng;

use crate::config::{AwsEnvironment, Tables, TrustedRoots};
use crate::store::StoreError;
use items::USER_ID;

/// The two tables, through one client.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    tables: Tables,
}

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
/// Of an instance's start, for its connection: the request that it is started for waits too.
const IN_ADVANCE: Duration = Duration::from_millis(200);
/// The operating system's certificates take milliseconds of a cold start to load.
const AMAZON_ROOTS: &[u8] = include_bytes!("dynamodb/amazon-roots.pem");
/// No issuer's subject: OpenID Connect Core 1.0 has them in ASCII, and people have names.
const NOBODY: &str = "\u{2205}";
const ATTEMPTS: u32 = 3;
const FIRST_BACKOFF: Duration = Duration::from_millis(25);

impl Store {
    /// For the authorizer.
    #[must_use]
    pub fn for_authorizer(aws: &AwsEnvironment, tables: Tables) -> Self {
        Self { client: authorizer_client(aws), tables }
    }

    /// For the management endpoints.
    pub async fn for_endpoint(tables: Tables, roots: TrustedRoots) -> Self {
        Self { client: endpoint_client(roots).await, tables }
    }

    /// Opens the connection that the first request will use, so that no caller waits for
    /// the handshake. A read does it, of a user that does not exist: half a unit.
    ///
    /// It never fails, and soon gives up. Without it the first request opens the
    /// connection, and says what is wrong if it cannot.
    pub async fn connect(&self) {
        let read = self.client.get_item().table_name(&self.tables.users);
        let read = read.key(USER_ID, items::text(NOBODY)).consistent_read(false).send();
        let failure = match tokio::time::timeout(IN_ADVANCE, read).await {
            Ok(read) => read.err().map(|error| unavailable("connect in advance")(error).to_string()),
            Err(_) => Some("it takes too long".to_owned()),
        };
        if let Some(reason) = failure {
            tracing::warn!(reason, "no connection to the database yet");
        }
    }

    /// On a client made elsewhere, for tests.
    #[must_use]
    pub fn with_client(client: Client, tables: Tables) -> Self {
        Self { client, tables }
    }
}

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

/// A failed call as one line. Only the `Display` of errors goes in: their `Debug`
/// holds the raw exchange, and with it keys, which are hashes.
pub fn unavailable<E, R>(operation: &'static str) -> impl Fn(SdkError<E, R>) -> StoreError
where
    E: Error + 'static,
    R: std::fmt::Debug,
{
    move |error| {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            reason.push_str(": ");
            reason.push_str(&inner.to_string());
            source = inner.source();
        }
        StoreError::Unavailable { operation, reason }
    }
}

// Why a transaction was cancelled: one code for each of its items.
// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
const CONDITION_FAILED: &str = "ConditionalCheckFailed";
const CONFLICT: &str = "TransactionConflict";

/// What a transaction was cancelled for; empty if something else went wrong with it.
fn cancellation_reasons<R>(error: &SdkError<TransactWriteItemsError, R>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons()
        }
        _ => &[],
    }
}

fn codes(reasons: &[CancellationReason]) -> Vec<&str> {
    reasons.iter().map(|reason| reason.code().unwrap_or_default()).collect()
}

/// Somebody who creates several tokens at once conflicts with themselves: each creation
/// checks their user record, and a sign-in writes it.
const CONFLICT_ATTEMPTS: u32 = 8;
const CONFLICT_PAUSE: Duration = Duration::from_millis(20);

/// Attempts a write again while its answer is None: another one to the same item was
/// under way. The SDK does not do that by itself.
async fn despite_conflicts<T, A>(operation: &'static str, attempt: impl Fn() -> A) -> Result<T, StoreError>
where
    A: Future<Output = Result<Option<T>, StoreError>>,
{
    let mut pause = CONFLICT_PAUSE;
    for _ in 1..CONFLICT_ATTEMPTS {
        if let Some(done) = attempt().await? {
            return Ok(done);
        }
        tokio::time::sleep(pause.mul_f64(jitter())).await;
        pause *= 2;
    }
    let conflict = || StoreError::Unavailable { operation, reason: "writes conflict".to_owned() };
    attempt().await?.ok_or_else(conflict)
}

/// 0.5 to 1.5, drawn by lot: two that conflicted must not meet again.
fn jitter() -> f64 {
    let drawn = SysRng.try_next_u32().unwrap_or_default();
    0.5 + f64::from(drawn) / f64::from(u32::MAX)
}

/// A request that lacks a part; the builders check at run time what we know to hold.
fn incomplete(operation: &'static str) -> impl Fn(BuildError) -> StoreError {
    move |error| StoreError::Unavailable { operation, reason: error.to_string() }
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
