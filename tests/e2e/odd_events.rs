//! Events with odd values, given to the binaries themselves. No gateway on this machine would
//! send them: it rejects such a request itself, or overwrites the header.

use patgate_harness::{Function, Settings, System};
use serde_json::{Map, Value, json};

/// An endpoint's function, and a request that it responds to with `status`.
struct Endpoint {
    function: &'static str,
    method: &'static str,
    /// The value of the variable in the path.
    id: Option<&'static str>,
    body: Option<&'static str>,
    status: u16,
    /// Whether the function rejects parameters of the query that it does not know.
    reads_query: bool,
}

const fn endpoint(function: &'static str, method: &'static str, status: u16) -> Endpoint {
    Endpoint { function, method, id: None, body: None, status, reads_query: false }
}

const NO_TOKEN: Option<&str> = Some("01a209fd-f356-77e9-8e70-4ac34baf1061");
const UPLOAD: &str = "--x\r\nContent-Disposition: form-data; name=\"OverWriteExisting\"\r\n\r\ntrue\r\n\
    --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\n\r\nabc\r\n--x--\r\n";

const ENDPOINTS: [Endpoint; 12] = [
    endpoint("get-caller", "GET", 200),
    Endpoint { reads_query: true, ..endpoint("list-tokens", "GET", 200) },
    Endpoint { body: Some("{\"name\":\"ci\"}"), ..endpoint("create-token", "POST", 201) },
    Endpoint { id: NO_TOKEN, ..endpoint("revoke-token", "DELETE", 404) },
    Endpoint { id: NO_TOKEN, body: Some("{\"name\":\"ci\"}"), ..endpoint("update-token", "PATCH", 404) },
    Endpoint { body: Some("{\"token\":\"junk\"}"), ..endpoint("check-token", "POST", 200) },
    Endpoint { reads_query: true, ..endpoint("list-users", "GET", 200) },
    Endpoint {
        id: Some("u_YWxpY2U"),
        body: Some("{\"disabled\":false}"),
        ..endpoint("update-user", "PATCH", 200)
    },
    Endpoint { id: Some("u_YWxpY2U"), ..endpoint("revoke-all-tokens", "POST", 204) },
    Endpoint { body: Some("{\"tokens\":[\"junk\"]}"), ..endpoint("revoke-leaked-tokens", "POST", 202) },
    endpoint("package-api", "GET", 200),
    Endpoint { body: Some(UPLOAD), ..endpoint("package-api", "POST", 201) },
];

impl Endpoint {
    /// The event of an administrator's request.
    fn event(&self) -> Value {
        json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/",
            "rawQueryString": "",
            "headers": {
                "content-type": "multipart/form-data; boundary=x",
                "host": "api.example.com",
                "x-forwarded-proto": "https",
            },
            "pathParameters": self.id.map(|id| json!({ "id": id, "pathId": id })),
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "an-api",
                "authorizer": { "lambda": {
                    "userId": "admin", "userName": "Ada", "roles": "administrator", "authMethod": "session",
                    "tokenId": "", "tokenName": "",
                } },
                "domainName": "api.example.com",
                "http": {
                    "method": self.method, "path": "/", "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.7", "userAgent": "curl/8",
                },
                "requestId": "a-request",
                "stage": "$default",
                "time": "23/Nov/2026:09:30:00 +0000",
                "timeEpoch": 1_795_426_200_000_u64,
            },
            "body": self.body,
            "isBase64Encoded": false,
        })
    }
}

/// The event with a value at this place, or without one if the value is `null`.
fn with(event: &Value, pointer: &str, value: &Value) -> String {
    let mut event = event.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).and_then(Value::as_object_mut);
    let parent: &mut Map<_, _> = parent.unwrap_or_else(|| panic!("nothing at {pointer}"));

    match value {
        Value::Null => drop(parent.remove(name)),
        value => drop(parent.insert(name.to_owned(), value.clone())),
    }
    event.to_string()
}

/// Sends events to every endpoint, each followed by an ordinary one to the same process.
/// `events` returns each event with the statuses that it may have.
fn check_each_endpoint(events: impl Fn(&Endpoint, &Value) -> Vec<(String, u16)>) {
    let Some(system) = System::start_local(Settings::default()) else { return };
    system.sign_in("alice").id();
    system.sign_in("admin").id();

    for endpoint in &ENDPOINTS {
        let mut function = Function::start(endpoint.function, &system.local().dynamodb);
        let usual = endpoint.event();

        for (event, status) in events(endpoint, &usual) {
            let response = function.invoke(&event);
            assert_eq!(response["statusCode"], status, "{}: {event}: {response}", endpoint.function);
            if status == 400 {
                let headers = &response["headers"];
                assert_eq!(headers["content-type"], "application/problem+json", "{event}: {response}");
            }
            let next = function.invoke(&usual.to_string());
            assert_eq!(next["statusCode"], endpoint.status, "{} after {event}: {next}", endpoint.function);
        }
    }
}

#[test]
fn odd_query_host_or_path_gets_the_usual_response_from_every_endpoint() {
    let pairs = [
        ("/headers/host", json!("[")),
        ("/headers/host", json!("a b")),
        ("/headers/host", json!("")),
        ("/headers/host", json!("127.0.0.1:99999")),
        ("/headers/host", Value::Null),
        ("/headers/x-forwarded-proto", json!("http,https")),
        ("/headers/x-forwarded-proto", json!("")),
        ("/requestContext/domainName", json!("[")),
        ("/requestContext/stage", json!("\u{0}?#[")),
        ("/rawPath", json!("")),
        ("/rawPath", json!("[")),
        ("/rawPath", json!(":99999")),
        ("/rawPath", json!("/\"<>[]\\^`{|}\u{0}\u{7f}é")),
        ("/rawPath", json!("/x".repeat(40_000))),
        ("/cookies", json!(["a=\"\n\u{0}"])),
    ];
    let queries =
        ["x=\"", "x=<x>", "x=a b", "x=\u{0}", "x=\r\n", "x=\u{7f}", "x=[]", "x=%", "x=%ff", "#", "é"];

    check_each_endpoint(|endpoint, usual| {
        let odd = pairs.iter().map(|(pointer, value)| (with(usual, pointer, value), endpoint.status));
        let status = if endpoint.reads_query { 400 } else { endpoint.status };
        let queries = queries.iter().map(|query| (with(usual, "/rawQueryString", &json!(query)), status));
        odd.chain(queries).collect()
    });
}

#[test]
fn event_that_is_not_a_request_gets_400_from_every_endpoint() {
    let pairs = [
        ("/requestContext", Value::Null),
        ("/requestContext", json!([])),
        ("/requestContext/http", Value::Null),
        ("/requestContext/http/method", json!("GET /")),
        ("/requestContext/authorizer/lambda", json!("administrator")),
        ("/headers", json!("host")),
        ("/headers/x", json!(["a", "b"])),
        ("/headers/x y", json!("name with a blank")),
        ("/headers/x", json!("a\r\nb: c")),
        ("/pathParameters", json!({ "id": 1 })),
        ("/isBase64Encoded", json!("no")),
        ("/body", json!({})),
    ];

    check_each_endpoint(|_, usual| {
        let mut events: Vec<_> =
            pairs.iter().map(|(pointer, value)| (with(usual, pointer, value), 400)).collect();
        let mut bad_base64 = usual.clone();
        (bad_base64["isBase64Encoded"], bad_base64["body"]) = (json!(true), json!("%"));
        events.push((bad_base64.to_string(), 400));

        let many: Map<String, Value> = (0..40_000).map(|n| (format!("x-{n}"), json!(""))).collect();
        events.push((with(usual, "/headers", &many.into()), 400));

        let version_1 = json!({ "version": "1.0", "httpMethod": "GET", "path": "/", "requestContext": {} });
        let others = [version_1, json!({}), json!([]), json!(null), json!("x"), json!(0)];
        events.extend(others.map(|event| (event.to_string(), 400)));
        events.push((format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)), 400));
        // Half of a surrogate pair, which JSON can contain and a text cannot.
        events.push((with(usual, "/body", &json!("HALF")).replace("HALF", "\\ud800"), 400));
        events
    });
}
