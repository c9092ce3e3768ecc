//! The endpoints and the package example on arbitrary events, with a real DynamoDB. The events
//! take the path that they take in a function's process.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use patgate_caller::Caller;
use patgate_endpoint::{Endpoint, respond};
use patgate_harness::{System, repository_root};
use patgate_package_api::{PackageApi, packages::Packages};
use patgate_process::Environment;
use patgate_rules::clock;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::endpoint_requests::{USUAL, names, requests, values};
use crate::json;
use crate::runner::{check_property, regressions};
use crate::setup;

const REGRESSIONS: &str = regressions!("endpoint_events");
/// Statuses that API Gateway responds with, and those of faults.
const NOT_OF_AN_ENDPOINT: [u16; 6] = [401, 413, 429, 431, 500, 503];

/// A function that is called in this process.
struct Function {
    name: &'static str,
    respond: Box<dyn Fn(&str) -> ApiGatewayV2httpResponse>,
    statuses: BTreeSet<u16>,
    needs_caller: bool,
}

/// All functions that respond to requests, on the tables of a new system.
struct Functions {
    all: [Function; USUAL.len()],
    _system: System,
}

impl Functions {
    fn start() -> Self {
        let system = setup::start_system();
        let dynamodb = &system.local().dynamodb;
        for user in ["alice", "admin"] {
            system.sign_in(user).create_token("an existing token");
        }

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let start = Start { runtime: Rc::new(runtime), documented: documented_statuses() };
        let environment = Environment::from_lookup(&|_| None);
        let store = || setup::store_at(dynamodb);
        macro_rules! endpoint {
            ($package:ident::$type:ident, $operations:expr, $($store:expr)?) => {{
                let config = $package::Config::read(&environment).unwrap();
                start.endpoint(stringify!($type), &$operations, $package::$type::new(config, $($store)?))
            }};
        }

        let all = [
            endpoint!(patgate_get_caller::GetCaller, ["getCaller"],),
            endpoint!(
                patgate_list_tokens::ListTokens,
                ["listTokens", "showToken", "showCurrentToken"],
                store()
            ),
            endpoint!(patgate_create_token::CreateToken, ["createToken"], store()),
            endpoint!(patgate_revoke_token::RevokeToken, ["revokeToken", "revokeCurrentToken"], store()),
            endpoint!(patgate_update_token::UpdateToken, ["updateToken"], store()),
            Function {
                needs_caller: false,
                ..endpoint!(patgate_check_token::CheckToken, ["checkToken"], store())
            },
            endpoint!(patgate_list_users::ListUsers, ["listUsers", "showUser"], store()),
            endpoint!(patgate_update_user::UpdateUser, ["updateUser"], store()),
            endpoint!(patgate_revoke_all_tokens::RevokeAllTokens, ["revokeAllTokens"], store()),
            Function {
                needs_caller: false,
                ..endpoint!(patgate_revoke_leaked_tokens::RevokeLeakedTokens, ["revokeLeakedTokens"], store())
            },
            start.package_api(dynamodb),
        ];
        Self { all, _system: system }
    }

    fn check(&self, function: usize, event: &str) -> TestCaseResult {
        check(&self.all[function], event)
    }

    fn check_all(&self, event: &str) -> TestCaseResult {
        self.all.iter().try_for_each(|function| check(function, event))
    }
}

struct Start {
    runtime: Rc<Runtime>,
    documented: BTreeMap<String, BTreeSet<u16>>,
}

impl Start {
    fn endpoint(
        &self,
        name: &'static str,
        operations: &[&str],
        endpoint: impl Endpoint + 'static,
    ) -> Function {
        let runtime = Rc::clone(&self.runtime);
        Function {
            name,
            respond: Box::new(move |event| runtime.block_on(respond(&endpoint, event, clock::now()))),
            statuses: operations.iter().flat_map(|operation| &self.documented[*operation]).copied().collect(),
            needs_caller: true,
        }
    }

    fn package_api(&self, dynamodb: &str) -> Function {
        let client = patgate_dynamodb::authorizer_client(&setup::aws_environment(dynamodb));
        let api = PackageApi::new(Packages::new(client, "Packages".into()));
        let runtime = Rc::clone(&self.runtime);
        Function {
            name: "PackageApi",
            respond: Box::new(move |event| runtime.block_on(api.respond(event, clock::now()))),
            statuses: [200, 201, 400, 403, 409].into(),
            needs_caller: true,
        }
    }
}

/// The statuses that `docs/openapi.yaml` describes for each operation, as far as the
/// operation's function decides them, and 400.
fn documented_statuses() -> BTreeMap<String, BTreeSet<u16>> {
    let text = std::fs::read_to_string(repository_root().join("docs/openapi.yaml")).unwrap();
    let description = Yaml::load_from_str(&text).unwrap();
    let paths = description[0]["paths"].as_mapping().unwrap().values();
    let operations = paths.flat_map(|path| path.as_mapping().unwrap().values());

    let mut documented = BTreeMap::new();
    for operation in operations.filter(|operation| operation.as_mapping().is_some()) {
        let statuses = operation["responses"].as_mapping().unwrap().keys();
        let statuses = statuses.map(|status| status.as_str().unwrap().parse::<u16>().unwrap());
        let statuses = statuses.filter(|status| !NOT_OF_AN_ENDPOINT.contains(status)).chain([400]);
        documented.insert(operation["operationId"].as_str().unwrap().to_owned(), statuses.collect());
    }
    documented
}

/// Checks that a function responds to an event with a documented status. The only fault that
/// an event can cause is that of a route without the authorizer.
fn check(function: &Function, event: &str) -> TestCaseResult {
    let response = serde_json::to_value((function.respond)(event)).unwrap();

    let status = u16::try_from(response["statusCode"].as_u64().unwrap()).unwrap();
    let lacks_caller = function.needs_caller && status == 500 && !has_caller(event);
    let is_expected = function.statuses.contains(&status) || lacks_caller;
    prop_assert!(is_expected, "{}: {} for {}", function.name, response, event);

    if status >= 400 {
        prop_assert_eq!(&response["headers"]["content-type"], "application/problem+json");
        let problem: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
        prop_assert_eq!(&problem["status"], status);
    }
    Ok(())
}

/// Whether an event has the context of the authorizer.
fn has_caller(event: &str) -> bool {
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let context = event.pointer("/requestContext/authorizer/lambda");
    Caller::from_context(|name| context.and_then(|context| context.get(name))).is_ok()
}

#[test]
fn endpoint_responds_to_every_request_with_a_documented_status() {
    let functions = Functions::start();
    check_property(1_024, REGRESSIONS, requests(), |(function, event)| {
        functions.check(function, &event.to_string())
    });
}

#[test]
fn endpoint_responds_to_every_changed_event_with_a_documented_status() {
    let functions = Functions::start();
    let inputs = (requests(), json::changes(values(), names()));
    check_property(512, REGRESSIONS, inputs, |((function, event), changes)| {
        functions.check(function, &json::changed(event, changes).to_string())
    });
}

#[test]
fn endpoint_responds_to_damaged_event_text_with_a_documented_status() {
    let functions = Functions::start();
    check_property(512, REGRESSIONS, (requests(), json::damage()), |((function, event), damage)| {
        functions.check(function, &json::damaged(&event, damage))
    });
}

#[test]
fn every_endpoint_responds_to_arbitrary_json_with_a_documented_status() {
    let functions = Functions::start();
    check_property(512, REGRESSIONS, values(), |json| functions.check_all(&json.to_string()));
}
