//! Writes a backup, from one transaction, as a stream.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::TryStreamExt;
use selfheal_core::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, ColumnIndex, Database, Decode, Row, Type};
use tokio::sync::mpsc::Sender;

use super::catalog::{Column, Kind, Table};
use super::{About, ArchiveError, AuditHead, Contents, FORMAT, Manifest, ManifestLine, TableLine, TableSum};
use crate::{Connection, StoreError, Tx};

/// Compressed bytes that are handed on at once.
const CHUNK: usize = 64 * 1024;

impl Tx {
    /// Streams the whole database as this transaction sees it. The stream is whole when this has returned.
    pub async fn archive(
        &mut self,
        made_at: Timestamp,
        made_by: &str,
        out: &Sender<Vec<u8>>,
    ) -> Result<Contents, StoreError> {
        let database = match &mut self.connection {
            Connection::Sqlite(_) => "SQLite",
            Connection::Postgres(_) => "PostgreSQL",
        };
        let schema = self.schema().await?;
        let about =
            About { format: FORMAT, schema, made_at, made_by: made_by.to_owned(), database: database.to_owned() };
        let tables = self.tables().await?;
        let mut writer = Writer::new(out);
        writer.line(&about)?;
        let mut sums = Vec::with_capacity(tables.len());
        for table in &tables {
            sums.push(self.archive_table(table, &mut writer).await?);
        }
        let audit = self.audit_head().await?.map(|(id, hash)| AuditHead { id, hash });
        let manifest = Manifest { tables: sums, sequences: self.sequences(&tables).await?, audit };
        let sha256 = hex(writer.total.clone());
        writer.line(&ManifestLine { manifest: manifest.clone(), sha256 })?;
        writer.finish().await?;
        Ok(Contents { about, manifest })
    }

    async fn archive_table(&mut self, table: &Table, writer: &mut Writer<'_>) -> Result<TableSum, StoreError> {
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        writer.line(&TableLine { table: table.name.clone(), columns })?;
        let (mut rows, mut digest) = (0, Sha256::new());
        let select = select(table, matches!(self.connection, Connection::Postgres(_)));
        match &mut self.connection {
            Connection::Sqlite(tx) => {
                let mut found = sqlx::query(AssertSqlSafe(select)).fetch(&mut **tx);
                while let Some(row) = found.try_next().await? {
                    writer.row(&values(&row, &table.columns)?, &mut digest)?;
                    writer.hand_on().await?;
                    rows += 1;
                }
            }
            Connection::Postgres(tx) => {
                let mut found = sqlx::query(AssertSqlSafe(select)).fetch(&mut **tx);
                while let Some(row) = found.try_next().await? {
                    writer.row(&values(&row, &table.columns)?, &mut digest)?;
                    writer.hand_on().await?;
                    rows += 1;
                }
            }
        }
        Ok(TableSum { name: table.name.clone(), rows, sha256: hex(digest) })
    }
}

/// The names come from the database's own catalog.
pub(super) fn select(table: &Table, postgres: bool) -> String {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| match column.kind {
            Kind::Json if postgres => format!("cast({0} as text) as {0}", column.name),
            _ => column.name.clone(),
        })
        .collect();
    format!("select {} from {} order by {}", columns.join(", "), table.name, table.order())
}

pub(super) fn values<R: Row>(row: &R, columns: &[Column]) -> Result<Vec<Value>, sqlx::Error>
where
    usize: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> bool: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    R::Database: Database,
{
    columns
        .iter()
        .enumerate()
        .map(|(i, column)| {
            Ok(match column.kind {
                Kind::Integer => row.try_get::<Option<i64>, _>(i)?.into(),
                Kind::Boolean => row.try_get::<Option<bool>, _>(i)?.into(),
                Kind::Text | Kind::Json => row.try_get::<Option<String>, _>(i)?.into(),
            })
        })
        .collect()
}

struct Writer<'a> {
    gzip: GzEncoder<Vec<u8>>,
    total: Sha256,
    out: &'a Sender<Vec<u8>>,
}

impl<'a> Writer<'a> {
    fn new(out: &'a Sender<Vec<u8>>) -> Self {
        Self { gzip: GzEncoder::new(Vec::new(), Compression::fast()), total: Sha256::new(), out }
    }

    fn line(&mut self, value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.total.update(&line);
        self.gzip.write_all(&line).map_err(ArchiveError::from)?;
        Ok(line)
    }

    fn row(&mut self, values: &[Value], digest: &mut Sha256) -> Result<(), StoreError> {
        digest.update(self.line(&values)?);
        Ok(())
    }

    async fn hand_on(&mut self) -> Result<(), StoreError> {
        if self.gzip.get_ref().len() < CHUNK {
            return Ok(());
        }
        let chunk = std::mem::take(self.gzip.get_mut());
        self.send(chunk).await
    }

    async fn finish(mut self) -> Result<(), StoreError> {
        self.gzip.try_finish().map_err(ArchiveError::from)?;
        let rest = std::mem::take(self.gzip.get_mut());
        self.send(rest).await
    }

    async fn send(&self, chunk: Vec<u8>) -> Result<(), StoreError> {
        self.out.send(chunk).await.map_err(|_| ArchiveError::NobodyReads.into())
    }
}

pub(super) fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
