//! Routes whose requests are expensive accept far fewer of them.

use patgate_harness::{Settings, System};

const CLIENTS: usize = 8;
const REQUESTS_OF_A_CLIENT: usize = 25;

#[test]
fn flood_of_list_requests_is_throttled_and_tokens_can_still_be_used_and_revoked() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");
    let token = alice.create_token("used and revoked");

    let responses: Vec<_> = std::thread::scope(|scope| {
        let flood =
            || (0..REQUESTS_OF_A_CLIENT).map(|_| alice.call("GET", "/api/tokens")).collect::<Vec<_>>();
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(flood)).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });

    let throttled: Vec<_> = responses.iter().filter(|response| response.status == 429).collect();
    assert!(throttled.len() >= 20, "only {} of {} were throttled", throttled.len(), responses.len());
    assert!(responses.iter().any(|response| response.status == 200), "{responses:?}");
    throttled[0].assert_gateway_error(429, "Too Many Requests");

    assert_eq!(system.status_of(&token.secret), 200);
    assert_eq!(alice.revoke_token(&token.id), 204);
    assert_eq!(system.status_of(&token.secret), 401);
}
