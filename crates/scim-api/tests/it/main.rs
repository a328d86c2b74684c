//! The whole stack in process, on both databases: HTTP request in, HTTP answer out.
#![allow(missing_docs, reason = "tests")]

/// Runs each test on SQLite and on PostgreSQL, each with a database of its own.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::world::World::on_sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::world::World::on_postgres().await).await;
            })+
        }
    };
}

mod client;
mod world;

mod addresses;
mod authorization;
mod bad_input;
mod catalogue_app;
mod discovery;
mod group_push;
mod headers;
mod isolation;
mod large_groups;
mod lists;
mod okta_spec;
mod wizard_app;
