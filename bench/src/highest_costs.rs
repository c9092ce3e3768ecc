//! The most that one request to each endpoint can cost: with records as large as they can be,
//! and parameters that make the function read or write as much as possible.

use anyhow::{Context, Result, ensure};
use chrono::{TimeDelta, Utc};
use patgate_harness::{SignedInUser, System, set_user, user_path};
use serde_json::{Value, json};

use crate::seed::{put_items, token_hash, token_items};

/// A token for each of as many users as a list examines, and more.
const TOKENS: usize = 300;
/// One token less than a user can have, so that a creation counts as many as possible.
const OWNERS_TOKENS: usize = 499;
/// The most tokens in one report of leaked tokens.
const REPORTED: usize = 100;
/// The most roles that an administrator can give a user, and the length of a role's name.
const ROLES: usize = 50;
const ROLE_LENGTH: usize = 128;

/// The units of one request, without those of the authorizer.
#[derive(Debug)]
pub(crate) struct HighestCost {
    /// As in the OpenAPI document.
    pub(crate) operation_id: &'static str,
    pub(crate) request: &'static str,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
}

/// Measures the most expensive request to each endpoint.
pub(crate) fn measure() -> Result<Vec<HighestCost>> {
    let (system, proxy) = System::start_observed().context("BASE_URL is set")?;
    proxy.report_units();

    let owner = system.sign_in("owner-of-many");
    let admin = system.sign_in("admin");
    seed(&system, &owner, &admin);

    let own_token = owner.list_tokens("limit=1")[0]["id"].as_str().context("an ID")?.to_owned();
    let token_path = format!("/api/tokens/{own_token}");
    let user_path = user_path(&owner.id());
    let hashes: Vec<_> = (0..REPORTED).map(token_hash).collect();
    let report = json!({ "hashes": hashes });
    let new_token =
        json!({ "name": "n".repeat(100), "expiresAt": (Utc::now() + TimeDelta::days(30)).to_rfc3339() });

    let change = json!({ "name": "m".repeat(100), "description": "d".repeat(500), "expiresAt": new_token["expiresAt"] });
    let checked = admin.create_token("checked");

    // The acts that change something come last.
    let requests: [(_, _, &dyn Fn() -> u16); 13] = [
        ("getCaller", "any", &|| owner.call("GET", "/api/me").status),
        ("showToken", "any", &|| owner.call("GET", &token_path).status),
        ("listTokens", "of the caller, a status that no token has", &|| {
            owner.call("GET", "/api/tokens?status=expired&limit=1").status
        }),
        ("listTokens", "of all users, a status that no token has", &|| {
            admin.call("GET", "/api/tokens?allUsers=true&status=expired&limit=1").status
        }),
        ("listUsers", "a page of 100", &|| admin.call("GET", "/api/users?limit=100").status),
        ("showUser", "any", &|| admin.call("GET", &user_path).status),
        ("createToken", "with a key, by a user with 499 tokens", &|| {
            let request = owner.request("POST", "/api/tokens").header("Idempotency-Key", "highest-cost");
            request.json(&new_token).send().status
        }),
        ("checkToken", "of an active token", &|| {
            let check = json!({ "token": checked.secret });
            system.request("POST", "/api/tokens/check").json(&check).send().status
        }),
        ("updateToken", "all fields", &|| owner.request("PATCH", &token_path).json(&change).send().status),
        ("revokeToken", "any", &|| owner.revoke_token(&own_token)),
        ("updateUser", "of another user", &|| {
            admin.request("PATCH", &user_path).json(&json!({ "disabled": false })).send().status
        }),
        ("revokeAllTokens", "any", &|| owner.call("POST", &format!("{user_path}/revoke-all-tokens")).status),
        ("revokeLeakedTokens", "100 active tokens", &|| {
            system.request("POST", "/api/tokens/revoke").json(&report).send().status
        }),
    ];

    let mut costs = Vec::new();
    for (operation_id, request, send) in requests {
        proxy.take();
        let status = send();
        ensure!((200..300).contains(&status), "{operation_id}: {status}");

        let (mut read_units, mut write_units) = (0.0, 0.0);
        for sent in proxy.take().iter().filter(|sent| sent.function != "Authorizer") {
            match sent.operation.as_str() {
                "GetItem" | "BatchGetItem" | "Query" | "Scan" => read_units += sent.units,
                _ => write_units += sent.units,
            }
        }
        costs.push(HighestCost { operation_id, request, read_units, write_units });
    }

    Ok(costs)
}

/// Writes tokens of as many users, and those of `owner`. Every user has as many roles as a
/// user can have.
fn seed(system: &System, owner: &SignedInUser<'_>, admin: &SignedInUser<'_>) {
    let dynamodb = &system.local().dynamodb;
    let role = |number: usize| json!({ "S": format!("{number:0>ROLE_LENGTH$}") });
    let roles = |first: &[&str]| {
        let first = first.iter().map(|role| json!({ "S": role }));
        json!({ "L": first.chain((0..ROLES).map(role)).take(ROLES).collect::<Vec<_>>() })
    };
    let user = |number: usize| {
        let id = format!("user-{number}");
        json!({ "user_id": { "S": id }, "name": { "S": id }, "roles": roles(&[]) })
    };

    put_items(dynamodb, "Users", &(0..TOKENS).map(user).collect::<Vec<_>>());
    set_user(dynamodb, &owner.id(), "roles", &roles(&[]));
    set_user(dynamodb, &owner.id(), "token_generation", &json!({ "N": "0" }));
    set_user(dynamodb, &admin.id(), "roles", &roles(&["administrator"]));

    // A month with the newest tokens, so that the list of all users finds them first.
    let now = Utc::now();
    let of_others = (0..TOKENS).flat_map(|number| token_items(&format!("user-{number}"), number, now));
    put_items(dynamodb, "Tokens", &of_others.collect::<Vec<Value>>());
    let of_owner = (TOKENS..TOKENS + OWNERS_TOKENS)
        .flat_map(|number| token_items(&owner.id(), number, now - TimeDelta::days(100)));
    put_items(dynamodb, "Tokens", &of_owner.collect::<Vec<Value>>());
}
