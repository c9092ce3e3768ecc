//! The DynamoDB costs of the management endpoints, with few and with many tokens.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use patgate_harness::{SignedInUser, System, set_user, user_path};
use serde_json::json;

use crate::seed::{put_items, token_items};

/// The numbers of tokens to measure with.
pub(crate) const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// The tokens of the user whose requests are measured.
const OWNERS_TOKENS: usize = 250;
/// The tokens of each other user.
const TOKENS_PER_USER: usize = 100;

/// Capacity units of each act, by its name.
pub(crate) type Costs = BTreeMap<&'static str, f64>;

/// Measures the capacity units of each act in a system with this many tokens.
pub(crate) fn measure(tokens: usize) -> Result<Costs> {
    let (system, proxy) = System::start_observed().context("BASE_URL is set")?;
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
    let revoke_all_path = format!("{}/revoke-all-tokens", user_path(&owner.id()));

    let acts: [(_, &dyn Fn() -> Result<()>); 7] = [
        ("list a page of 250 own tokens", &|| list_page(&owner, "limit=25")),
        ("list the fifth page of 250 own tokens", &|| list_page(&owner, &fifth_page)),
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

    put_items(dynamodb, "Tokens", &items);
    let user = |id: &String| json!({ "user_id": { "S": id }, "name": { "S": id }, "roles": { "L": [] } });
    put_items(dynamodb, "Users", &users.iter().map(user).collect::<Vec<_>>());
}
