//! Lists of `knowledge_patterns`: filtered, sorted and paged by the database, because there may be a hundred thousand.

use std::collections::BTreeMap;

use selfheal_core::PatternId;
use selfheal_core::knowledge::Pattern;

use crate::patterns::PatternRow;
use crate::{StoreError, Tx};

/// What a list is sorted by. Ties are in the order of ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PatternOrder {
    #[default]
    Id,
    Name,
    /// The most trusted first.
    Confidence,
    /// The most used first.
    Uses,
    /// The latest change first.
    Updated,
}

impl PatternOrder {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Confidence => "confidence",
            Self::Uses => "uses",
            Self::Updated => "updated",
        }
    }

    /// The two keys that a row is sorted by before its id, as the database makes them.
    fn keys(self, pattern: &Pattern) -> (i64, String) {
        match self {
            Self::Id => (0, String::new()),
            Self::Name => (0, pattern.name.clone()),
            Self::Confidence => (-i64::from(pattern.confidence.get()), String::new()),
            Self::Uses => (-i64::from(pattern.use_count), String::new()),
            Self::Updated => (-pattern.updated_at.as_micros(), String::new()),
        }
    }
}

/// Which patterns to list. An empty filter is every pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatternFilter {
    pub family: Option<String>,
    pub status: Option<&'static str>,
    /// Patterns whose scope names this service.
    pub service: Option<String>,
    pub project: Option<String>,
    /// The action's name, e.g. `service.restart`; `none` for patterns without one.
    pub action: Option<String>,
    pub auto_healable: Option<bool>,
    /// A part of the id, the name, the description or the root cause, in any case.
    pub text: Option<String>,
    pub order: PatternOrder,
    /// Continue after the row with these keys.
    pub after: Option<PatternCursor>,
    pub limit: i64,
}

/// The place of a row in its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternCursor {
    pub number: i64,
    pub word: String,
    pub id: PatternId,
}

impl PatternCursor {
    pub fn of(order: PatternOrder, pattern: &Pattern) -> Self {
        let (number, word) = order.keys(pattern);
        Self { number, word, id: pattern.id.clone() }
    }
}

macro_rules! matching {
    ($family:literal, $action:literal, $description:literal, $root_cause:literal) => {
        concat!(
            " from knowledge_patterns where (cast($1 as text) is null or ",
            $family,
            " = $1)
                and (cast($2 as text) is null or status = $2)
                and (cast($3 as text) is null or service = $3)
                and (cast($4 as text) is null or project = $4)
                and (cast($5 as text) is null or coalesce(",
            $action,
            ", 'none') = $5)
                and (cast($6 as boolean) is null or auto_healable = $6)
                and (cast($7 as text) is null or lower(id) like $7 escape '\\' or lower(name) like $7 escape '\\'
                     or lower(",
            $description,
            ") like $7 escape '\\' or lower(",
            $root_cause,
            ") like $7 escape '\\')"
        )
    };
}
macro_rules! matching_sqlite {
    () => {
        matching!(
            "json_extract(body, '$.family')",
            "json_extract(body, '$.action.kind')",
            "json_extract(body, '$.description')",
            "json_extract(body, '$.root_cause')"
        )
    };
}
macro_rules! matching_postgres {
    () => {
        matching!("body ->> 'family'", "body -> 'action' ->> 'kind'", "body ->> 'description'", "body ->> 'root_cause'")
    };
}
macro_rules! columns {
    () => {
        "select confidence, use_count, attempts, body"
    };
}
// By id, the primary key leads: a page costs its rows, whatever the size of the base.
macro_rules! by_id {
    () => {
        " and id > $8 order by id limit $9"
    };
}
const BY_ID_SQLITE: &str = concat!(columns!(), matching_sqlite!(), by_id!());
const BY_ID_POSTGRES: &str = concat!(columns!(), matching_postgres!(), by_id!());
macro_rules! sorted {
    ($matching:expr) => {
        concat!(
            columns!(),
            " from (
                select confidence, use_count, attempts, body, id,
                       case $8 when 'confidence' then -confidence when 'uses' then -use_count when 'updated' then -updated_at
                               else 0 end as sort_number,
                       case $8 when 'name' then name else '' end as sort_word",
            $matching,
            ") as listed
             where sort_number > $9 or (sort_number = $9 and (sort_word > $10 or (sort_word = $10 and id > $11)))
             order by sort_number, sort_word, id limit $12"
        )
    };
}
const SORTED_SQLITE: &str = sorted!(matching_sqlite!());
const SORTED_POSTGRES: &str = sorted!(matching_postgres!());
const COUNT_SQLITE: &str = concat!("select count(*)", matching_sqlite!());
const COUNT_POSTGRES: &str = concat!("select count(*)", matching_postgres!());
const FAMILIES_SQLITE: &str = "
    select coalesce(json_extract(body, '$.family'), '') as family, count(*) from knowledge_patterns group by 1";
const FAMILIES_POSTGRES: &str = "
    select coalesce(body ->> 'family', '') as family, count(*) from knowledge_patterns group by 1";
const AFTER: &str = "
    select confidence, use_count, attempts, body from knowledge_patterns where id > $1 order by id limit $2";

macro_rules! filtered {
    ($statement:expr, $filter:expr, $text:expr) => {
        sqlx::query_as($statement)
            .bind(&$filter.family)
            .bind($filter.status)
            .bind(&$filter.service)
            .bind(&$filter.project)
            .bind(&$filter.action)
            .bind($filter.auto_healable)
            .bind($text)
    };
}

impl Tx {
    /// One page of a list.
    pub async fn list_patterns(&mut self, filter: &PatternFilter) -> Result<Vec<Pattern>, StoreError> {
        let text = filter.text.as_deref().map(crate::incidents::like);
        let after = filter.after.clone();
        let rows: Vec<PatternRow> = if filter.order == PatternOrder::Id {
            let statement = self.dialect(BY_ID_SQLITE, BY_ID_POSTGRES);
            let after = after.map_or_else(String::new, |after| after.id.0);
            on!(self, c => filtered!(statement, filter, &text).bind(&after).bind(filter.limit).fetch_all(c))
        } else {
            let statement = self.dialect(SORTED_SQLITE, SORTED_POSTGRES);
            let (number, word, id) =
                after.map_or((i64::MIN, String::new(), String::new()), |after| (after.number, after.word, after.id.0));
            on!(self, c => filtered!(statement, filter, &text)
                .bind(filter.order.as_str())
                .bind(number)
                .bind(&word)
                .bind(&id)
                .bind(filter.limit)
                .fetch_all(c))
        };
        Ok(rows.into_iter().map(Pattern::from).collect())
    }

    /// How many patterns a filter finds, whatever its page.
    pub async fn count_patterns(&mut self, filter: &PatternFilter) -> Result<i64, StoreError> {
        let text = filter.text.as_deref().map(crate::incidents::like);
        let statement = self.dialect(COUNT_SQLITE, COUNT_POSTGRES);
        let (count,): (i64,) = on!(self, c => filtered!(statement, filter, &text).fetch_one(c));
        Ok(count)
    }

    /// Patterns by id, continuing after one.
    pub async fn patterns_after(&mut self, after: Option<&PatternId>, limit: i64) -> Result<Vec<Pattern>, StoreError> {
        let after = after.map_or("", |id| id.as_str());
        let rows: Vec<PatternRow> = on!(self, c => sqlx::query_as(AFTER).bind(after).bind(limit).fetch_all(c));
        Ok(rows.into_iter().map(Pattern::from).collect())
    }

    /// How many patterns each family has; without one they are counted under the empty name.
    pub async fn patterns_by_family(&mut self) -> Result<BTreeMap<String, i64>, StoreError> {
        let statement = self.dialect(FAMILIES_SQLITE, FAMILIES_POSTGRES);
        let rows: Vec<(String, i64)> = on!(self, c => sqlx::query_as(statement).fetch_all(c));
        Ok(rows.into_iter().collect())
    }
}
