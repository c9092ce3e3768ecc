//! A template's HTTP APIs: routes, authorizer, CORS and rate limits.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::template::function;
use crate::template::stack::Stack;
use crate::template::values::{reject_other_fields, strings, whole_number};

#[derive(Debug)]
pub(crate) struct HttpApi {
    pub(crate) id: String,
    pub(crate) routes: Vec<Route>,
    pub(crate) authorizer: Option<AuthorizerSettings>,
    pub(crate) cors: Option<CorsSettings>,
}

#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) function: String,
    /// Whether the gateway skips the API's authorizer.
    pub(crate) is_public: bool,
    pub(crate) rate_limit: Option<RateLimit>,
}

/// How many requests a route accepts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RateLimit {
    pub(crate) rate_per_second: u64,
    /// The maximum number of requests at the same moment.
    pub(crate) burst: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct AuthorizerSettings {
    pub(crate) function: String,
    /// The lowercase names of the headers that are the identity sources.
    pub(crate) identity_headers: Vec<String>,
    pub(crate) cache_duration: Duration,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct CorsSettings {
    pub(crate) origins: Vec<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) headers: Vec<String>,
    /// The headers of a response that a page may read.
    pub(crate) exposed_headers: Vec<String>,
    pub(crate) max_age_seconds: Option<u64>,
}

impl Route {
    /// Such as `GET /api/tokens/{id}`.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

pub(super) fn read_apis(stack: &Stack<'_>) -> Result<Vec<HttpApi>> {
    let apis = stack.resources("AWS::Serverless::HttpApi");
    apis.map(|(id, properties)| read_api(stack, id, properties).with_context(|| format!("in `{id}`")))
        .collect()
}

fn read_api(stack: &Stack<'_>, id: &str, properties: &Value) -> Result<HttpApi> {
    let properties = stack.resolve(properties)?;

    let authorizer = properties.get("Auth").map(read_default_authorizer).transpose()?;
    let cors = properties.get("CorsConfiguration").and_then(Value::as_object).map(read_cors);
    let cors = cors.transpose().context("in `CorsConfiguration`")?;
    let mut routes = read_routes(stack, id)?;
    set_rate_limits(&mut routes, &properties)?;

    Ok(HttpApi { id: id.to_owned(), routes, authorizer, cors })
}

fn read_default_authorizer(auth: &Value) -> Result<AuthorizerSettings> {
    let name = auth.get("DefaultAuthorizer").and_then(Value::as_str);
    let name = name.context("`Auth` has no `DefaultAuthorizer`")?;

    let authorizer = auth.get("Authorizers").and_then(|authorizers| authorizers.get(name));
    let authorizer = authorizer.with_context(|| format!("there is no authorizer `{name}`"))?;
    read_authorizer(authorizer).with_context(|| format!("in the authorizer `{name}`"))
}

fn read_authorizer(authorizer: &Value) -> Result<AuthorizerSettings> {
    let version = authorizer.get("AuthorizerPayloadFormatVersion").and_then(Value::as_str);
    let simple_responses = authorizer.get("EnableSimpleResponses").and_then(Value::as_bool);
    if version != Some("2.0") || simple_responses != Some(true) {
        bail!("only payload format 2.0 with simple responses is emulated");
    }

    let arn = authorizer.get("FunctionArn").and_then(Value::as_str).context("there is no `FunctionArn`")?;
    let identity = authorizer.get("Identity").and_then(Value::as_object);
    let identity = identity.context("there is no `Identity`")?;
    reject_other_fields(identity, &["Headers", "ReauthorizeEvery"])?;

    // It has to be set, because API Gateway's default has changed over time.
    let cache_seconds = identity.get("ReauthorizeEvery").and_then(whole_number);
    let cache_seconds = cache_seconds.context("`ReauthorizeEvery` is not a whole number")?;

    let headers = strings(identity.get("Headers"));
    Ok(AuthorizerSettings {
        function: function_of_arn(arn)?,
        identity_headers: headers.iter().map(|name| name.to_ascii_lowercase()).collect(),
        cache_duration: Duration::from_secs(cache_seconds),
    })
}

/// The name in `arn:aws:lambda:<region>:<account>:function:<name>`, which an alias may
/// follow.
fn function_of_arn(arn: &str) -> Result<String> {
    let name = arn.split(':').nth(6).with_context(|| format!("`{arn}` is not the ARN of a function"))?;
    Ok(name.to_owned())
}

fn read_cors(cors: &Map<String, Value>) -> Result<CorsSettings> {
    reject_other_fields(cors, &["AllowOrigins", "AllowMethods", "AllowHeaders", "ExposeHeaders", "MaxAge"])?;

    Ok(CorsSettings {
        origins: strings(cors.get("AllowOrigins")),
        methods: strings(cors.get("AllowMethods")),
        headers: strings(cors.get("AllowHeaders")),
        exposed_headers: strings(cors.get("ExposeHeaders")),
        max_age_seconds: cors.get("MaxAge").and_then(whole_number),
    })
}

/// The routes of an API: the `HttpApi` events of all functions that refer to it.
fn read_routes(stack: &Stack<'_>, api: &str) -> Result<Vec<Route>> {
    let mut routes = Vec::new();
    for (function, properties) in stack.resources(function::RESOURCE_TYPE) {
        let events = properties.get("Events").and_then(Value::as_object);
        for (name, event) in events.into_iter().flatten() {
            let route = read_route(api, function, event);
            routes.extend(route.with_context(|| format!("in the event `{name}` of `{function}`"))?);
        }
    }
    Ok(routes)
}

/// The route of an event; `None` if the event refers to another API.
fn read_route(api: &str, function: &str, event: &Value) -> Result<Option<Route>> {
    let string = |path: &str| event.pointer(path).and_then(Value::as_str);
    if string("/Type") != Some("HttpApi") {
        bail!("only events of type `HttpApi` are emulated");
    }
    let id = string("/Properties/ApiId/Ref").context("`ApiId` does not refer to an API with `!Ref`")?;

    let is_public = match event.pointer("/Properties/Auth").and_then(Value::as_object) {
        None => false,
        Some(auth) => {
            reject_other_fields(auth, &["Authorizer"])?;
            if auth.get("Authorizer").and_then(Value::as_str) != Some("NONE") {
                bail!("an authorizer other than `NONE` is not emulated");
            }
            true
        }
    };

    if id != api {
        return Ok(None);
    }
    let method = string("/Properties/Method").context("there is no `Method`")?;
    let path = string("/Properties/Path").context("there is no `Path`")?;
    Ok(Some(Route {
        method: method.to_ascii_uppercase(),
        path: path.to_owned(),
        function: function.to_owned(),
        is_public,
        rate_limit: None,
    }))
}

/// Sets the rate limits of `DefaultRouteSettings` and `RouteSettings`.
fn set_rate_limits(routes: &mut [Route], properties: &Value) -> Result<()> {
    if let Some(settings) = properties.get("DefaultRouteSettings") {
        let limit = read_rate_limit(settings).context("in `DefaultRouteSettings`")?;
        for route in routes.iter_mut() {
            route.rate_limit = Some(limit);
        }
    }

    let settings = properties.get("RouteSettings").and_then(Value::as_object);
    for (key, settings) in settings.into_iter().flatten() {
        let route = routes.iter_mut().find(|route| route.key() == *key);
        let route = route.with_context(|| format!("`RouteSettings` names no route: `{key}`"))?;
        route.rate_limit =
            Some(read_rate_limit(settings).with_context(|| format!("in `RouteSettings` of `{key}`"))?);
    }
    Ok(())
}

fn read_rate_limit(settings: &Value) -> Result<RateLimit> {
    let settings = settings.as_object().context("the settings are not a mapping")?;
    // There are no metrics on this machine, so `DetailedMetricsEnabled` changes nothing.
    reject_other_fields(
        settings,
        &["ThrottlingRateLimit", "ThrottlingBurstLimit", "DetailedMetricsEnabled"],
    )?;

    let number = |name: &str| {
        let number = settings.get(name).and_then(whole_number);
        number.with_context(|| format!("`{name}` is not a whole number"))
    };
    Ok(RateLimit { rate_per_second: number("ThrottlingRateLimit")?, burst: number("ThrottlingBurstLimit")? })
}
