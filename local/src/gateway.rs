//! API Gateway: HTTP APIs with a Lambda authorizer, as AWS documents them.
//!
//! This is our own code because no maintained emulator runs an HTTP API's authorizer
//! without Docker. One port serves the routes of both stacks' APIs.

mod authorization;
mod cors;
mod event;
mod response;
mod routes;
mod throttle;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use self::authorization::{Authorizer, Decision};
use self::event::ReceivedRequest;
use self::routes::{InvalidPath, MatchedRoute, RouteTable};
use crate::lambda::{InvokeError, Lambda};
use crate::template::{CorsSettings, HttpApi, Templates};

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const BODY_MAX_BYTES: usize = 10 * 1024 * 1024;
const HEADERS_MAX_BYTES: usize = 10_240;
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// An HTTP API returns the ID of each request in this header.
const REQUEST_ID: HeaderName = HeaderName::from_static("apigw-requestid");

pub(crate) struct Gateway {
    routes: RouteTable,
    apis: Vec<ServedApi>,
    lambda: Arc<Lambda>,
}

struct ServedApi {
    id: String,
    authorizer: Option<Authorizer>,
    cors: Option<CorsSettings>,
}

/// Who sends a request, and the ID that it gets.
struct Client {
    address: SocketAddr,
    request_id: String,
}

impl Gateway {
    pub(crate) fn new(templates: &Templates, lambda: Arc<Lambda>) -> Result<Self> {
        Ok(Self {
            routes: RouteTable::new(&templates.apis)?,
            apis: templates.apis.iter().map(ServedApi::new).collect(),
            lambda,
        })
    }

    /// Serves all APIs, and `/healthz`.
    pub(crate) fn into_router(self) -> Router {
        Router::new()
            .route("/healthz", get(async || "ready\n"))
            .fallback(handle_request)
            .with_state(Arc::new(self))
    }

    async fn handle(&self, client: &Client, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        if headers_bytes(&parts) > HEADERS_MAX_BYTES {
            return response::message(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "Request Header Fields Too Large",
            );
        }

        // A preflight needs no route for its method: the API that has the path responds.
        if cors::is_preflight(&parts) {
            let api = self.routes.api_of_path(parts.uri.path()).and_then(|index| self.apis.get(index));
            return cors::preflight_response(api.and_then(|api| api.cors.as_ref()), &parts.headers);
        }

        let route = match self.routes.find(parts.method.as_str(), parts.uri.path()) {
            Ok(Some(route)) => route,
            Ok(None) => return response::message(StatusCode::NOT_FOUND, "Not Found"),
            Err(InvalidPath) => return response::message(StatusCode::BAD_REQUEST, "Bad Request"),
        };
        let Some(api) = self.apis.get(route.api) else {
            return response::message(StatusCode::NOT_FOUND, "Not Found");
        };

        let mut response = self.serve_route(api, &route, client, &parts, body).await;
        cors::add_headers(api.cors.as_ref(), &parts.headers, response.headers_mut());
        response
    }

    /// Applies the rate limit, asks the authorizer, and invokes the function.
    async fn serve_route(
        &self,
        api: &ServedApi,
        route: &MatchedRoute,
        client: &Client,
        parts: &Parts,
        body: Body,
    ) -> Response {
        // The server has read the whole body already; this only limits it.
        let Ok(body) = axum::body::to_bytes(body, BODY_MAX_BYTES).await else {
            return response::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };

        if route.throttle.as_ref().is_some_and(|throttle| !throttle.admits()) {
            return response::message(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
        }

        let request = ReceivedRequest::new(&api.id, route, client, parts);
        let context = match api.authorizer.as_ref().filter(|_| !route.is_public) {
            Some(authorizer) => match authorizer.decide(&self.lambda, &request).await {
                Decision::Allow(context) => Some(context),
                Decision::Unauthorized => {
                    return response::message(StatusCode::UNAUTHORIZED, "Unauthorized");
                }
                Decision::Forbidden => return response::message(StatusCode::FORBIDDEN, "Forbidden"),
                Decision::Fault => return response::internal_server_error(),
            },
            None => None,
        };

        self.integrate(route, request.integration_event(context, &body)).await
    }

    /// Invokes the route's function and turns the result into an HTTP response.
    async fn integrate(&self, route: &MatchedRoute, event: Value) -> Response {
        let invocation = self.lambda.invoke(&route.function, event.to_string());
        match tokio::time::timeout(INTEGRATION_TIMEOUT, invocation).await {
            Ok(Ok(payload)) => response::from_function(&payload),
            Ok(Err(InvokeError::RequestTooLarge)) => {
                response::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
            }
            Ok(Err(
                InvokeError::Function { .. } | InvokeError::Instance(_) | InvokeError::UnknownFunction(_),
            )) => response::internal_server_error(),
            Err(_) => response::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        }
    }
}

impl ServedApi {
    fn new(api: &HttpApi) -> Self {
        Self {
            id: api.id.clone(),
            authorizer: api.authorizer.clone().map(Authorizer::new),
            cors: api.cors.clone(),
        }
    }
}

async fn handle_request(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let client = Client { address, request_id: uuid::Uuid::now_v7().to_string() };
    let mut response = gateway.handle(&client, request).await;
    if let Ok(id) = HeaderValue::from_str(&client.request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The size of the request line and all headers, as it counts towards the limit.
fn headers_bytes(parts: &Parts) -> usize {
    let request_line = parts.method.as_str().len() + parts.uri.to_string().len();
    let headers = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    request_line + headers.sum::<usize>()
}
