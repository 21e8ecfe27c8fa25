//! SQLite's full-text search, in memory.

use selfheal_core::knowledge::Pattern;
use sqlx::{Connection, SqliteConnection};
use tokio::runtime::Runtime;

use super::data::{Data, text};
use super::subject::Subject;

pub struct Fts5 {
    runtime: Runtime,
    connection: SqliteConnection,
}

const SEARCH: &str = "select id from pattern where pattern match $1 order by bm25(pattern) limit 10";

impl Fts5 {
    pub fn new(data: &Data) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let connection = runtime.block_on(Self::on("sqlite::memory:", data))?;
        Ok(Self { runtime, connection })
    }

    /// Fills a database.
    pub async fn on(address: &str, data: &Data) -> anyhow::Result<SqliteConnection> {
        let mut connection = SqliteConnection::connect(address).await?;
        sqlx::query("create virtual table pattern using fts5 (id unindexed, body)").execute(&mut connection).await?;
        let mut tx = connection.begin().await?;
        for (row, pattern) in (0i64..).zip(data.all()) {
            sqlx::query("insert into pattern (rowid, id, body) values ($1, $2, $3)")
                .bind(row)
                .bind(pattern.id.as_str())
                .bind(text(&pattern))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(connection)
    }

    /// Opens a database, and searches once. Returns how many were found.
    pub async fn search_once(file: &std::path::Path, terms: &[String]) -> anyhow::Result<usize> {
        let mut connection = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await?;
        let found: Vec<String> = sqlx::query_scalar(SEARCH).bind(terms.join(" OR ")).fetch_all(&mut connection).await?;
        connection.close().await?;
        Ok(found.len())
    }
}

impl Subject for Fts5 {
    fn name(&self) -> &'static str {
        "SQLite FTS5"
    }

    fn search(&mut self, terms: &[String]) -> anyhow::Result<Vec<String>> {
        let words = terms.join(" OR ");
        let found = sqlx::query_scalar(SEARCH).bind(words).fetch_all(&mut self.connection);
        Ok(self.runtime.block_on(found)?)
    }

    fn edit(&mut self, pattern: &Pattern) -> anyhow::Result<()> {
        let row: i64 = pattern.id.as_str().trim_start_matches("pattern-").parse()?;
        let update = sqlx::query("update pattern set body = $2 where rowid = $1").bind(row).bind(text(pattern));
        self.runtime.block_on(update.execute(&mut self.connection))?;
        Ok(())
    }
}
