//! Reading the audit trail and the outbox.

use sea_orm::ConnectionTrait;
use store::{Actor, ActorKind, ChangeContext};
use store_testing::on_both;

use crate::common::{context, raw, tenant};

on_both! {
    async fn trail_and_outbox_tell_the_same(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let actor = Actor { kind: ActorKind::Admin, id: "7".into(), name: "ada@example.com".into() };
        let by_ada = ChangeContext { actor: actor.clone(), cause: "request-2".into() };
        let credential = crate::credentials::bearer("okta");
        scope.create_credential(&credential, &by_ada).await.unwrap();
        scope.revoke_credential(credential.id, &context()).await.unwrap();

        let mut trail = scope.audit(None, 10).await.unwrap();
        let events: Vec<_> = trail.iter().map(|row| row.event.as_str()).collect();
        assert_eq!(events, ["credential.revoked", "credential.created", "tenant.created"]);
        let made = &trail[1];
        assert_eq!((&made.actor, made.cause.as_str(), made.object_type.as_str()), (&actor, "request-2", "Credential"));
        assert_eq!(scope.audit(None, 2).await.unwrap(), trail[..2]);
        assert_eq!(scope.audit(Some(&credential.id.to_string()), 10).await.unwrap(), trail[..2]);
        trail.reverse();
        assert_eq!(scope.outbox(10).await.unwrap(), trail);
        assert_eq!(scope.outbox(1).await.unwrap(), trail[..1]);
    }

    /// A purge deletes payload rows; the trail stays.
    async fn a_purged_payload_is_none(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let db = raw(&store).await;
        let changed = db.execute_unprepared("UPDATE payloads SET body = NULL").await.unwrap();
        assert_eq!(changed.rows_affected(), 1);
        assert_eq!(store.tenant(id).audit(None, 10).await.unwrap()[0].payload, None);
        db.execute_unprepared("DELETE FROM payloads").await.unwrap();
        assert_eq!(store.tenant(id).outbox(10).await.unwrap()[0].payload, None);
        db.close().await.unwrap();
    }
}
