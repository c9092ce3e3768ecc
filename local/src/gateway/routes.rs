//! Finds the route, and with it the function, for a request.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result};
use matchit::Router;
use percent_encoding::percent_decode_str;

use crate::gateway::throttle::Throttle;
use crate::template::{HttpApi, Route};

/// The method of a route that accepts every method.
const ANY_METHOD: &str = "ANY";

pub(super) struct RouteTable {
    by_method: HashMap<String, Router<Target>>,
}

#[derive(Clone)]
struct Target {
    api: usize,
    route: Route,
    throttle: Option<Arc<Throttle>>,
}

/// The route of a request.
pub(super) struct MatchedRoute {
    /// The index of the API that has this route.
    pub(super) api: usize,
    /// Such as `GET /api/tokens/{id}`.
    pub(super) key: String,
    pub(super) function: String,
    /// Whether the gateway skips the API's authorizer.
    pub(super) is_public: bool,
    pub(super) throttle: Option<Arc<Throttle>>,
    /// The decoded values of the variables in the path.
    pub(super) path_parameters: BTreeMap<String, String>,
}

impl RouteTable {
    pub(super) fn new(apis: &[HttpApi]) -> Result<Self> {
        let mut by_method: HashMap<String, Router<Target>> = HashMap::new();
        for (index, api) in apis.iter().enumerate() {
            for route in &api.routes {
                let throttle = route.rate_limit.map(|limit| Arc::new(Throttle::new(limit)));
                let target = Target { api: index, route: route.clone(), throttle };

                by_method
                    .entry(route.method.clone())
                    .or_default()
                    .insert(pattern(&route.path), target)
                    .with_context(|| format!("route `{}` of `{}`", route.key(), api.id))?;
            }
        }
        Ok(Self { by_method })
    }

    pub(super) fn find(&self, method: &str, path: &str) -> Option<MatchedRoute> {
        [method, ANY_METHOD].iter().find_map(|method| {
            let found = self.by_method.get(*method)?.at(path).ok()?;
            let decode = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
            let path_parameters = found.params.iter().map(|(name, value)| (name.to_owned(), decode(value)));

            let Target { api, route, throttle } = found.value;
            Some(MatchedRoute {
                api: *api,
                key: route.key(),
                function: route.function.clone(),
                is_public: route.is_public,
                throttle: throttle.clone(),
                path_parameters: path_parameters.collect(),
            })
        })
    }

    /// The API that has a route for this path, with any method.
    pub(super) fn api_of_path(&self, path: &str) -> Option<usize> {
        self.by_method.values().find_map(|routes| routes.at(path).ok()).map(|found| found.value.api)
    }
}

/// A route's path in the syntax of `matchit`, which writes `{proxy+}` (the rest of the
/// path) as `{*proxy}`.
fn pattern(path: &str) -> String {
    match path.strip_suffix("+}").and_then(|path| path.rsplit_once('{')) {
        Some((before, name)) => format!("{before}{{*{name}}}"),
        None => path.to_owned(),
    }
}
