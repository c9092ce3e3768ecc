//! The deployment templates, read for what can run on this machine: tables,
//! functions, and HTTP APIs with their routes and authorizer.

mod intrinsics;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value};

use self::intrinsics::Scope;
use crate::options::Options;

/// The stacks' names, as an operator would choose them.
const CORE_STACK: &str = "patgate";
const EXAMPLE_STACK: &str = "package-api";

/// Everything the templates say that matters here.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    pub(crate) tables: Vec<Table>,
    pub(crate) functions: Vec<Function>,
    pub(crate) apis: Vec<Api>,
    exports: BTreeMap<String, Value>,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) properties: Value,
}

#[derive(Debug, Clone)]
pub(crate) struct Function {
    /// The logical id, which is its name here.
    pub(crate) name: String,
    /// The file name of its binary: the last part of `CodeUri`.
    pub(crate) binary: String,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) timeout: Duration,
    pub(crate) memory_mb: u64,
}

/// An HTTP API.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) id: String,
    pub(crate) routes: Vec<Route>,
    pub(crate) authorizer: Option<Authorizer>,
    pub(crate) cors: Option<Cors>,
}

#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) function: String,
    /// Open to everybody: the API's authorizer is not asked.
    pub(crate) is_open: bool,
    pub(crate) throttle: Option<Throttle>,
}

/// How many requests a route takes: so many a second, and so many at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Throttle {
    pub(crate) rate: u64,
    pub(crate) burst: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Authorizer {
    pub(crate) function: String,
    pub(crate) identity_headers: Vec<String>,
    pub(crate) cache: Duration,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Cors {
    pub(crate) origins: Vec<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) headers: Vec<String>,
    pub(crate) max_age_seconds: Option<u64>,
}

impl Templates {
    /// Reads the core and the example, in the order in which they are deployed.
    pub(crate) fn load(options: &Options, issuer_url: &str) -> Result<Self> {
        let mut parameters = BTreeMap::from([
            ("OidcIssuer".to_owned(), issuer_url.to_owned()),
            ("OidcAudience".to_owned(), crate::issuer::AUDIENCE.to_owned()),
            ("RolesClaim".to_owned(), crate::issuer::ROLES_CLAIM.to_owned()),
        ]);
        parameters.extend(options.parameters.iter().cloned());
        let mut templates = Self::default();
        templates.add(CORE_STACK, &options.infra.join("template.yaml"), parameters)?;
        let example = options.infra.join("examples/package-api.yaml");
        let parameters = BTreeMap::from([("PatgateStack".to_owned(), CORE_STACK.to_owned())]);
        templates.add(EXAMPLE_STACK, &example, parameters)?;
        Ok(templates)
    }

    fn add(&mut self, stack: &str, file: &Path, parameters: BTreeMap<String, String>) -> Result<()> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let document = yaml::parse(&text).with_context(|| format!("{} is no template", file.display()))?;
        let scope = Scope::new(stack, &document, parameters, &self.exports)?;
        let resources = Resources { document: &document, scope: &scope };
        let mut read = || {
            self.tables.extend(resources.tables()?);
            self.functions.extend(resources.functions()?);
            self.apis.extend(resources.apis()?);
            scope.exports()
        };
        let exports = read().with_context(|| format!("in {}", file.display()))?;
        self.exports.extend(exports);
        Ok(())
    }
}

impl Route {
    /// Such as `GET /api/tokens/{id}`.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// A template's resources, read one type at a time.
struct Resources<'a> {
    document: &'a Value,
    scope: &'a Scope<'a>,
}

impl Resources<'_> {
    /// The logical ids and unresolved properties of the resources of one type.
    fn of_type(&self, wanted: &str) -> impl Iterator<Item = (&String, &Value)> {
        let resources = self.document.get("Resources").and_then(Value::as_object);
        let wanted = wanted.to_owned();
        resources.into_iter().flatten().filter_map(move |(id, resource)| {
            let is_wanted = resource.get("Type").and_then(Value::as_str) == Some(wanted.as_str());
            is_wanted.then(|| (id, resource.get("Properties").unwrap_or(&Value::Null)))
        })
    }

    fn tables(&self) -> Result<Vec<Table>> {
        let table = |(id, properties): (&String, &Value)| {
            let properties = self.resolve(id, properties)?;
            let name = properties.get("TableName").and_then(Value::as_str).unwrap_or(id).to_owned();
            Ok(Table { name, properties })
        };
        self.of_type("AWS::DynamoDB::Table").map(table).collect()
    }

    fn functions(&self) -> Result<Vec<Function>> {
        self.of_type("AWS::Serverless::Function").map(|(id, own)| self.function(id, own)).collect()
    }

    fn function(&self, id: &str, own: &Value) -> Result<Function> {
        let globals = self.document.pointer("/Globals/Function").unwrap_or(&Value::Null);
        let property = |name: &str| own.get(name).or_else(|| globals.get(name));
        let number = |name: &str, default: u64| match property(name) {
            None => Ok(default),
            Some(value) => {
                let value = self.resolve(id, value)?;
                whole_number(&value).ok_or_else(|| anyhow!("`{id}`: `{name}` is not a whole number"))
            }
        };
        let code_uri = property("CodeUri").and_then(Value::as_str);
        let code_uri = code_uri.with_context(|| format!("`{id}` has no `CodeUri`"))?;
        let binary = code_uri.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        let mut environment = BTreeMap::new();
        for variables in [globals, own].map(|properties| properties.pointer("/Environment/Variables")) {
            let variables = self.resolve(id, variables.unwrap_or(&Value::Null))?;
            for (name, value) in variables.as_object().into_iter().flatten() {
                environment.insert(name.clone(), intrinsics::text(value)?);
            }
        }
        Ok(Function {
            name: id.to_owned(),
            binary,
            environment,
            timeout: Duration::from_secs(number("Timeout", 3)?),
            memory_mb: number("MemorySize", 128)?,
        })
    }

    fn apis(&self) -> Result<Vec<Api>> {
        self.of_type("AWS::Serverless::HttpApi").map(|(id, own)| self.api(id, own)).collect()
    }

    fn api(&self, id: &str, properties: &Value) -> Result<Api> {
        let properties = self.resolve(id, properties)?;
        let auth = properties.get("Auth");
        let default = auth.and_then(|auth| auth.get("DefaultAuthorizer")).and_then(Value::as_str);
        let authorizer = match (auth, default) {
            (Some(auth), Some(name)) => {
                let authorizer = auth.get("Authorizers").and_then(|all| all.get(name));
                let authorizer = authorizer.with_context(|| format!("`{id}` has no authorizer `{name}`"))?;
                Some(read_authorizer(authorizer).with_context(|| format!("authorizer `{name}` of `{id}`"))?)
            }
            (Some(_), None) => bail!("`{id}` has an `Auth` without a `DefaultAuthorizer`"),
            (None, _) => None,
        };
        let cors = properties.get("CorsConfiguration").and_then(Value::as_object).map(read_cors);
        let cors = cors.transpose().with_context(|| format!("`CorsConfiguration` of `{id}`"))?;
        let mut routes = self.routes(id)?;
        if let Some(settings) = properties.get("DefaultRouteSettings") {
            let throttle =
                read_throttle(settings).with_context(|| format!("`DefaultRouteSettings` of `{id}`"))?;
            routes.iter_mut().for_each(|route| route.throttle = Some(throttle));
        }
        let settings = properties.get("RouteSettings").and_then(Value::as_object);
        for (key, settings) in settings.into_iter().flatten() {
            let route = routes.iter_mut().find(|route| route.key() == *key);
            let route = route.with_context(|| format!("`RouteSettings` of `{id}` has no route `{key}`"))?;
            route.throttle = Some(read_throttle(settings).with_context(|| format!("route `{key}`"))?);
        }
        Ok(Api { id: id.to_owned(), routes, authorizer, cors })
    }

    /// The routes of an API: the `HttpApi` events of all functions that name it.
    fn routes(&self, api: &str) -> Result<Vec<Route>> {
        let mut routes = Vec::new();
        for (function, properties) in self.of_type("AWS::Serverless::Function") {
            let events = properties.get("Events").and_then(Value::as_object);
            for (name, event) in events.into_iter().flatten() {
                let text = |path: &str| event.pointer(path).and_then(Value::as_str);
                if text("/Type") != Some("HttpApi") {
                    bail!("event `{name}` of `{function}` is no `HttpApi` event, and nothing else runs here");
                }
                let Some(id) = text("/Properties/ApiId/Ref") else {
                    bail!("event `{name}` of `{function}` names no API with `!Ref`");
                };
                let is_open = match event.pointer("/Properties/Auth").and_then(Value::as_object) {
                    None => false,
                    Some(auth) => {
                        refuse_others(auth, &["Authorizer"])?;
                        if auth.get("Authorizer").and_then(Value::as_str) != Some("NONE") {
                            bail!("event `{name}` of `{function}` has an authorizer of its own");
                        }
                        true
                    }
                };
                if id != api {
                    continue;
                }
                let (Some(method), Some(path)) = (text("/Properties/Method"), text("/Properties/Path"))
                else {
                    bail!("event `{name}` of `{function}` has no `Method` and `Path`");
                };
                routes.push(Route {
                    method: method.to_ascii_uppercase(),
                    path: path.to_owned(),
                    function: function.clone(),
                    is_open,
                    throttle: None,
                });
            }
        }
        Ok(routes)
    }

    fn resolve(&self, id: &str, value: &Value) -> Result<Value> {
        self.scope.resolve(value).with_context(|| format!("in `{id}`"))
    }
}

fn read_authorizer(authorizer: &Value) -> Result<Authorizer> {
    // Only what is emulated may be configured, or this machine would behave otherwise
    // than AWS without a word.
    if authorizer.get("AuthorizerPayloadFormatVersion").and_then(Value::as_str) != Some("2.0")
        || authorizer.get("EnableSimpleResponses") != Some(&Value::Bool(true))
    {
        bail!("only payload format 2.0 with simple responses runs here");
    }
    let arn = authorizer.get("FunctionArn").and_then(Value::as_str).context("no `FunctionArn`")?;
    let identity = authorizer.get("Identity").and_then(Value::as_object).context("no `Identity`")?;
    refuse_others(identity, &["Headers", "ReauthorizeEvery"])?;
    // Required, because what API Gateway does without it has changed over time.
    let cache = identity.get("ReauthorizeEvery").and_then(whole_number);
    Ok(Authorizer {
        function: function_of_arn(arn)?,
        identity_headers: texts(identity.get("Headers"))
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect(),
        cache: Duration::from_secs(cache.context("`ReauthorizeEvery` is no whole number")?),
    })
}

/// `arn:aws:lambda:<region>:<account>:function:<name>`, with or without an alias.
fn function_of_arn(arn: &str) -> Result<String> {
    let name = arn.split(':').nth(6).with_context(|| format!("`{arn}` is no function's ARN"))?;
    Ok(name.to_owned())
}

fn read_cors(cors: &Map<String, Value>) -> Result<Cors> {
    refuse_others(cors, &["AllowOrigins", "AllowMethods", "AllowHeaders", "MaxAge"])?;
    Ok(Cors {
        origins: texts(cors.get("AllowOrigins")),
        methods: texts(cors.get("AllowMethods")),
        headers: texts(cors.get("AllowHeaders")),
        max_age_seconds: cors.get("MaxAge").and_then(whole_number),
    })
}

fn read_throttle(settings: &Value) -> Result<Throttle> {
    let settings = settings.as_object().context("settings are no mapping")?;
    // Metrics are nobody's business here.
    refuse_others(settings, &["ThrottlingRateLimit", "ThrottlingBurstLimit", "DetailedMetricsEnabled"])?;
    let number = |name: &str| {
        let number = settings.get(name).and_then(whole_number);
        number.with_context(|| format!("`{name}` is not a whole number"))
    };
    Ok(Throttle { rate: number("ThrottlingRateLimit")?, burst: number("ThrottlingBurstLimit")? })
}

fn refuse_others(properties: &Map<String, Value>, emulated: &[&str]) -> Result<()> {
    match properties.keys().find(|name| !emulated.contains(&name.as_str())) {
        Some(name) => bail!("`{name}` is not emulated here"),
        None => Ok(()),
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
