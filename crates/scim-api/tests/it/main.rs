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
mod profiles;
mod world;

mod addresses;
mod authorization;
mod bad_input;
mod basic;
mod bulk;
mod catalogue_app;
mod characteristics;
mod conformance;
mod discovery;
mod entitlements;
mod filters_http;
mod forged_tokens;
mod group_push;
mod headers;
mod hostile_texts;
mod identity_providers;
mod isolation;
mod journal;
mod large_groups;
mod leniencies;
mod lists;
mod lists_and_search;
mod me;
mod names_and_values;
mod networks;
mod oauth;
mod okta_spec;
mod patch_rules;
mod put;
mod rate_limit;
mod refusals;
mod root;
mod sixth_product;
mod status_and_headers;
mod walks;
mod wizard_app;
