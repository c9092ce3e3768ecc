//! DynamoDB: an embedded one, with the tables that the templates describe.

use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use dynoxide::Database;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::update_time_to_live::UpdateTimeToLiveRequest;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::options::Options;
use crate::template::{Table, Templates};

pub(crate) struct DynamoDb {
    stop: oneshot::Sender<()>,
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("dynamodb".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let served = match TcpListener::from_std(listener) {
                    Ok(listener) => {
                        let stopped = async { drop(stopped.await) };
                        tokio::select! {
                            served = dynoxide::server::serve_on(listener, database) => { let () = served; Ok(()) }
                            () = stopped => Ok(()),
                        }
                    }
                    Err(error) => Err(error.to_string()),
                };
                if let Err(error) = served {
                    eprintln!("error: DynamoDB has stopped: {error}");
                }
            });
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends the server; every answered write is on disk already.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

fn create(database: &Database, table: &Table) -> Result<()> {
    let existing = database.list_tables(Default::default()).map_err(|error| anyhow!("{error:?}"))?;
    if existing.table_names.contains(&table.name) {
        return Ok(());
    }
    let property = |name| table.properties.get(name);
    let request: CreateTableRequest = serde_json::from_value(json!({
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": property("AttributeDefinitions"),
        "KeySchema": property("KeySchema"),
        "GlobalSecondaryIndexes": property("GlobalSecondaryIndexes"),
    }))?;
    database.create_table(request).map_err(|error| anyhow!("{error:?}"))?;
    if let Some(specification) = table.properties.get("TimeToLiveSpecification") {
        let request = json!({ "TableName": table.name, "TimeToLiveSpecification": specification });
        let request: UpdateTimeToLiveRequest = serde_json::from_value(request)?;
        database.update_time_to_live(request).map_err(|error| anyhow!("{error:?}"))?;
    }
    Ok(())
}
