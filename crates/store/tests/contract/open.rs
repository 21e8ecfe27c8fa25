//! What is not ours is not touched; what is newer is not opened; what is broken says so.

use selfheal_store::{Store, StoreError};
use selfheal_tests::postgres::Postgres;
use sqlx::{Connection, PgConnection, SqliteConnection};

fn file() -> std::path::PathBuf {
    tempfile::tempdir().expect("a folder").keep().join("icdev.db")
}

async fn refused(url: &str) -> StoreError {
    Store::open(url).await.expect_err("must be refused")
}

#[tokio::test]
async fn a_foreign_sqlite_file_is_left_alone() {
    let path = file();
    let url = format!("sqlite:{}?mode=rwc", path.display());
    let mut other = SqliteConnection::connect(&url).await.expect("opens");
    sqlx::raw_sql("create table knowledge_patterns (pattern_type text)").execute(&mut other).await.expect("made");
    other.close().await.expect("closed");
    let before = std::fs::read(&path).expect("read");
    let error = refused(&format!("sqlite:{}", path.display())).await;
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("selfheal knowledge import"), "{error}");
    assert_eq!(std::fs::read(&path).expect("read"), before, "not a byte was changed");
}

#[tokio::test]
async fn a_foreign_postgres_schema_is_left_alone() {
    let url = Postgres::server().database();
    let mut other = PgConnection::connect(&url).await.expect("connects");
    sqlx::raw_sql("create table knowledge_patterns (pattern_type text)").execute(&mut other).await.expect("made");
    let error = refused(&url).await;
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
}

#[tokio::test]
async fn a_newer_database_is_not_opened() {
    let path = file();
    let url = format!("sqlite:{}", path.display());
    Store::open(&url).await.expect("opens").close().await;
    let mut connection = SqliteConnection::connect(&url).await.expect("opens");
    let later = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (9999, 'from the future', true, x'00', 0)";
    sqlx::raw_sql(later).execute(&mut connection).await.expect("inserted");
    connection.close().await.expect("closed");
    let error = refused(&url).await;
    assert!(matches!(error, StoreError::Newer { migration: 9999 }), "{error}");
}

#[tokio::test]
async fn a_damaged_file_says_so() {
    let path = file();
    std::fs::write(&path, b"this is no database, whatever its name says, and it is long enough to have a header")
        .expect("written");
    let error = refused(&format!("sqlite:{}", path.display())).await;
    assert!(error.to_string().contains("restore a backup"), "{error}");
}

#[tokio::test]
async fn a_place_that_cannot_be_says_what_to_do() {
    for (url, words) in [
        ("sqlite:/proc/none/icdev.db", "Check that the folder exists"),
        ("postgres://127.0.0.1:1/x", "Check that the server runs"),
        ("mysql://x", "Use sqlite:PATH or postgres://"),
    ] {
        let error = refused(url).await.to_string();
        assert!(error.contains(words), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_database_is_opened_again() {
    let url = format!("sqlite:{}", file().display());
    for _ in 0..2 {
        Store::open(&url).await.expect("opens").close().await;
    }
}

/// On a full disk SQLite undoes a transaction by itself: it cannot be rolled back any more, and counts as open all the same.
#[tokio::test]
async fn a_transaction_that_sqlite_undid_by_itself_spoils_no_connection() {
    let store = Store::open(&format!("sqlite:{}", file().display())).await.expect("opens");
    for _ in 0..8 {
        let selfheal_store::Connection::Sqlite(mut tx) = store.write().await.expect("begins").connection else {
            panic!("SQLite")
        };
        sqlx::raw_sql("rollback").execute(&mut *tx).await.expect("undone");
    }
    store.write().await.expect("begins").commit().await.expect("committed");
}

#[tokio::test]
async fn a_closed_database_is_all_in_its_file() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("selfheal.db");
        let store = Store::open_sqlite(&file).await.expect("opens");
        // Connections that are closed at once.
        let several = [store.read().await, store.read().await, store.read().await];
        drop(several);
        store.close().await;
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).expect("read").flatten().map(|file| file.file_name()).collect();
        assert_eq!(left, ["selfheal.db"]);
    }
}
