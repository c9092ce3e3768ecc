//! The store: two tables behind one client.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use patgate_process::{ConfigError, Environment};

use crate::config::{AwsEnvironment, Tables, TrustedRoots};
use crate::connection::{authorizer_client, endpoint_client};
use crate::error::unavailable;
use crate::items::{self, USER_ID};

/// Tokens and users in DynamoDB.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) tables: Tables,
}

/// How long to wait for the first connection. The request that caused the cold start
/// waits as well.
const FIRST_CONNECTION: Duration = Duration::from_millis(200);

/// A user ID that no user can have: OpenID Connect Core 1.0 restricts `sub` to ASCII.
const UNUSED_USER_ID: &str = "\u{2205}";

impl Store {
    /// A store for the authorizer.
    #[must_use]
    pub fn for_authorizer(aws: &AwsEnvironment, tables: Tables) -> Self {
        Self { client: authorizer_client(aws), tables }
    }

    /// A store with the timeouts of the management endpoints.
    ///
    /// # Errors
    /// When a variable is missing or invalid.
    pub async fn for_endpoint(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let tables = Tables::read(environment)?;
        let client = endpoint_client(TrustedRoots::read(environment)?).await;

        Ok(Self { client, tables })
    }

    /// Opens the connection that the first request will use, so that no caller waits for
    /// the TLS handshake. It reads a user that does not exist, which costs half a read
    /// unit.
    ///
    /// It never fails, and it gives up after 200 ms. In that case the first request
    /// opens the connection, and reports what is wrong if it cannot.
    pub async fn connect(&self) {
        let read = self.client.get_item().table_name(&self.tables.users);
        let read = read.key(USER_ID, items::text(UNUSED_USER_ID)).consistent_read(false).send();

        let failure = match tokio::time::timeout(FIRST_CONNECTION, read).await {
            Ok(read) => read.err().map(|error| unavailable("open a connection")(error).to_string()),
            Err(_) => Some(format!("no response within {FIRST_CONNECTION:?}")),
        };
        if let Some(reason) = failure {
            tracing::warn!(reason, "no connection to DynamoDB yet");
        }
    }
}
