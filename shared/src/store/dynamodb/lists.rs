//! Lists of tokens. Two KEYS_ONLY indexes say which tokens there are; what they are
//! is then read from the tables, consistently.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;

use uuid::Uuid;

use super::items::{self, TOKEN_HASH, USER_ID};
use super::{Store, unavailable};
use crate::record::TokenRecord;
use crate::store::month::Month;
use crate::store::{ListPage, ListRequest, ListScope, OwnedToken, StoreError};
use crate::token::TokenHash;
use crate::user::User;
use crate::verify;

/// What one request examines at most, so that a list of millions answers in time:
/// the page is short then, and says where to go on.
const MOST_KEYS: usize = 1_000;
const MOST_MONTHS: usize = 12;
/// Keys per query when a filter may discard many.
const FILTERED_CHUNK: usize = 100;

/// A partition of one of the indexes. A user's tokens are in one, everybody's in one
/// for each month.
struct Partition {
    index: &'static str,
    attribute: &'static str,
    value: String,
    /// This month, and the first there is.
    months: Option<(Month, Month)>,
}

/// A token that an index names.
struct Key {
    hash: TokenHash,
    token_id: Uuid,
}

impl Store {
    /// One page of tokens, newest first.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn list(&self, request: &ListRequest<'_>) -> Result<ListPage, StoreError> {
        let mut tokens = Vec::new();
        let mut before = request.before;
        let (mut examined, mut finished) = (0, 0);
        let mut partition = Partition::newest(request);
        while let Some(current) = partition {
            let missing = request.limit - tokens.len();
            let chunk = if request.status.is_some() { FILTERED_CHUNK } else { missing };
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
            if partition.is_some() && (examined >= MOST_KEYS || finished >= MOST_MONTHS) {
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
        let answer = query.send().await.map_err(unavailable("list tokens"))?;
        let more = answer.last_evaluated_key.is_some();
        let keys = answer.items.unwrap_or_default().into_iter().map(|mut item| {
            let hash = TokenHash::from_stored(items::required(&mut item, TOKEN_HASH)?);
            Ok(Key { hash, token_id: items::required_id(&mut item)? })
        });
        Ok((keys.collect::<Result<_, StoreError>>()?, more))
    }

    /// Reads the keys' tokens and adds those that match, until the page is full:
    /// then it returns the id that filled it.
    async fn add_matching(
        &self,
        request: &ListRequest<'_>,
        keys: &[Key],
        tokens: &mut Vec<OwnedToken>,
    ) -> Result<Option<Uuid>, StoreError> {
        let (mut found, owners) = self.read(request.scope, keys).await?;
        for key in keys {
            // None: the index still names a token that TTL has removed.
            let Some(token) = found.remove(&key.token_id) else { continue };
            let owner = owners.get(&token.user_id).cloned();
            let status = verify::status(&token, owner.as_ref(), request.now);
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

    /// The tokens that there are under these keys, and their owners.
    async fn read(
        &self,
        scope: ListScope<'_>,
        keys: &[Key],
    ) -> Result<(HashMap<Uuid, TokenRecord>, HashMap<String, User>), StoreError> {
        let hashes: Vec<_> = keys.iter().map(|key| &key.hash).collect();
        let known_owner = match scope {
            ListScope::User(user_id) => Some(user_id),
            ListScope::Everyone { .. } => None,
        };
        let mut found = self.batch_get(&hashes, known_owner.as_slice()).await?;
        let token = |key: &Key| Some((key.token_id, readable(found.take_token(&key.hash), &key.token_id)?));
        let tokens: HashMap<_, _> = keys.iter().filter_map(token).collect();
        let owner_ids: BTreeSet<_> = match known_owner {
            Some(user_id) => [user_id].into(),
            None => tokens.values().map(|token| token.user_id.as_str()).collect(),
        };
        if known_owner.is_none() {
            found = self.batch_get(&[], &owner_ids.iter().copied().collect::<Vec<_>>()).await?;
        }
        let owner = |id: &&str| Some(((*id).to_owned(), readable(found.take_user(id), id)?));
        let owners = owner_ids.iter().filter_map(owner).collect();
        Ok((tokens, owners))
    }
}

/// What was read; a damaged record is left out, or one would hide all the others.
pub(super) fn readable<T>(read: Result<Option<T>, StoreError>, id: &dyn Display) -> Option<T> {
    read.unwrap_or_else(|error| {
        tracing::error!(%id, %error, "a damaged record is left out of a list");
        None
    })
}

impl Partition {
    /// Where a list begins; None if it begins before the first month.
    fn newest(request: &ListRequest<'_>) -> Option<Self> {
        match request.scope {
            ListScope::User(user_id) => Some(Self {
                index: "user-index",
                attribute: USER_ID,
                value: user_id.to_owned(),
                months: None,
            }),
            ListScope::Everyone { first_month } => {
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

    /// An id below all of this partition's and above all of the next one's.
    fn end(&self) -> Option<Uuid> {
        self.months.map(|(month, _)| month.lowest_id())
    }
}
