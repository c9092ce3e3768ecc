//! Lists of tokens. Two KEYS_ONLY indexes tell which tokens exist. Their records are then
//! read from the tables, consistently.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;

use patgate_rules::clock::Timestamp;
use patgate_rules::month::Month;
use patgate_rules::token::TokenHash;
use patgate_rules::token_record::TokenRecord;
use patgate_rules::user::User;
use patgate_rules::verdict::{self, Status};
use uuid::Uuid;

use crate::error::{StoreError, unavailable};
use crate::items::{self, TOKEN_HASH, USER_ID};
use crate::store::Store;
use crate::tokens::OwnedToken;

/// The most keys and months that one request examines, so that a list over millions of
/// tokens returns in time. The page is then short, and contains where to continue.
const MAX_KEYS: usize = 1_000;
const MAX_MONTHS: usize = 12;
/// The number of keys in a query whose results may be filtered out.
const FILTERED_CHUNK: usize = 100;

/// The users whose tokens a list shows.
#[derive(Debug, Clone, Copy)]
pub enum ListScope<'a> {
    User(&'a str),
    /// Back to and including the month in which the first token may have been created.
    AllUsers {
        first_month: Month,
    },
}

/// A request for one page of a list.
#[derive(Debug, Clone, Copy)]
pub struct ListRequest<'a> {
    pub scope: ListScope<'a>,
    /// `None` means tokens of every status.
    pub status: Option<Status>,
    /// Where the previous page ended: only smaller IDs are listed.
    pub before: Option<Uuid>,
    /// The most tokens to return, from 1 to 100.
    pub limit: usize,
    pub now: Timestamp,
}

/// One page of tokens, newest first.
#[derive(Debug)]
pub struct ListPage {
    pub tokens: Vec<OwnedToken>,
    /// Where the next page starts: only smaller IDs are on it. A short or even empty page may
    /// have a next page. `None` means that this is the last page.
    pub next: Option<Uuid>,
}

/// A partition of one of the indexes. All tokens of a user are in one partition; the tokens
/// of all users are in one partition for each month.
struct Partition {
    index: &'static str,
    attribute: &'static str,
    value: String,
    /// The month of the partition, and the first month that has one.
    months: Option<(Month, Month)>,
}

/// An entry of an index.
struct Key {
    hash: TokenHash,
    token_id: Uuid,
}

impl Store {
    /// Lists one page of tokens, newest first.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn list_tokens(&self, request: &ListRequest<'_>) -> Result<ListPage, StoreError> {
        let mut tokens = Vec::new();
        let mut before = request.before;
        let (mut examined, mut finished) = (0, 0);
        let mut partition = Partition::newest(request);

        while let Some(current) = partition {
            let remaining = request.limit - tokens.len();
            let chunk = if request.status.is_some() { FILTERED_CHUNK } else { remaining };
            let (keys, more) = self.keys(&current, before, chunk).await?;
            examined += keys.len();
            let last = keys.last().map(|key| key.token_id);

            if let Some(full_at) = self.add_matching(request, &keys, &mut tokens).await? {
                let ended = !more && last == Some(full_at) && current.earlier().is_none();
                return Ok(ListPage { tokens, next: (!ended).then_some(full_at) });
            }

            if more {
                before = last.or(before);
                partition = Some(current);
            } else {
                before = current.end();
                partition = current.earlier();
                finished += 1;
            }

            if partition.is_some() && (examined >= MAX_KEYS || finished >= MAX_MONTHS) {
                return Ok(ListPage { tokens, next: before });
            }
        }
        Ok(ListPage { tokens, next: None })
    }

    /// Up to `limit` keys of a partition below `before`, and whether there are more.
    async fn keys(
        &self,
        partition: &Partition,
        before: Option<Uuid>,
        limit: usize,
    ) -> Result<(Vec<Key>, bool), StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.tokens)
            .index_name(partition.index)
            .expression_attribute_names("#partition", partition.attribute)
            .expression_attribute_values(":partition", items::text(&partition.value))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let query = match before {
            None => query.key_condition_expression("#partition = :partition"),
            Some(before) => query
                .key_condition_expression("#partition = :partition AND token_id < :before")
                .expression_attribute_values(":before", items::text(before.to_string())),
        };

        let response = query.send().await.map_err(unavailable("list tokens"))?;
        let more = response.last_evaluated_key.is_some();
        let keys = response.items.unwrap_or_default().into_iter().map(|mut item| {
            let hash = TokenHash::from_stored(items::required(&mut item, TOKEN_HASH)?);
            Ok(Key { hash, token_id: items::required_token_id(&mut item)? })
        });
        Ok((keys.collect::<Result<_, StoreError>>()?, more))
    }

    /// Reads the tokens of these keys and adds those that match until the page is full.
    /// Returns the ID that filled the page, if it is full.
    async fn add_matching(
        &self,
        request: &ListRequest<'_>,
        keys: &[Key],
        tokens: &mut Vec<OwnedToken>,
    ) -> Result<Option<Uuid>, StoreError> {
        let (mut found, owners) = self.read_owned(request.scope, keys).await?;
        for key in keys {
            // The index may still contain a token that TTL has deleted.
            let Some(token) = found.remove(&key.token_id) else { continue };
            let owner = owners.get(&token.user_id).cloned();
            let status = verdict::status(&token, owner.as_ref(), request.now);
            if request.status.is_some_and(|wanted| wanted != status) {
                continue;
            }
            tokens.push(OwnedToken { token, owner });
            if tokens.len() == request.limit {
                return Ok(Some(key.token_id));
            }
        }
        Ok(None)
    }

    /// The existing tokens of these keys by ID, and their owners by user ID.
    async fn read_owned(
        &self,
        scope: ListScope<'_>,
        keys: &[Key],
    ) -> Result<(HashMap<Uuid, TokenRecord>, HashMap<String, User>), StoreError> {
        let hashes: Vec<_> = keys.iter().map(|key| &key.hash).collect();
        let known_owner = match scope {
            ListScope::User(user_id) => Some(user_id),
            ListScope::AllUsers { .. } => None,
        };

        let mut found = self.batch_get(&hashes, known_owner.as_slice()).await?;
        let token =
            |key: &Key| Some((key.token_id, skip_damaged(found.take_token(&key.hash), &key.token_id)?));
        let tokens: HashMap<_, _> = keys.iter().filter_map(token).collect();

        let owner_ids: BTreeSet<_> = match known_owner {
            Some(user_id) => [user_id].into(),
            None => tokens.values().map(|token| token.user_id.as_str()).collect(),
        };
        if known_owner.is_none() {
            found = self.batch_get(&[], &owner_ids.iter().copied().collect::<Vec<_>>()).await?;
        }
        let owner = |id: &&str| Some(((*id).to_owned(), skip_damaged(found.take_user(id), id)?));
        let owners = owner_ids.iter().filter_map(owner).collect();

        Ok((tokens, owners))
    }
}

/// Logs and skips a damaged record, so that it does not hide all the others.
pub(crate) fn skip_damaged<T>(read: Result<Option<T>, StoreError>, id: &dyn Display) -> Option<T> {
    read.unwrap_or_else(|error| {
        tracing::error!(%id, %error, "skipped a damaged record in a list");
        None
    })
}

impl Partition {
    /// The partition where a list starts. `None` if it starts before the first month.
    fn newest(request: &ListRequest<'_>) -> Option<Self> {
        match request.scope {
            ListScope::User(user_id) => Some(Self {
                index: "user-index",
                attribute: USER_ID,
                value: user_id.to_owned(),
                months: None,
            }),
            ListScope::AllUsers { first_month } => {
                let present = Month::of(request.now);
                let month = request.before.and_then(Month::of_id).map_or(present, |month| month.min(present));
                Self::month(month, first_month)
            }
        }
    }

    fn month(month: Month, first: Month) -> Option<Self> {
        (month >= first).then(|| Self {
            index: "created-index",
            attribute: "created_month",
            value: month.to_string(),
            months: Some((month, first)),
        })
    }

    /// The partition with the next older tokens.
    fn earlier(&self) -> Option<Self> {
        self.months.and_then(|(month, first)| Self::month(month.previous(), first))
    }

    /// An ID below all IDs of this partition and above all IDs of the next one.
    fn end(&self) -> Option<Uuid> {
        self.months.map(|(month, _)| month.lowest_id())
    }
}
