//! Which reads the functions send to DynamoDB. The emulator is always consistent and its
//! indexes never lag, so these tests inspect the requests.

use patgate_harness::{RecordedRequest, System};
use serde_json::Value;

/// Creates, uses, shows, lists and revokes one token.
fn use_all_endpoints(system: &System) {
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));

    let token = alice.create_token("observed");
    for _ in 0..3 {
        assert_eq!(system.status_of(&token.secret), 200);
    }

    alice.show_token(&token.id);
    alice.list_tokens("limit=100");
    admin.list_tokens("allUsers=true");
    assert_eq!(alice.revoke_token(&token.id), 204);
    assert_eq!(system.status_of(&token.secret), 401);
}

fn is_consistent(request: &RecordedRequest) -> bool {
    match request.operation.as_str() {
        "GetItem" => request.body["ConsistentRead"] == true,
        "BatchGetItem" => {
            let tables = request.body["RequestItems"].as_object().unwrap();
            tables.values().all(|table| table["ConsistentRead"] == true)
        }
        // Queries read an index, which is always eventually consistent. Transactions and
        // updates are always consistent.
        "Query" | "UpdateItem" | "TransactWriteItems" => true,
        operation => panic!("unexpected operation: {operation}"),
    }
}

#[test]
fn every_read_of_a_token_or_a_user_is_consistent() {
    let Some((system, proxy)) = System::start_observed() else { return };

    use_all_endpoints(&system);
    let recorded = proxy.take();
    for operation in ["GetItem", "BatchGetItem", "Query"] {
        assert!(recorded.iter().any(|request| request.operation == operation), "no {operation} was sent");
    }

    for request in &recorded {
        assert!(is_consistent(request), "{request:?}");
    }
}

#[test]
fn only_lists_and_the_limit_of_tokens_depend_on_an_index() {
    let Some((system, proxy)) = System::start_observed() else { return };

    use_all_endpoints(&system);
    let recorded = proxy.take();
    for request in recorded.iter().filter(|request| request.operation == "Query") {
        let counts = request.function == "CreateToken" && request.body["Select"] == "COUNT";
        assert!(counts || request.function == "ListTokens", "{request:?}");
    }

    let revoking = recorded.iter().filter(|request| request.function == "RevokeToken");
    let operations: Vec<_> = revoking.map(|request| request.operation.as_str()).collect();
    assert_eq!(operations, ["GetItem", "UpdateItem", "UpdateItem"]);
}

#[test]
fn plain_token_is_in_no_request_to_the_database() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let token = system.sign_in("alice").create_token("observed");
    assert_eq!(system.status_of(&token.secret), 200);
    let bodies: Vec<Value> = proxy.take().into_iter().map(|request| request.body).collect();
    assert!(bodies.len() > 3);
    assert!(bodies.iter().all(|body| !body.to_string().contains(&token.secret)));
}
