//! A store on the tables of a running system, and an authorizer on that store.

use patgate_authorizer::Config;
use patgate_dynamodb::Store;
use patgate_dynamodb::config::{AwsEnvironment, Tables, TrustedRoots};
use patgate_dynamodb::{NewToken, SignIn};
use patgate_harness::{Settings, System};
use patgate_process::Environment;
use patgate_rules::clock::{self, Timestamp};
use patgate_rules::token::{PlainToken, TokenFormat};
use patgate_rules::token_record::TokenRecord;
use rand::rngs::SysRng;
use uuid::Uuid;

pub(crate) fn start() -> System {
    System::start_local(Settings::default()).expect("the components are tested on this machine")
}

pub(crate) fn tables() -> Tables {
    Tables { tokens: "Tokens".into(), users: "Users".into() }
}

pub(crate) fn aws(dynamodb: &str) -> AwsEnvironment {
    AwsEnvironment {
        region: "us-east-1".into(),
        access_key_id: "LOCAL-tests".into(),
        secret_access_key: "local".into(),
        session_token: None,
        dynamodb_endpoint: Some(dynamodb.to_owned()),
        trusted_roots: TrustedRoots::Amazon,
    }
}

pub(crate) fn store(dynamodb: &str) -> Store {
    Store::for_authorizer(&aws(dynamodb), tables())
}

/// The authorizer's configuration, as its environment would make it.
pub(crate) fn config(changes: &[(&str, &str)]) -> Config {
    let usual =
        [("OIDC_ISSUER", "http://127.0.0.1:9"), ("OIDC_AUDIENCE", "patgate"), ("ROLES_CLAIM", "roles")];
    let lookup = |name: &str| {
        let mut all = changes.iter().chain(&usual);
        all.find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    Config::read(&Environment::from_lookup(&lookup)).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    clock::from_text(text).unwrap()
}

pub(crate) fn new_token(owner: &str, now: Timestamp) -> (PlainToken, NewToken) {
    let plain = TokenFormat::new("fdp_").unwrap().generate(&mut SysRng).unwrap();
    let record = TokenRecord {
        token_id: Uuid::now_v7(),
        user_id: owner.to_owned(),
        name: "ci".into(),
        prefix: plain.prefix().into(),
        created_at: now,
        expires_at: None,
        revoked: None,
        last_used: None,
        seen_from: Vec::new(),
    };
    let new = NewToken { hash: plain.hash(), record, purge_at: None };
    (plain, new)
}

pub(crate) async fn sign_in(
    store: &Store,
    user_id: &str,
    roles: &[&str],
    issued_at: Timestamp,
) -> patgate_rules::user::User {
    let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
    let sign_in = SignIn { user_id, name: user_id, email: None, issued_at, roles: Some(&roles) };
    store.record_sign_in(&sign_in, issued_at).await.unwrap().user
}

/// A user and a token of theirs.
pub(crate) async fn user_with_token(store: &Store, user_id: &str) -> (PlainToken, NewToken) {
    let now = clock::now();
    sign_in(store, user_id, &["publisher"], now).await;
    let (plain, new) = new_token(user_id, now);
    assert_eq!(store.create_token(&new).await.unwrap(), patgate_dynamodb::CreationOutcome::Created);
    (plain, new)
}
