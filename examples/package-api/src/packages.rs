//! The packages' own table, key `name`. It has nothing to do with the tokens' tables.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use patgate::store::StoreError;
use patgate::store::dynamodb::unavailable;

/// A package as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    /// Bytes.
    pub size: usize,
    /// Lowercase hexadecimal.
    pub sha256: String,
    /// The uploader's user id.
    pub uploaded_by: String,
    /// RFC 3339, UTC.
    pub uploaded_at: String,
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

    /// Stores a package; one of the same name is replaced only if `overwrite` says so.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn put(&self, package: &Package, overwrite: bool) -> Result<Stored, StoreError> {
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

    /// Up to `limit` packages after the one named, and the last name if there are more.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn list(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Package>, Option<String>), StoreError> {
        let start =
            after.map(|name| HashMap::from([("name".to_owned(), AttributeValue::S(name.to_owned()))]));
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(unavailable("list packages"))?;
        let packages = answer.items.unwrap_or_default().into_iter().map(package);
        let next = answer.last_evaluated_key.map(|mut key| text(&mut key, "name")).transpose()?;
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

fn package(mut item: HashMap<String, AttributeValue>) -> Result<Package, StoreError> {
    let size = item.remove("size").and_then(|size| size.as_n().ok().and_then(|size| size.parse().ok()));
    Ok(Package {
        name: text(&mut item, "name")?,
        size: size.ok_or(StoreError::Corrupt { attribute: "size" })?,
        sha256: text(&mut item, "sha256")?,
        uploaded_by: text(&mut item, "uploaded_by")?,
        uploaded_at: text(&mut item, "uploaded_at")?,
    })
}

fn text(item: &mut HashMap<String, AttributeValue>, attribute: &'static str) -> Result<String, StoreError> {
    match item.remove(attribute) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(StoreError::Corrupt { attribute }),
    }
}
