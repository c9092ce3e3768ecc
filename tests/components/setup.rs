//! A store on the tables of a running system, and the configuration of an authorizer.

use std::time::Duration;

use patgate_authorizer::Config;
use patgate_dynamodb::config::{AwsEnvironment, Tables, TrustedRoots};
use patgate_dynamodb::{
    CreationOutcome, ListRequest, ListScope, NewToken, SignIn, Store, TimeLimits, UserChange,
};
use patgate_harness::{DynamoDbProxy, Settings, System, other_dynamodb_url};
use patgate_process::Environment;
use patgate_rules::clock::{self, Timestamp};
use patgate_rules::token::{PlainToken, TokenFormat};
use patgate_rules::token_filter::TokenFilter;
use patgate_rules::token_record::TokenRecord;
use patgate_rules::user::User;
use patgate_rules::verdict::Policy;
use rand::rngs::SysRng;
use uuid::Uuid;

/// Nothing listens at this URL, so every request to it fails.
pub(crate) const UNREACHABLE_URL: &str = "http://127.0.0.1:9";

/// Another implementation of DynamoDB may be slow, and tests count the requests that reach it.
const PATIENCE: TimeLimits =
    TimeLimits { attempt: Duration::from_secs(10), operation: Duration::from_secs(30) };

pub(crate) fn start_system() -> System {
    System::start_local(Settings::default()).expect("these tests need a system on this machine")
}

/// A system, and a store that reaches its DynamoDB through a proxy.
pub(crate) fn start_observed() -> (System, DynamoDbProxy, Store) {
    let system = start_system();
    let proxy = DynamoDbProxy::start();
    proxy.forward_to(&system.local().dynamodb);
    let store = store_at(&proxy.url);

    (system, proxy, store)
}

pub(crate) fn store_at(dynamodb_url: &str) -> Store {
    let tables = Tables { tokens: "Tokens".into(), users: "Users".into() };
    Store::for_authorizer(&aws_environment(dynamodb_url), tables)
}

pub(crate) fn aws_environment(dynamodb_url: &str) -> AwsEnvironment {
    AwsEnvironment {
        region: "us-east-1".into(),
        access_key_id: "LOCAL-tests".into(),
        secret_access_key: "local".into(),
        session_token: None,
        dynamodb_endpoint: Some(dynamodb_url.to_owned()),
        trusted_roots: TrustedRoots::Amazon,
        time_limits: if other_dynamodb_url().is_some() { PATIENCE } else { TimeLimits::AUTHORIZER },
    }
}

/// The configuration that the authorizer reads from an environment with these variables in
/// addition to the required ones.
pub(crate) fn authorizer_config(variables: &[(&str, &str)]) -> Config {
    let defaults = [("OIDC_ISSUER", UNREACHABLE_URL), ("OIDC_AUDIENCE", "patgate"), ("ROLES_CLAIM", "roles")];
    let lookup = |name: &str| {
        let mut all = variables.iter().chain(&defaults);
        all.find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };

    Config::read(&Environment::from_lookup(&lookup)).unwrap()
}

static EVERY_TOKEN: TokenFilter =
    TokenFilter { status: None, usable: None, text: None, expires_before: None, unused_since: None };

/// A request for the newest tokens of alice.
pub(crate) fn every_token() -> ListRequest<'static> {
    ListRequest {
        scope: ListScope::User("alice"),
        filter: &EVERY_TOKEN,
        before: None,
        limit: 100,
        now: clock::now(),
        policy: Policy::default(),
    }
}

/// Parses a time in the format of the store.
pub(crate) fn timestamp(text: &str) -> Timestamp {
    clock::from_text(text).unwrap()
}

/// Generates a token, but does not store it.
pub(crate) fn generate_token(owner_id: &str, created_at: Timestamp) -> (PlainToken, NewToken) {
    let secret = TokenFormat::new("fdp_").unwrap().generate(&mut SysRng).unwrap();
    let token = NewToken {
        hash: secret.hash(),
        token_id: Uuid::now_v7(),
        user_id: owner_id.to_owned(),
        name: "ci".into(),
        description: None,
        prefix: secret.displayed_prefix().into(),
        created_at,
        expires_at: None,
        purge_at: None,
        idempotency: None,
    };
    (secret, token)
}

/// Creates a token whose owner may have it, and returns its record.
pub(crate) async fn create_token(store: &Store, token: &NewToken) -> TokenRecord {
    match store.create_token(token).await.unwrap() {
        CreationOutcome::Created(created) => created.token,
        outcome => panic!("{outcome:?}"),
    }
}

pub(crate) async fn sign_in(store: &Store, user_id: &str, roles: &[&str], issued_at: Timestamp) -> User {
    let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
    let session = SignIn { user_id, name: user_id, email: None, issued_at, roles: Some(&roles) };
    store.record_sign_in(&session, issued_at).await.unwrap().user
}

/// Signs a user in and creates a token for them.
pub(crate) async fn user_with_token(store: &Store, user_id: &str) -> (PlainToken, TokenRecord) {
    let now = clock::now();
    sign_in(store, user_id, &["publisher"], now).await;

    let (secret, token) = generate_token(user_id, now);
    (secret, create_token(store, &token).await)
}

/// The change by which the administrator `admin` disables a user.
pub(crate) fn disabling(user_id: &str) -> UserChange<'_> {
    UserChange {
        user_id,
        disabled: Some(true),
        roles: None,
        by: "admin",
        admin_role: "administrator",
        expected: None,
    }
}
