//! DynamoDB: an embedded one, with the tables that the templates describe.

use std::collections::BTreeMap;
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow, bail};
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::update_time_to_live::UpdateTimeToLiveRequest;
use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::options::Options;
use crate::template::{Table, Templates};

pub(crate) struct DynamoDb {
    stop: oneshot::Sender<()>,
    /// Resolves when the thread ends, however it does.
    ended: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

impl DynamoDb {
    pub(crate) fn start(options: &Options, listener: TcpListener, templates: &Templates) -> Result<Self> {
        let database = if options.memory {
            Database::memory()
        } else {
            std::fs::create_dir_all(&options.data)
                .with_context(|| format!("cannot make the folder {}", options.data.display()))?;
            Database::new(&options.data.join("dynamodb.sqlite").to_string_lossy())
        };
        let database = database.map_err(|error| anyhow!("cannot open the database: {error:?}"))?;
        for table in &templates.tables {
            create(&database, table).with_context(|| format!("cannot create the table `{}`", table.name))?;
        }
        Self::serve(listener.into_std()?, database)
    }

    /// SQLite blocks the thread it works on, so it gets one of its own: on the
    /// gateway's it would hold up every request.
    fn serve(listener: std::net::TcpListener, database: Database) -> Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("dynamodb".to_owned()).spawn(move || {
            let _end = end;
            let served = runtime.block_on(async move {
                let listener = TcpListener::from_std(listener)?;
                tokio::select! {
                    () = dynoxide::server::serve_on(listener, database) => {}
                    _ = stopped => {}
                }
                Ok::<(), std::io::Error>(())
            });
            if let Err(error) = served {
                eprintln!("error: DynamoDB: {error}");
            }
        })?;
        Ok(Self { stop, ended, thread })
    }

    /// Returns when the server has ended, which it does not do by itself.
    pub(crate) async fn ended(&mut self) {
        let _ = (&mut self.ended).await;
    }

    /// Ends the server; every answered write is on disk already.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

/// Makes a table, unless it is there from an earlier run.
fn create(database: &Database, table: &Table) -> Result<()> {
    let property = |name| table.properties.get(name);
    let description = json!({
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": property("AttributeDefinitions"),
        "KeySchema": property("KeySchema"),
        "GlobalSecondaryIndexes": property("GlobalSecondaryIndexes"),
    });
    let wanted: CreateTableRequest = serde_json::from_value(description.clone())?;
    match database.create_table(wanted) {
        Ok(_) => {}
        Err(DynoxideError::ResourceInUseException(_)) => return compare(database, table, &description),
        Err(error) => bail!("{error:?}"),
    }
    if let Some(specification) = property("TimeToLiveSpecification") {
        let request = json!({ "TableName": table.name, "TimeToLiveSpecification": specification });
        let request: UpdateTimeToLiveRequest = serde_json::from_value(request)?;
        database.update_time_to_live(request).map_err(|error| anyhow!("{error:?}"))?;
    }
    Ok(())
}

/// A table from an earlier run must be the one that the template describes now.
fn compare(database: &Database, table: &Table, wanted: &Value) -> Result<()> {
    let request = serde_json::from_value(json!({ "TableName": table.name }))?;
    let existing = database.describe_table(request).map_err(|error| anyhow!("{error:?}"))?;
    let existing = serde_json::to_value(existing)?;
    if existing.get("Table").map(keys) == Some(keys(wanted)) {
        return Ok(());
    }
    bail!("the stored table has other keys or indexes than the template; `make clean` forgets all data")
}

/// The key schema of a table and of its indexes, by name.
fn keys(table: &Value) -> BTreeMap<Option<String>, Option<&Value>> {
    let indexes = table.get("GlobalSecondaryIndexes").and_then(Value::as_array).into_iter().flatten();
    let indexes = indexes.map(|index| (index.get("IndexName").map(Value::to_string), index.get("KeySchema")));
    let own = (None, table.get("KeySchema"));
    indexes.chain([own]).collect()
}
