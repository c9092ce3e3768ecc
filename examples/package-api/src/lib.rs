//! An API that knows nothing about tokens. It reads the caller from the request context and
//! decides by the caller's roles. Whether the caller used a token or a session makes no
//! difference.

mod event;
pub mod packages;
mod problem;
mod upload;

use chrono::{DateTime, SecondsFormat, Utc};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::http::{Method, StatusCode};
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use patgate_caller::{Caller, MissingCaller};
use serde_json::{Value, json};

use crate::packages::{Package, Packages, Stored};
use crate::problem::{Problem, json_response};
use crate::upload::{Upload, is_file_name};

/// Each of these roles may upload packages.
const UPLOADER_ROLES: [&str; 2] = ["publisher", "administrator"];
const LIST_LIMIT: usize = 100;

/// `POST /api/Package` and `GET /api/Package`.
#[derive(Debug)]
pub struct PackageApi {
    packages: Packages,
}

impl PackageApi {
    #[must_use]
    pub fn new(packages: Packages) -> Self {
        Self { packages }
    }

    /// Responds to an event, whatever it contains. An event that is not a request gets 400.
    pub async fn respond(&self, event: &str, now: DateTime<Utc>) -> ApiGatewayV2httpResponse {
        event::to_gateway(match event::read_request(event) {
            Ok(request) => match self.handle(&request, now).await {
                Ok((status, body)) => json_response(status, &body),
                Err(problem) => problem.into_response(request_id(&request)),
            },
            Err(error) => Problem::from(error).into_response(None),
        })
    }

    async fn handle(&self, request: &Request, now: DateTime<Utc>) -> Result<(StatusCode, Value), Problem> {
        match *request.method() {
            Method::POST => Ok((StatusCode::CREATED, self.upload(request, now).await?)),
            _ => Ok((StatusCode::OK, self.list(request).await?)),
        }
    }

    async fn upload(&self, request: &Request, now: DateTime<Utc>) -> Result<Value, Problem> {
        let caller = read_caller(request)?;
        if !UPLOADER_ROLES.iter().any(|role| caller.has_role(role)) {
            let roles = UPLOADER_ROLES.join("` or `");
            let detail = format!("Uploading needs the role `{roles}`.");
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }

        let upload = Upload::read(request).await?;
        let package = Package {
            name: upload.file_name,
            size: upload.size,
            sha256: upload.sha256,
            uploaded_by: caller.user_id,
            uploaded_at: now.to_rfc3339_opts(SecondsFormat::Millis, true),
        };
        match self.packages.put(&package, upload.overwrite_existing).await? {
            Stored::Yes => Ok(resource(&package)),
            Stored::NameTaken => {
                let detail = format!(
                    "A package `{}` exists already. To replace it, send `OverWriteExisting=true`.",
                    package.name
                );
                Err(Problem::new(StatusCode::CONFLICT, detail))
            }
        }
    }

    async fn list(&self, request: &Request) -> Result<Value, Problem> {
        read_caller(request)?;
        let query = request.query_string_parameters_ref();
        let after = match query.and_then(|query| query.all("after")).as_deref() {
            None => None,
            Some([after]) if is_file_name(after) => Some(*after),
            Some([_]) => {
                return Err(Problem::invalid_parameter(
                    "after",
                    "invalid_format",
                    "is not a valid package name",
                ));
            }
            Some(_) => return Err(Problem::invalid_parameter("after", "repeated", "must not be repeated")),
        };

        let (packages, next) = self.packages.list(after, LIST_LIMIT).await?;
        Ok(json!({ "items": packages.iter().map(resource).collect::<Vec<_>>(), "nextAfter": next }))
    }
}

/// The caller, from the context that the authorizer added to the request.
fn read_caller(request: &Request) -> Result<Caller, MissingCaller> {
    let context = request.request_context_ref();
    let authorizer = context.and_then(RequestContext::authorizer);
    Caller::from_context(|name| authorizer.and_then(|authorizer| authorizer.fields.get(name)))
}

/// The ID that API Gateway gave to the request.
fn request_id(request: &Request) -> Option<&str> {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.as_deref(),
        _ => None,
    }
}

fn resource(package: &Package) -> Value {
    json!({
        "name": package.name,
        "size": package.size,
        "sha256": package.sha256,
        "uploadedBy": package.uploaded_by,
        "uploadedAt": package.uploaded_at,
    })
}
