//! The table of packages, with the key `name`. It is independent of the tables of Patgate.

use std::collections::HashMap;
use std::error::Error;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;

/// A stored package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    /// The size in bytes.
    pub size: usize,
    /// Lowercase hexadecimal.
    pub sha256: String,
    /// The user ID of the uploader.
    pub uploaded_by: String,
    /// RFC 3339, UTC.
    pub uploaded_at: String,
}

/// A fault of the table.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    #[error("could not {operation}: {reason}")]
    Unavailable { operation: &'static str, reason: String },
    #[error("stored package has no valid `{attribute}`")]
    Corrupt { attribute: &'static str },
}

/// Whether a package was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    Yes,
    NameTaken,
}

/// The table.
#[derive(Debug)]
pub struct Packages {
    client: Client,
    table: String,
}

impl Packages {
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Stores a package. An existing package of the same name is replaced only if `overwrite`
    /// is true.
    ///
    /// # Errors
    /// When DynamoDB is unavailable.
    pub async fn put(&self, package: &Package, overwrite: bool) -> Result<Stored, PackagesError> {
        let mut put = self.client.put_item().table_name(&self.table).set_item(Some(item(package)));
        if !overwrite {
            put = put
                .condition_expression("attribute_not_exists(#name)")
                .expression_attribute_names("#name", "name");
        }

        match put.send().await {
            Ok(_) => Ok(Stored::Yes),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(Stored::NameTaken),
                _ => Err(unavailable("store a package")(error)),
            },
        }
    }

    /// Lists up to `limit` packages after the one named `after`, and returns the last name if
    /// there are more.
    ///
    /// # Errors
    /// When DynamoDB is unavailable, or a package is damaged.
    pub async fn list(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Package>, Option<String>), PackagesError> {
        let start =
            after.map(|name| HashMap::from([("name".to_owned(), AttributeValue::S(name.to_owned()))]));
        let response = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(unavailable("list packages"))?;

        let packages = response.items.unwrap_or_default().into_iter().map(package);
        let next = response.last_evaluated_key.map(|mut key| text(&mut key, "name")).transpose()?;

        Ok((packages.collect::<Result<_, _>>()?, next))
    }
}

fn item(package: &Package) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("name".to_owned(), AttributeValue::S(package.name.clone())),
        ("size".to_owned(), AttributeValue::N(package.size.to_string())),
        ("sha256".to_owned(), AttributeValue::S(package.sha256.clone())),
        ("uploaded_by".to_owned(), AttributeValue::S(package.uploaded_by.clone())),
        ("uploaded_at".to_owned(), AttributeValue::S(package.uploaded_at.clone())),
    ])
}

fn package(mut item: HashMap<String, AttributeValue>) -> Result<Package, PackagesError> {
    let size = item.remove("size").and_then(|size| size.as_n().ok().and_then(|size| size.parse().ok()));
    Ok(Package {
        name: text(&mut item, "name")?,
        size: size.ok_or(PackagesError::Corrupt { attribute: "size" })?,
        sha256: text(&mut item, "sha256")?,
        uploaded_by: text(&mut item, "uploaded_by")?,
        uploaded_at: text(&mut item, "uploaded_at")?,
    })
}

fn text(
    item: &mut HashMap<String, AttributeValue>,
    attribute: &'static str,
) -> Result<String, PackagesError> {
    match item.remove(attribute) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(PackagesError::Corrupt { attribute }),
    }
}

fn unavailable<E: Error + 'static>(operation: &'static str) -> impl Fn(E) -> PackagesError {
    move |error| {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            reason = format!("{reason}: {inner}");
            cause = inner.source();
        }
        PackagesError::Unavailable { operation, reason }
    }
}
