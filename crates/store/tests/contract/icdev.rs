//! Another program's database is read as it is, whatever it is, and never touched.

use std::path::{Path, PathBuf};

use selfheal_core::knowledge::ForeignValue;
use selfheal_store::{ForeignDatabaseError, Store, is_sqlite, read_icdev};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

async fn database(folder: &Path, sql: &'static str) -> PathBuf {
    let file = folder.join("icdev.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut connection = options.connect().await.expect("made");
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("filled");
    connection.close().await.expect("closed");
    file
}

#[tokio::test]
async fn every_type_comes_as_it_is_and_the_file_stays_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let sql = "create table knowledge_patterns (id integer primary key, Pattern_Type text, confidence real, use_count boolean, extra blob, last_occurrence datetime);
        insert into knowledge_patterns values (7, 'memory', 0.5, 3, x'0102', '2025-01-02');
        insert into knowledge_patterns values (8, 5, 'high', null, cast(x'ff41' as text), 17);";
    let file = database(folder.path(), sql).await;
    let before = std::fs::read(&file).expect("read");
    let rows = read_icdev(&file).await.expect("read");
    let value = |row: usize, column: &str| rows[row].values.get(column).cloned();
    assert_eq!(value(0, "pattern_type"), Some(ForeignValue::Text("memory".into())));
    assert_eq!(
        (value(0, "confidence"), value(0, "use_count")),
        (Some(ForeignValue::Real(0.5)), Some(ForeignValue::Integer(3)))
    );
    assert_eq!((value(0, "extra"), value(0, "id")), (Some(ForeignValue::Blob(2)), Some(ForeignValue::Integer(7))));
    assert_eq!(value(1, "pattern_type"), Some(ForeignValue::Text("5".into())), "SQLite itself makes text of it");
    assert_eq!(
        (value(1, "confidence"), value(1, "use_count")),
        (Some(ForeignValue::Text("high".into())), Some(ForeignValue::Null))
    );
    assert_eq!(value(1, "extra"), Some(ForeignValue::Text("\u{fffd}A".into())));
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(std::fs::read(&file).expect("read"), before);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is written beside it");
}

#[tokio::test]
async fn what_is_none_is_refused_by_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("pack.yaml");
    std::fs::write(&text, "patterns: []\n").expect("written");
    assert!(!is_sqlite(&text).expect("read"));
    assert!(matches!(read_icdev(&text).await, Err(ForeignDatabaseError::NotADatabase)));
    let missing = read_icdev(&folder.path().join("none.db")).await;
    assert!(matches!(missing, Err(ForeignDatabaseError::Unreadable(_))), "{missing:?}");

    let ours = folder.path().join("ours.db");
    Store::open_sqlite(&ours).await.expect("made").close().await;
    assert!(matches!(read_icdev(&ours).await, Err(ForeignDatabaseError::Ours)));

    for (sql, expected) in [
        ("create table other (x)", "no table"),
        ("create table t (name); create view knowledge_patterns as select * from t", "no table"),
        ("create virtual table knowledge_patterns using fts5(name)", "no table"),
        (
            "create table knowledge_patterns (colour); insert into knowledge_patterns values ('red')",
            "none of the columns",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let error = read_icdev(&database(folder.path(), sql).await).await.expect_err("must be refused");
        assert!(error.to_string().contains(expected), "{sql}: {error}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let empty = database(folder.path(), "create table knowledge_patterns (name)").await;
    assert!(read_icdev(&empty).await.expect("read").is_empty());
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let sql = "create table knowledge_patterns (name text, description text);
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
        insert into knowledge_patterns select 'p' || i, printf('%0500d', i) from n;";
    let whole = std::fs::read(database(folder.path(), sql).await).expect("read");
    let file = folder.path().join("damaged.db");
    let mut refused = 0;
    for at in (100..whole.len()).step_by(whole.len() / 97) {
        let mut bytes = whole.clone();
        for byte in bytes.iter_mut().skip(at).take(64) {
            *byte ^= 0xa5;
        }
        std::fs::write(&file, &bytes).expect("written");
        refused += usize::from(read_icdev(&file).await.is_err());
        std::fs::write(&file, &whole[..at]).expect("written");
        refused += usize::from(read_icdev(&file).await.is_err());
    }
    assert!(refused > 90, "{refused} damaged files were noticed");
}
