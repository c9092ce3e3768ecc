//! An API that knows nothing of tokens: it reads who calls from the request context
//! and decides by their roles. Whether the caller came with a token or a session
//! makes no difference to it.

pub mod packages;
mod upload;

use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::http::{Method, StatusCode};
use lambda_http::{Request, RequestExt, Response};
use patgate::clock::{self, Timestamp};
use patgate::http::{FieldError, Problem, caller, json_response};
use serde_json::{Value, json};

use crate::packages::{Package, Packages, Stored};
use crate::upload::{Upload, is_file_name};

/// Any of these may upload.
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

    /// Answers one request.
    pub async fn handle(&self, request: &Request, now: Timestamp) -> Response<Body> {
        let answer = match *request.method() {
            Method::POST => self.upload(request, now).await.map(|body| (StatusCode::CREATED, body)),
            _ => self.list(request).await.map(|body| (StatusCode::OK, body)),
        };
        match answer {
            Ok((status, body)) => json_response(status, &body),
            Err(problem) => problem.into_response(),
        }
    }

    async fn upload(&self, request: &Request, now: Timestamp) -> Result<Value, Problem> {
        let caller = caller(request)?;
        if !UPLOADER_ROLES.iter().any(|role| caller.has_role(role)) {
            let roles = UPLOADER_ROLES.join("` or `");
            return Err(Problem::forbidden(format!("Uploading needs the role `{roles}`.")));
        }
        let upload = Upload::read(request).await.map_err(|error| Problem::bad_request(error.to_string()))?;
        let package = Package {
            name: upload.file_name,
            size: upload.size,
            sha256: upload.sha256,
            uploaded_by: caller.user_id,
            uploaded_at: clock::to_text(now),
        };
        match self.packages.put(&package, upload.overwrite_existing).await? {
            Stored::Yes => Ok(resource(&package)),
            Stored::NameTaken => {
                let detail = format!(
                    "There is a package `{}` already. To replace it, send `OverWriteExisting=true`.",
                    package.name
                );
                Err(Problem::new(StatusCode::CONFLICT, detail))
            }
        }
    }

    async fn list(&self, request: &Request) -> Result<Value, Problem> {
        caller(request)?;
        let query = request.query_string_parameters_ref();
        let after = query.and_then(|query| query.first("after"));
        if after.is_some_and(|after| !is_file_name(after)) {
            return Err(Problem::invalid(vec![FieldError::new("after", "is no package's name")]));
        }
        let (packages, next) = self.packages.list(after, LIST_LIMIT).await?;
        Ok(json!({ "items": packages.iter().map(resource).collect::<Vec<_>>(), "nextAfter": next }))
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
