//! An embedded DynamoDB with the tables that the templates describe.
//!
//! It is for programs alone: a page in the developer's browser can neither read nor write it.

mod protocol;

use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use axum::{Router, middleware};
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::update_time_to_live::UpdateTimeToLiveRequest;
use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::data::DataDirectory;
use crate::server;
use crate::template::{Table, Templates};

pub(crate) struct DynamoDb {
    stop: oneshot::Sender<()>,
    /// Resolves when the thread ends, even if it panics.
    ended: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

impl DynamoDb {
    /// Opens the database, creates the missing tables, and serves it on `listener`. Without a
    /// data directory it keeps everything in memory.
    pub(crate) fn start(
        data: Option<&DataDirectory>,
        listener: TcpListener,
        templates: &Templates,
        client_timeout: Duration,
    ) -> Result<Self> {
        let database = match data {
            Some(data) => Database::new(&data.database().to_string_lossy()),
            None => Database::memory(),
        };
        let database = database.map_err(|error| anyhow!("cannot open the database: {error:?}"))?;

        for table in &templates.tables {
            create_table(&database, table)
                .with_context(|| format!("cannot create the table `{}`", table.name))?;
        }

        let router = protocol::router(database).layer(middleware::from_fn(server::refuse_pages));
        Self::serve(listener.into_std()?, router, client_timeout)
    }

    /// Serves the database on a thread of its own. SQLite blocks its thread, and would hold
    /// up every request on the gateway's threads.
    fn serve(listener: std::net::TcpListener, router: Router, client_timeout: Duration) -> Result<Self> {
        let (stop, stop_requested) = oneshot::channel::<()>();
        let (ended_sender, ended) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;

        let thread = std::thread::Builder::new().name("dynamodb".to_owned()).spawn(move || {
            let _ended_sender = ended_sender;

            let result = runtime.block_on(async move {
                let listener = TcpListener::from_std(listener)?;
                tokio::select! {
                    never = server::serve(listener, router, client_timeout) => match never {},
                    _ = stop_requested => {}
                }
                Ok::<(), std::io::Error>(())
            });

            if let Err(error) = result {
                eprintln!("error: DynamoDB: {error}");
            }
        })?;

        Ok(Self { stop, ended, thread })
    }

    /// Returns when the server has ended. It ends by itself only after a failure.
    pub(crate) async fn ended(&mut self) {
        let _ = (&mut self.ended).await;
    }

    /// Ends the server. Every write that it has confirmed is on disk already.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

/// Creates a table, unless an earlier run has created it.
fn create_table(database: &Database, table: &Table) -> Result<()> {
    let property = |name| table.properties.get(name);
    let description = json!({
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": property("AttributeDefinitions"),
        "KeySchema": property("KeySchema"),
        "GlobalSecondaryIndexes": property("GlobalSecondaryIndexes"),
    });

    let request: CreateTableRequest = serde_json::from_value(description.clone())?;
    match database.create_table(request) {
        Ok(_) => {}
        Err(DynoxideError::ResourceInUseException(_)) => {
            return check_existing_table(database, table, &description);
        }
        Err(error) => bail!("{error:?}"),
    }

    if let Some(specification) = property("TimeToLiveSpecification") {
        let request = json!({ "TableName": table.name, "TimeToLiveSpecification": specification });
        let request: UpdateTimeToLiveRequest = serde_json::from_value(request)?;
        database.update_time_to_live(request).map_err(|error| anyhow!("{error:?}"))?;
    }
    Ok(())
}

/// Checks that a table from an earlier run has the keys and indexes of today's template.
fn check_existing_table(database: &Database, table: &Table, description: &Value) -> Result<()> {
    let request = serde_json::from_value(json!({ "TableName": table.name }))?;
    let existing = database.describe_table(request).map_err(|error| anyhow!("{error:?}"))?;
    let existing = serde_json::to_value(existing)?;

    if existing.get("Table").map(key_schemas) == Some(key_schemas(description)) {
        return Ok(());
    }
    bail!("the stored table's keys or indexes differ from the template; `make clean` deletes all data")
}

/// The key schemas of a table (under `None`) and of its indexes (under their names).
fn key_schemas(table: &Value) -> BTreeMap<Option<String>, Option<&Value>> {
    let indexes = table.get("GlobalSecondaryIndexes").and_then(Value::as_array).into_iter().flatten();
    let indexes = indexes.map(|index| (index.get("IndexName").map(Value::to_string), index.get("KeySchema")));

    let own = (None, table.get("KeySchema"));
    indexes.chain([own]).collect()
}
