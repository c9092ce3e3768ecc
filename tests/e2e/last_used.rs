//! When and from which address a token was last used.

use std::time::{Duration, Instant};

use patgate_harness::{DynamoDbFault, DynamoDbProxy, Settings, SignedInUser, System, scan};
use serde_json::{Value, json};

/// Waits until a use is recorded, which happens after the response, and returns the token.
fn wait_for_use(owner: &SignedInUser<'_>, id: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let token = owner.show_token(id);
        if !token["lastUsedAt"].is_null() {
            return token;
        }
        assert!(Instant::now() < deadline, "the use was not recorded");
    }
}

#[test]
fn last_use_shows_time_and_address() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let token = alice.create_token("used");
    assert!(alice.show_token(&token.id)["lastUsedAt"].is_null());
    assert_eq!(system.status_of(&token.secret), 200);

    let record = wait_for_use(&alice, &token.id);
    let ip: std::net::IpAddr = record["lastUsedIp"].as_str().unwrap().parse().unwrap();
    assert!(ip.is_loopback() || !system.api.contains("127.0.0.1"), "{ip}");
    assert!(record["lastUsedAt"].as_str().unwrap() > record["createdAt"].as_str().unwrap());
}

/// How many uses were written since the last call. Attempts that failed, for example because
/// another instance was faster, do not count.
fn uses_written(proxy: &DynamoDbProxy) -> usize {
    let requests = proxy.take().into_iter();
    let writes = requests.filter(|request| {
        request.function == "Authorizer"
            && request.operation == "UpdateItem"
            && request.body["TableName"] == "Tokens"
            && request.status == 200
    });

    writes.count()
}

#[test]
fn last_use_is_written_at_most_once_a_minute() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("busy");
    proxy.take();

    for _ in 0..100 {
        assert_eq!(system.status_of(&token.secret), 200);
    }

    let first = wait_for_use(&alice, &token.id);
    assert_eq!(uses_written(&proxy), 1);
    assert_eq!(alice.show_token(&token.id)["lastUsedAt"], first["lastUsedAt"]);
}

#[test]
fn last_use_is_written_at_most_once_a_minute_even_from_changing_addresses() {
    let parameters = vec!["ClientIpHeader=X-Client-Ip", "OriginSecret=only-the-proxy-knows"];
    let Some((system, proxy)) = System::start_observed_with(Settings { parameters, ..Settings::default() })
    else {
        return;
    };
    let alice = system.sign_in("alice");

    let token = alice.create_token("everywhere");
    proxy.take();

    for n in 0..60 {
        let request = system.request("GET", "/api/me").bearer(&token.secret);
        let request = request.header("X-Client-Ip", &format!("2001:db8::{}", n % 3));
        assert_eq!(request.header("X-Origin-Verify", "only-the-proxy-knows").send().status, 200);
    }

    let record = wait_for_use(&alice, &token.id);
    assert_eq!(uses_written(&proxy), 1);

    let seen = record["seenFrom"].as_array().unwrap();
    assert_eq!((seen.len(), &seen[0]["ip"]), (1, &record["lastUsedIp"]), "{record}");
}

#[test]
fn last_use_is_updated_once_its_resolution_has_passed() {
    let settings = Settings { parameters: vec!["LastUsedResolutionSeconds=1"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("busy");
    assert_eq!(system.status_of(&token.secret), 200);

    let first = wait_for_use(&alice, &token.id)["lastUsedAt"].as_str().unwrap().to_owned();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        assert_eq!(system.status_of(&token.secret), 200);
        let now = alice.show_token(&token.id)["lastUsedAt"].as_str().unwrap().to_owned();
        if now > first {
            break;
        }
        assert!(Instant::now() < deadline, "it remains {first}");
    }
}

#[test]
fn last_five_distinct_addresses_are_shown_newest_first() {
    let parameters = vec![
        "LastUsedResolutionSeconds=1",
        "ClientIpHeader=X-Client-Ip",
        "OriginSecret=only-the-proxy-knows",
    ];
    let Some(system) = System::start_local(Settings { parameters, ..Settings::default() }) else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("travels");
    assert_eq!(alice.show_token(&token.id)["seenFrom"], json!([]));

    let addresses: Vec<_> = [1, 2, 1, 3, 4, 5, 6].map(|n| format!("2001:db8::{n}")).into();
    for address in &addresses {
        let deadline = Instant::now() + Duration::from_secs(10);
        while alice.show_token(&token.id)["lastUsedIp"] != address.as_str() {
            let request = system.request("GET", "/api/me").bearer(&token.secret);
            let request =
                request.header("X-Client-Ip", address).header("X-Origin-Verify", "only-the-proxy-knows");
            assert_eq!(request.send().status, 200);
            assert!(Instant::now() < deadline, "{address} is not recorded");
        }
    }

    let shown = alice.show_token(&token.id);
    let seen = shown["seenFrom"].as_array().unwrap();
    let ips: Vec<_> = seen.iter().map(|entry| entry["ip"].as_str().unwrap()).collect();
    assert_eq!(ips, [6, 5, 4, 3, 1].map(|n| format!("2001:db8::{n}")));
    assert_eq!(seen[0]["at"], shown["lastUsedAt"]);
    assert!(seen.is_sorted_by(|a, b| a["at"].as_str() > b["at"].as_str()), "{seen:?}");
}

/// The states of the authorizer's processes, such as `T` for a stopped one.
#[cfg(target_os = "linux")]
fn authorizer_states(system: &System) -> Vec<char> {
    let parent = system.local().pid().to_string();

    let stats = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let stat = std::fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        // `pid (name) state ppid …`
        let (name, rest) = stat.split_once(" (")?.1.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let state = fields.next()?.chars().next()?;
        (name == "authorizer" && fields.next()? == parent).then_some(state)
    });

    stats.collect()
}

/// The token's item in the table.
fn stored_token(system: &System, id: &str) -> Value {
    let items = scan(&system.local().dynamodb, "Tokens");
    items.into_iter().find(|item| item["token_id"]["S"] == id).unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn last_use_is_written_before_the_process_is_frozen() {
    let Some((system, proxy)) = System::start_observed() else { return };

    let token = system.sign_in("alice").create_token("once");
    proxy.inject_into("UpdateItem", 1, DynamoDbFault::Slow(Duration::from_millis(200)));
    assert_eq!(system.status_of(&token.secret), 200);

    // The use is written without another request to the authorizer.
    let deadline = Instant::now() + Duration::from_secs(5);
    while stored_token(&system, &token.id)["last_used_at"].is_null() {
        assert!(Instant::now() < deadline, "the use was not recorded");
    }

    while authorizer_states(&system).iter().any(|state| *state != 'T') {
        assert!(Instant::now() < deadline, "the process is not frozen");
    }
}

#[test]
fn response_does_not_wait_for_the_write_of_its_use_and_a_delayed_write_still_happens() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");

    let warm = alice.create_token("warm");
    assert_eq!(system.status_of(&warm.secret), 200);

    let delay = Duration::from_secs(2);
    proxy.inject_into("UpdateItem", usize::MAX, DynamoDbFault::Slow(delay));

    // The fastest of several requests counts, because this machine may be busy. A request that
    // waits for its write takes as long as the store's timeout, which is most of a second.
    let fastest = (0..5).map(|number| {
        let token = alice.create_token(&format!("delayed {number}"));
        let started = Instant::now();
        assert_eq!(system.status_of(&token.secret), 200);
        (started.elapsed(), token)
    });

    let (elapsed, token) = fastest.min_by_key(|(elapsed, _)| *elapsed).unwrap();
    assert!(elapsed < Duration::from_millis(800), "the fastest response took {elapsed:?}");

    let deadline = Instant::now() + 5 * delay;
    while stored_token(&system, &token.id)["last_used_at"].is_null() {
        assert!(Instant::now() < deadline, "the delayed write is lost");
    }
}

#[test]
fn address_that_a_client_claims_is_ignored_without_the_origin_secret() {
    let parameters = vec!["ClientIpHeader=X-Client-Ip", "OriginSecret=only-the-proxy-knows"];
    let Some(system) = System::start_local(Settings { parameters, ..Settings::default() }) else { return };
    let alice = system.sign_in("alice");

    let forged = ("X-Client-Ip", "203.0.113.7");
    for headers in [
        vec![forged],
        vec![forged, ("X-Origin-Verify", "")],
        vec![forged, ("X-Origin-Verify", "only-the-proxy-know")],
        vec![forged, ("X-Origin-Verify", "Only-the-proxy-knows")],
        vec![forged, ("X-Origin-Verify", "guess"), ("X-Origin-Verify", "only-the-proxy-knows")],
        vec![forged, forged, ("X-Origin-Verify", "only-the-proxy-knows")],
        vec![
            ("X-Forwarded-For", "203.0.113.7"),
            ("X-Real-Ip", "203.0.113.7"),
            ("Forwarded", "for=203.0.113.7"),
        ],
        vec![("X-Forwarded-For", "203.0.113.7"), ("X-Origin-Verify", "only-the-proxy-knows")],
    ] {
        let token = alice.create_token("used once");
        let request = system.request("GET", "/api/me").bearer(&token.secret);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        assert_eq!(request.send().status, 200);
        assert_eq!(wait_for_use(&alice, &token.id)["lastUsedIp"], "127.0.0.1", "{headers:?}");
    }
}
