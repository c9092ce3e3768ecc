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

    /// The route of a request. `None` if there is none.
    ///
    /// # Errors
    /// When a variable in the path cannot be decoded.
    pub(super) fn find(&self, method: &str, path: &str) -> Result<Option<MatchedRoute>, InvalidPath> {
        let mut candidates = [method, ANY_METHOD].into_iter().filter_map(|method| self.by_method.get(method));
        let Some(found) = candidates.find_map(|routes| routes.at(path).ok()) else { return Ok(None) };

        let decode = |(name, value): (&str, &str)| Ok((name.to_owned(), decode_variable(value)?));
        let path_parameters = found.params.iter().map(decode).collect::<Result<_, _>>()?;

        let Target { api, route, throttle } = found.value;
        Ok(Some(MatchedRoute {
            api: *api,
            key: route.key(),
            function: route.function.clone(),
            is_public: route.is_public,
            throttle: throttle.clone(),
            path_parameters,
        }))
    }

    /// The API that has a route for this path, with any method.
    pub(super) fn api_of_path(&self, path: &str) -> Option<usize> {
        self.by_method.values().find_map(|routes| routes.at(path).ok()).map(|found| found.value.api)
    }
}

/// A variable in the path has an invalid percent-encoding. API Gateway responds with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidPath;

/// Decodes a variable as an HTTP API does: twice, and only up to a question mark that was
/// encoded once.
///
/// This is what captures from a real API show
/// (<https://github.com/hotsock/voker/blob/main/vokerhttp/testdata/ingress-paths.json>). Whether
/// API Gateway finds the route before or after decoding is not known. Here it is before.
fn decode_variable(value: &str) -> Result<String, InvalidPath> {
    let once = percent_decode_str(value).decode_utf8().map_err(|_| InvalidPath)?;
    let before_query = once.split('?').next().unwrap_or_default();

    let mut rest = before_query;
    while let Some((_, escape)) = rest.split_once('%') {
        let is_escape =
            escape.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        if !is_escape {
            return Err(InvalidPath);
        }
        rest = escape;
    }

    let twice = percent_decode_str(before_query).decode_utf8().map_err(|_| InvalidPath)?;
    Ok(twice.into_owned())
}

/// A route's path in the syntax of `matchit`, which writes `{proxy+}` (the rest of the
/// path) as `{*proxy}`.
fn pattern(path: &str) -> String {
    match path.strip_suffix("+}").and_then(|path| path.rsplit_once('{')) {
        Some((before, name)) => format!("{before}{{*{name}}}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_is_decoded_as_an_http_api_decodes_it() {
        for (sent, received) in [
            ("plain", Ok("plain")),
            ("space%20value", Ok("space value")),
            ("question%3Fvalue", Ok("question")),
            ("percent%25done", Err(InvalidPath)),
            ("hash%23value", Ok("hash#value")),
            ("slash%2Fvalue", Ok("slash/value")),
            ("unicode-%CE%BB", Ok("unicode-λ")),
            ("literal%252Fvalue", Ok("literal/value")),
            ("literal%253Fvalue", Ok("literal?value")),
            ("literal%2525value", Ok("literal%value")),
        ] {
            assert_eq!(decode_variable(sent), received.map(str::to_owned), "{sent}");
        }
    }
}
