//! Lists of tokens. Two KEYS_ONLY indexes tell which tokens exist. Their records are then
//! read from the tables, consistently.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;

use patgate_rules::clock::Timestamp;
use patgate_rules::month::Month;
use patgate_rules::token::TokenHash;
use patgate_rules::token_filter::TokenFilter;
use patgate_rules::token_record::TokenRecord;
use patgate_rules::user::User;
use patgate_rules::verdict::Policy;
use uuid::Uuid;

use crate::batch::MAX_BATCH;
use crate::error::{StoreError, unavailable};
use crate::items::{self, TOKEN_HASH, USER_ID, USER_INDEX};
use crate::store::Store;
use crate::tokens::OwnedToken;

/// The most keys and months that one request examines, so that a page costs no more than it
/// could show, whatever its filter. The page may then be short, and contains where to
/// continue.
const MAX_KEYS: usize = 200;
const MAX_MONTHS: usize = 12;
/// The number of keys in the first query of a filtered list. Each further query has twice as
/// many, because few tokens match.
const FIRST_FILTERED_CHUNK: usize = 25;

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
    pub filter: &'a TokenFilter,
    /// Where the previous page ended: only smaller IDs are listed.
    pub before: Option<Uuid>,
    /// The most tokens to return, from 1 to 100.
    pub limit: usize,
    pub now: Timestamp,
    pub policy: Policy,
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

/// What a query of an index found.
struct Keys {
    readable: Vec<Key>,
    /// The number of entries, including those with a damaged token ID.
    examined: usize,
    /// The token ID of the last entry, even if it is damaged.
    last: Option<String>,
    /// Whether the partition has further entries.
    more: bool,
}

impl Store {
    /// Lists one page of tokens, newest first.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn list_tokens(&self, request: &ListRequest<'_>) -> Result<ListPage, StoreError> {
        let mut page = Page { request, tokens: Vec::new(), owners: HashMap::new() };
        // The query continues after the last entry, and the next page after the last readable one.
        let mut before = request.before.map(|id| id.to_string());
        let mut next = request.before;
        let (mut examined, mut finished) = (0, 0);
        let mut filtered_chunk = FIRST_FILTERED_CHUNK;
        let mut partition = Partition::newest(request);

        while let Some(current) = partition {
            let chunk = match request.filter.is_empty() {
                true => page.missing(),
                false => filtered_chunk.max(page.missing()),
            };
            filtered_chunk *= 2;
            let chunk = chunk.min(MAX_BATCH).min(MAX_KEYS - examined);

            let keys = self.keys(&current, before.as_deref(), chunk).await?;
            examined += keys.examined;
            let last = keys.readable.last().map(|key| key.token_id);

            if let Some(full_at) = self.add_matching(&keys.readable, &mut page).await? {
                let ended = !keys.more && last == Some(full_at) && current.earlier().is_none();
                return Ok(ListPage { tokens: page.tokens, next: (!ended).then_some(full_at) });
            }

            if keys.more {
                next = last.or(next);
                before = keys.last;
                partition = Some(current);
            } else {
                next = current.end();
                before = next.map(|id| id.to_string());
                partition = current.earlier();
                finished += 1;
            }

            if partition.is_some() && (examined >= MAX_KEYS || finished >= MAX_MONTHS) {
                // Only damaged entries leave no place to continue from.
                let next = next.filter(|_| next != request.before);
                let next = next.ok_or(StoreError::Corrupt { attribute: items::TOKEN_ID })?;
                return Ok(ListPage { tokens: page.tokens, next: Some(next) });
            }
        }
        Ok(ListPage { tokens: page.tokens, next: None })
    }

    /// Up to `limit` entries of a partition below `before`.
    async fn keys(
        &self,
        partition: &Partition,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Keys, StoreError> {
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
                .expression_attribute_values(":before", items::text(before)),
        };

        let response = query.send().await.map_err(unavailable("list tokens"))?;
        let mut keys = Keys {
            readable: Vec::new(),
            examined: 0,
            last: None,
            more: response.last_evaluated_key.is_some(),
        };
        for mut item in response.items.unwrap_or_default() {
            let hash = TokenHash::from_stored(items::required(&mut item, TOKEN_HASH)?);
            let text = items::required(&mut item, items::TOKEN_ID)?;
            let token_id = text.parse().map_err(|_| StoreError::Corrupt { attribute: items::TOKEN_ID });
            keys.readable
                .extend(skip_damaged(token_id.map(Some), &text).map(|token_id| Key { hash, token_id }));
            keys.examined += 1;
            keys.last = Some(text);
        }
        Ok(keys)
    }

    /// Reads the tokens of these keys and adds those that match until the page is full.
    /// Returns the ID that filled the page, if it is full.
    async fn add_matching(&self, keys: &[Key], page: &mut Page<'_>) -> Result<Option<Uuid>, StoreError> {
        let mut tokens = self.read_with_owners(keys, page).await?;

        for key in keys {
            // The index may still contain a token that TTL has deleted.
            let Some(token) = tokens.remove(&key.token_id) else { continue };
            let owner = page.owners.get(&token.user_id).cloned().flatten();
            let ListRequest { filter, now, policy, .. } = page.request;
            if !filter.matches(&token, owner.as_ref(), *now, *policy) {
                continue;
            }

            page.tokens.push(OwnedToken { token, owner });
            if page.missing() == 0 {
                return Ok(Some(key.token_id));
            }
        }
        Ok(None)
    }

    /// The existing tokens of these keys by ID. Their owners are added to the page, and each
    /// owner is read once for a page.
    async fn read_with_owners(
        &self,
        keys: &[Key],
        page: &mut Page<'_>,
    ) -> Result<HashMap<Uuid, TokenRecord>, StoreError> {
        let hashes: Vec<_> = keys.iter().map(|key| &key.hash).collect();
        // The owner of a user's tokens is known, and read together with the tokens.
        let known_owner = match page.request.scope {
            ListScope::User(user_id) if !page.owners.contains_key(user_id) => Some(user_id),
            ListScope::User(_) | ListScope::AllUsers { .. } => None,
        };
        let mut found = self.batch_get(&hashes, known_owner.as_slice()).await?;
        page.owners.extend(known_owner.map(|id| (id.to_owned(), skip_damaged(found.take_user(id), &id))));

        let token =
            |key: &Key| Some((key.token_id, skip_damaged(found.take_token(&key.hash), &key.token_id)?));
        let tokens: HashMap<_, _> = keys.iter().filter_map(token).collect();

        let owner_ids = tokens.values().map(|token| token.user_id.as_str());
        let unread: BTreeSet<_> = owner_ids.filter(|id| !page.owners.contains_key(*id)).collect();
        if !unread.is_empty() {
            let mut found = self.batch_get(&[], &unread.iter().copied().collect::<Vec<_>>()).await?;
            let owner = |id: &&str| ((*id).to_owned(), skip_damaged(found.take_user(id), id));
            page.owners.extend(unread.iter().map(owner));
        }

        Ok(tokens)
    }
}

/// A page that is being filled.
struct Page<'a> {
    request: &'a ListRequest<'a>,
    tokens: Vec<OwnedToken>,
    /// The owners that were read, by user ID. `None` if the record is missing or damaged.
    owners: HashMap<String, Option<User>>,
}

impl Page<'_> {
    /// How many tokens are missing until the page is full.
    fn missing(&self) -> usize {
        self.request.limit - self.tokens.len()
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
            ListScope::User(user_id) => {
                Some(Self { index: USER_INDEX, attribute: USER_ID, value: user_id.to_owned(), months: None })
            }
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
