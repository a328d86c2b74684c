//! Logins of PostgreSQL that a test makes for itself.

use sea_orm::DatabaseConnection;
use store::StoreOptions;
use store_testing::TestStore;
use url::Url;

use crate::common::{raw, run};

/// A login of the test's own; its name is unique in the cluster.
pub(crate) struct Login {
    pub(crate) name: String,
    /// Those of the store, with this login.
    pub(crate) options: StoreOptions,
}

impl Login {
    pub(crate) async fn create(store: &TestStore, attributes: &str) -> Self {
        let name = format!("rollcall_test_{}", uuid::Uuid::now_v7().simple());
        let db = raw(store).await;
        run(&db, &format!("CREATE ROLE {name} LOGIN PASSWORD 'pw' {attributes}")).await;
        db.close().await.unwrap();
        let mut url = Url::parse(&store.options().url).unwrap();
        url.set_username(&name).unwrap();
        url.set_password(Some("pw")).unwrap();
        let options = StoreOptions { url: url.into(), ..store.options().clone() };
        Self { name, options }
    }

    /// Makes it the owner of all tables, and of the functions that are none of an extension's.
    pub(crate) async fn own_everything(&self, db: &DatabaseConnection) {
        let give = format!(
            "GRANT ALL ON SCHEMA public TO {0}; \
             DO $$ DECLARE one text; BEGIN \
                 FOR one IN SELECT format('%I', relname) FROM pg_class WHERE relkind IN ('r', 'p') \
                     AND relnamespace = 'public'::regnamespace \
                 LOOP EXECUTE 'ALTER TABLE ' || one || ' OWNER TO {0}'; END LOOP; \
                 FOR one IN SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'public'::regnamespace \
                     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') \
                 LOOP EXECUTE 'ALTER FUNCTION ' || one || ' OWNER TO {0}'; END LOOP; \
             END $$",
            self.name
        );
        run(db, &give).await;
    }

    pub(crate) async fn drop(self, store: &TestStore) {
        let db = raw(store).await;
        let name = self.name;
        let end = format!(
            "REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name} CASCADE; DROP ROLE {name}"
        );
        run(&db, &end).await;
        db.close().await.unwrap();
    }
}
