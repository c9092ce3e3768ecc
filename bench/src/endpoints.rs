//! The DynamoDB costs of the management endpoints, with few and with many tokens.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use patgate_harness::{DynamoDbProxy, Settings, SignedInUser, System, call_dynamodb, set_user};
use serde_json::{Value, json};
use uuid::Uuid;

/// The numbers of tokens to measure with.
pub(crate) const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// The tokens of the user whose requests are measured.
const OWNERS_TOKENS: usize = 1_000;
/// The tokens of each other user.
const TOKENS_PER_USER: usize = 100;
/// DynamoDB's limit for one BatchWriteItem.
const BATCH_MAX: usize = 25;

/// Capacity units of each act, by its name.
pub(crate) type Costs = BTreeMap<&'static str, f64>;

/// Measures the capacity units of each act in a system with this many tokens.
pub(crate) fn measure(tokens: usize) -> Result<Costs> {
    let proxy = DynamoDbProxy::start();
    let settings = Settings { functions_dynamodb_url: Some(proxy.url.clone()), ..Settings::default() };
    let system = System::start_local(settings).context("BASE_URL is set")?;
    proxy.forward_to(&system.local().dynamodb);
    proxy.report_units();

    let owner = system.sign_in("owner-of-many");
    let admin = system.sign_in("admin");
    let dynamodb = &system.local().dynamodb;
    seed(dynamodb, tokens, &owner.id(), Utc::now());
    set_user(dynamodb, &owner.id(), "token_generation", &json!({ "N": "0" }));

    // The first request to each function, and with each session, costs more than later ones.
    let token = owner.create_token("before");
    admin.list_tokens("allUsers=true");
    ensure!(owner.revoke_token(&token.id) == 204, "cannot revoke");

    let units = |act: &dyn Fn() -> Result<()>| -> Result<f64> {
        proxy.take();
        act()?;
        // The authorizer's reads are the same for all acts, and are shown in another table.
        let consumed = proxy.take().into_iter().filter(|request| request.function != "Authorizer");
        Ok(consumed.map(|request| request.units).sum())
    };

    let list_page = |user: &SignedInUser<'_>, query: &str| -> Result<()> {
        let items = user.list_tokens(query).len();
        ensure!(items == 25, "{items} tokens on a page");
        Ok(())
    };

    let cursor = owner.call("GET", "/api/tokens?limit=100").json()["nextCursor"].clone();
    let fifth_page = format!("limit=25&cursor={}", cursor.as_str().context("a second page")?);
    let target = owner.create_token("to be revoked");
    let revoke_all_path = format!("/api/users/{}/revoke-all-tokens", owner.id());

    let acts: [(_, &dyn Fn() -> Result<()>); 7] = [
        ("list a page of 1,000 own tokens", &|| list_page(&owner, "limit=25")),
        ("list the fifth page of 1,000 own tokens", &|| list_page(&owner, &fifth_page)),
        ("list a page of all users' tokens", &|| list_page(&admin, "allUsers=true&limit=25")),
        ("show a token", &|| {
            owner.show_token(&target.id);
            Ok(())
        }),
        ("create a token", &|| {
            owner.create_token("counted");
            Ok(())
        }),
        ("revoke a token", &|| {
            ensure!(owner.revoke_token(&target.id) == 204, "cannot revoke");
            Ok(())
        }),
        ("revoke all tokens of a user", &|| {
            let response = owner.call("POST", &revoke_all_path);
            ensure!(response.status == 204, "{response:?}");
            Ok(())
        }),
    ];
    acts.into_iter().map(|(name, act)| Ok((name, units(act)?))).collect()
}

/// Writes users, and tokens of the last months with the oldest first, in the form of the store.
fn seed(dynamodb: &str, tokens: usize, owner: &str, now: DateTime<Utc>) {
    let first = now - TimeDelta::days(200);
    let step = TimeDelta::days(199) / i32::try_from(tokens).expect("a number of tokens");
    let mut users = Vec::new();
    let mut items = Vec::new();
    for number in 0..tokens {
        let user = if number % (tokens / OWNERS_TOKENS).max(1) == 0 {
            owner.to_owned()
        } else {
            format!("user-{}", number / TOKENS_PER_USER)
        };
        if user != owner && users.last() != Some(&user) {
            users.push(user.clone());
        }
        items.extend(token_items(&user, number, first + step * i32::try_from(number).expect("a number")));
    }

    let put = |item: &Value| json!({ "PutRequest": { "Item": item } });
    for batch in items.chunks(BATCH_MAX) {
        let puts: Vec<_> = batch.iter().map(put).collect();
        call_dynamodb(dynamodb, "BatchWriteItem", &json!({ "RequestItems": { "Tokens": puts } }));
    }

    for batch in users.chunks(BATCH_MAX) {
        let user =
            |id: &String| put(&json!({ "user_id": { "S": id }, "name": { "S": id }, "roles": { "L": [] } }));
        let puts: Vec<_> = batch.iter().map(user).collect();
        call_dynamodb(dynamodb, "BatchWriteItem", &json!({ "RequestItems": { "Users": puts } }));
    }
}

/// The item of a token, and its lookup item.
fn token_items(user: &str, number: usize, created: DateTime<Utc>) -> [Value; 2] {
    let milliseconds = u64::try_from(created.timestamp_millis()).expect("a time after 1970");
    let unique = u128::try_from(number).expect("a number") << 16;
    let id = uuid::Builder::from_unix_timestamp_millis(
        milliseconds,
        &unique.to_be_bytes()[6..].try_into().expect("ten bytes"),
    );
    let id: Uuid = id.into_uuid();
    let hash = format!("{number:064x}");
    let token = json!({
        "token_hash": { "S": hash },
        "token_id": { "S": id.to_string() },
        "user_id": { "S": user },
        "generation": { "N": "0" },
        "name": { "S": format!("token {number}") },
        "prefix": { "S": "fdp_000000" },
        "created_at": { "S": created.to_rfc3339_opts(chrono::SecondsFormat::Millis, true) },
        "created_month": { "S": format!("{:04}-{:02}", created.year(), created.month()) },
    });

    let lookup = json!({
        "token_hash": { "S": format!("id#{id}") },
        "found_hash": { "S": hash },
        "found_owner": { "S": user },
    });

    [token, lookup]
}
