//! One contract, two databases: every test runs on SQLite and on PostgreSQL.

mod admission;
mod archive;
mod audit;
mod deliveries;
mod documents;
mod evidence;
mod icdev;
mod incidents;
mod keys;
mod learning;
mod open;
mod pattern_list;
mod patterns;
mod redact;
mod replay;
mod retention;
mod safety;
mod signals;
mod small;
mod support;
mod turns;

/// Makes two tests of each function that takes an opened store.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name($crate::support::sqlite().await).await })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name($crate::support::postgres().await).await })+
        }
    };
}
pub(crate) use on_both;
