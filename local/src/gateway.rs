//! API Gateway: HTTP APIs with a Lambda authorizer, as AWS documents and answers them.
//!
//! Ours, because nothing maintained emulates an HTTP API's authorizer without Docker.
//! Both stacks' APIs are served on one port, their routes side by side.

mod response;
mod authorization;
mod cors;
mod event;
mod routes;
mod throttle;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use self::authorization::{Authorization, Authorizer};
use self::event::Received;
use self::routes::{Match, Routes};
use crate::lambda::{InvokeError, Lambda};
use crate::template::{Cors, Templates};

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const BODY_MAX_BYTES: usize = 10 * 1024 * 1024;
const HEADERS_MAX_BYTES: usize = 10_240;
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Gateway {
    routes: Routes,
    apis: Vec<Api>,
    lambda: Arc<Lambda>,
}

struct Api {
    id: String,
    authorizer: Option<Authorizer>,
    cors: Option<Cors>,
}

impl Gateway {
    pub(crate) fn new(templates: &Templates, lambda: Arc<Lambda>) -> Result<Self> {
        let api = |api: &crate::template::Api| Api {
            id: api.id.clone(),
            authorizer: api.authorizer.clone().map(Authorizer::new),
            cors: api.cors.clone(),
        };
        Ok(Self {
            routes: Routes::new(&templates.apis)?,
            apis: templates.apis.iter().map(api).collect(),
            lambda,
        })
    }

    async fn answer(&self, client: SocketAddr, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        if headers_size(&parts) > HEADERS_MAX_BYTES {
            return response::message(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "Request Header Fields Too Large",
            );
        }
        let matched = self.routes.find(parts.method.as_str(), parts.uri.path());
        // A preflight has no route of its own; it is answered by the API of the path.
        if cors::is_preflight(&parts) {
            let api = self.routes.api_of_path(parts.uri.path()).and_then(|index| self.apis.get(index));
            return cors::preflight(api.and_then(|api| api.cors.as_ref()), &parts.headers);
        }
        let Some(matched) = matched else {
            return response::message(StatusCode::NOT_FOUND, "Not Found");
        };
        let Some(api) = self.apis.get(matched.api) else {
            return response::message(StatusCode::NOT_FOUND, "Not Found");
        };
        let mut response = self.run(api, &matched, client, &parts, body).await;
        cors::add(api.cors.as_ref(), &parts.headers, response.headers_mut());
        response
    }

    async fn run(
        &self,
        api: &Api,
        matched: &Match,
        client: SocketAddr,
        parts: &Parts,
        body: Body,
    ) -> Response {
        // Taken in whole before anybody is asked: a refusal that left it unread would close
        // the connection under a client that is still sending.
        let Ok(body) = axum::body::to_bytes(body, BODY_MAX_BYTES).await else {
            return response::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        if matched.throttle.as_ref().is_some_and(|throttle| !throttle.admits()) {
            return response::message(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
        }
        let received = Received::new(&api.id, matched, client, parts);
        let context = match api.authorizer.as_ref().filter(|_| !matched.is_open) {
            Some(authorizer) => match authorizer.ask(&self.lambda, &received).await {
                Authorization::Allowed(context) => Some(context),
                Authorization::Refused(status, message) => return response::message(status, message),
            },
            None => None,
        };
        self.integrate(matched, received.integration_event(context, body)).await
    }

    async fn integrate(&self, matched: &Match, event: Value) -> Response {
        let invocation = self.lambda.invoke(&matched.function, event.to_string());
        match tokio::time::timeout(INTEGRATION_TIMEOUT, invocation).await {
            Ok(Ok(response)) => response::from_function(&response),
            Ok(Err(InvokeError::TooLarge)) => {
                response::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
            }
            Ok(Err(InvokeError::Function(_) | InvokeError::Broken(_))) => {
                response::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
            Err(_) => response::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        }
    }
}

pub(crate) fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/healthz", get(async || "ready\n"))
        .fallback(
            async |State(gateway): State<Arc<Gateway>>, client: ConnectInfo<SocketAddr>, request: Request| {
                gateway.answer(client.0, request).await
            },
        )
        .with_state(Arc::new(gateway))
}

/// The request line and all headers, as they count towards the limit.
fn headers_size(parts: &Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.to_string().len();
    let headers = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    line + headers.sum::<usize>()
}

/// A body as events carry it: text as it is, everything else in base64; and whether it
/// is in base64.
fn encode(content_type: Option<&str>, body: &Bytes) -> (String, bool) {
    use base64::prelude::{BASE64_STANDARD, Engine};
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    let textual = ["text/", "application/json", "application/javascript", "application/xml"];
    match std::str::from_utf8(body) {
        Ok(text) if textual.iter().any(|kind| content_type.starts_with(kind)) => (text.to_owned(), false),
        _ => (BASE64_STANDARD.encode(body), true),
    }
}
