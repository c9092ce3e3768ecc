//! Route keys such as `GET /api/tokens/{id}`: which function answers which request.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result};
use matchit::Router;
use percent_encoding::percent_decode_str;

use super::throttle::Throttle;
use crate::template::{Api, Route};

const ANY: &str = "ANY";

pub(super) struct Routes {
    by_method: HashMap<String, Router<Target>>,
}

#[derive(Clone)]
struct Target {
    api: usize,
    route: Route,
    throttle: Option<Arc<Throttle>>,
}

/// A request's route.
pub(super) struct Match {
    pub(super) api: usize,
    /// Such as `GET /api/tokens/{id}`.
    pub(super) key: String,
    pub(super) function: String,
    /// Open to everybody: the API's authorizer is not asked.
    pub(super) is_open: bool,
    pub(super) throttle: Option<Arc<Throttle>>,
    /// Decoded values of the variables in the path.
    pub(super) parameters: BTreeMap<String, String>,
}

impl Routes {
    pub(super) fn new(apis: &[Api]) -> Result<Self> {
        let mut by_method: HashMap<String, Router<Target>> = HashMap::new();
        for (index, api) in apis.iter().enumerate() {
            for route in &api.routes {
                // `{proxy+}` takes the rest of the path.
                let pattern = match route.path.strip_suffix("+}").and_then(|path| path.rsplit_once('{')) {
                    Some((before, name)) => format!("{before}{{*{name}}}"),
                    None => route.path.clone(),
                };
                let throttle = route.throttle.map(|limits| Arc::new(Throttle::new(limits)));
                let target = Target { api: index, route: route.clone(), throttle };
                by_method
                    .entry(route.method.clone())
                    .or_default()
                    .insert(pattern, target)
                    .with_context(|| format!("route `{} {}` of `{}`", route.method, route.path, api.id))?;
            }
        }
        Ok(Self { by_method })
    }

    pub(super) fn find(&self, method: &str, path: &str) -> Option<Match> {
        [method, ANY].iter().find_map(|method| {
            let found = self.by_method.get(*method)?.at(path).ok()?;
            let decode = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
            let Target { api, route, throttle } = found.value;
            Some(Match {
                api: *api,
                key: route.key(),
                function: route.function.clone(),
                is_open: route.is_open,
                throttle: throttle.clone(),
                parameters: found
                    .params
                    .iter()
                    .map(|(name, value)| (name.to_owned(), decode(value)))
                    .collect(),
            })
        })
    }

    /// The API that has a route for this path, whatever the method.
    pub(super) fn api_of_path(&self, path: &str) -> Option<usize> {
        self.by_method.values().find_map(|routes| routes.at(path).ok()).map(|found| found.value.api)
    }
}
