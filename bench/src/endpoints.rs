//! What the management endpoints cost at DynamoDB, with few tokens and with many.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use patgate_harness::{DynamoDbProxy, Settings, System, call_dynamodb};
use serde_json::{Value, json};
use uuid::Uuid;

/// How many tokens there are.
pub(crate) const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// Of one user; all others have a hundred each.
const OF_ONE_USER: usize = 1_000;
const OF_OTHERS: usize = 100;
/// The most that DynamoDB takes in one BatchWriteItem.
const BATCH: usize = 25;

/// Units per act, by the act's name.
pub(crate) type Costs = BTreeMap<&'static str, f64>;

/// Seeds a system with this many tokens and counts what each act consumes.
pub(crate) fn measure(tokens: usize) -> Result<Costs> {
    let proxy = DynamoDbProxy::start();
    let settings = Settings { functions_dynamodb_url: Some(proxy.url.clone()), ..Settings::default() };
    let system = System::start_local(settings).context("BASE_URL is set")?;
    proxy.forward_to(&system.local().dynamodb);
    proxy.ask_for_units();
    let owner = system.sign_in("owner-of-many");
    let admin = system.sign_in("admin");
    seed(&system.local().dynamodb, tokens, &owner.id(), Utc::now());

    // What belongs to no act: the first of each function, and of a session.
    let token = owner.create_token("before");
    admin.list_tokens("allUsers=true");
    ensure!(owner.revoke_token(&token.id) == 204, "cannot revoke");

    let units = |act: &dyn Fn() -> Result<()>| -> Result<f64> {
        proxy.take();
        act()?;
        // The authorizer's own reads are the same for all, and are in the other table.
        let consumed = proxy.take().into_iter().filter(|request| request.function != "Authorizer");
        Ok(consumed.map(|request| request.units).sum())
    };
    let listed = |query: &str| -> Result<()> {
        let items = owner.list_tokens(query).len();
        ensure!(items == 25, "{items} tokens on a page");
        Ok(())
    };
    let cursor = owner.call("GET", "/api/tokens?limit=100").json()["nextCursor"].clone();
    let deep = format!("limit=25&cursor={}", cursor.as_str().context("a second page")?);
    let fresh = owner.create_token("to be revoked");
    let mut costs = Costs::new();
    costs.insert("list a page of one's own 1,000", units(&|| listed("limit=25"))?);
    costs.insert("list the fifth such page", units(&|| listed(&deep))?);
    costs.insert(
        "list a page of everybody's",
        units(&|| {
            let items = admin.list_tokens("allUsers=true&limit=25").len();
            ensure!(items == 25, "{items} tokens on a page");
            Ok(())
        })?,
    );
    costs.insert(
        "show a token",
        units(&|| {
            owner.show_token(&fresh.id);
            Ok(())
        })?,
    );
    costs.insert(
        "create a token",
        units(&|| {
            owner.create_token("counted");
            Ok(())
        })?,
    );
    costs.insert(
        "revoke a token",
        units(&|| {
            ensure!(owner.revoke_token(&fresh.id) == 204, "cannot revoke");
            Ok(())
        })?,
    );
    costs.insert(
        "revoke all tokens of a user",
        units(&|| {
            let path = format!("/api/users/{}/revoke-all-tokens", owner.id());
            let answer = owner.call("POST", &path);
            ensure!(answer.status == 204, "{answer:?}");
            Ok(())
        })?,
    );
    Ok(costs)
}

/// Writes tokens over the last months, oldest first, in the form that the store has.
fn seed(dynamodb: &str, tokens: usize, owner: &str, now: DateTime<Utc>) {
    let first = now - TimeDelta::days(200);
    let step = TimeDelta::days(199) / i32::try_from(tokens).expect("a number of tokens");
    let mut users = Vec::new();
    let mut items = Vec::new();
    for number in 0..tokens {
        let user = if number % (tokens / OF_ONE_USER).max(1) == 0 {
            owner.to_owned()
        } else {
            format!("user-{}", number / OF_OTHERS)
        };
        if user != owner && users.last() != Some(&user) {
            users.push(user.clone());
        }
        items.extend(token(&user, number, first + step * i32::try_from(number).expect("a number")));
    }
    let put = |item: &Value| json!({ "PutRequest": { "Item": item } });
    for batch in items.chunks(BATCH) {
        let puts: Vec<_> = batch.iter().map(put).collect();
        call_dynamodb(dynamodb, "BatchWriteItem", &json!({ "RequestItems": { "Tokens": puts } }));
    }
    for batch in users.chunks(BATCH) {
        let user =
            |id: &String| put(&json!({ "user_id": { "S": id }, "name": { "S": id }, "roles": { "L": [] } }));
        let puts: Vec<_> = batch.iter().map(user).collect();
        call_dynamodb(dynamodb, "BatchWriteItem", &json!({ "RequestItems": { "Users": puts } }));
    }
}

/// A token's item and the one that finds it.
fn token(user: &str, number: usize, created: DateTime<Utc>) -> [Value; 2] {
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
        "name": { "S": format!("token {number}") },
        "prefix": { "S": "fdp_000000" },
        "created_at": { "S": created.to_rfc3339_opts(chrono::SecondsFormat::Millis, true) },
        "created_month": { "S": format!("{:04}-{:02}", created.year(), created.month()) },
    });
    let finds = json!({
        "token_hash": { "S": format!("id#{id}") },
        "found_hash": { "S": hash },
        "found_owner": { "S": user },
    });
    [token, finds]
}
