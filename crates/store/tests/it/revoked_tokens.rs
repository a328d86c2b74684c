//! Access tokens that were revoked before their end.

use sea_orm::ConnectionTrait as _;
use store::{
    CredentialId,
    revoked_tokens::{MOST, Outcome, Token},
};
use store_testing::on_both;
use uuid::Uuid;

use crate::common::{context, raw, tenant};

const HOUR: i64 = 3_600_000;

on_both! {
    async fn a_token_is_revoked_once_and_forgotten_after_its_end(store: TestStore) {
        let acme = store.tenant(tenant(&store, "acme").await);
        let other = store.tenant(tenant(&store, "other").await);
        let token = Token { id: Uuid::now_v7(), client: CredentialId::generate(), expires_at: store.now() + HOUR };
        let epoch = store.epoch();
        assert!(!acme.is_token_revoked(token.id).await.unwrap());
        assert_eq!(acme.revoke_token(&token, &context()).await.unwrap(), Outcome::Revoked);
        assert_eq!(store.epoch(), epoch + 1);
        assert_eq!(acme.revoke_token(&token, &context()).await.unwrap(), Outcome::Already);
        assert_eq!(store.epoch(), epoch + 1);
        assert!(acme.is_token_revoked(token.id).await.unwrap());
        assert!(!other.is_token_revoked(token.id).await.unwrap(), "another tenant's");

        let trail = acme.audit(Some(&token.id.to_string()), 10).await.unwrap();
        assert_eq!(trail.len(), 1);
        assert_eq!(trail[0].event, "token.revoked");
        assert_eq!(trail[0].payload.as_ref().unwrap()["state"]["clientId"], token.client.to_string());

        assert_eq!(acme.forget_ended_tokens().await.unwrap(), 0);
        store.advance(HOUR);
        assert_eq!(other.forget_ended_tokens().await.unwrap(), 0);
        assert!(acme.is_token_revoked(token.id).await.unwrap());
        assert_eq!(acme.forget_ended_tokens().await.unwrap(), 1);
        assert!(!acme.is_token_revoked(token.id).await.unwrap());
        assert_eq!(store.epoch(), epoch + 1, "nothing has changed for anybody");
    }

    async fn a_tenant_keeps_so_many_and_no_more(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let acme = store.tenant(id);
        let ends_at = store.now() + HOUR;
        let rows: Vec<_> = (0..MOST)
            .map(|_| match store.backend() {
                store::Backend::Sqlite => {
                    format!("(X'{}', X'{}', {ends_at})", id.0.simple(), Uuid::now_v7().simple())
                }
                store::Backend::Postgres => format!("('{}', '{}', {ends_at})", id.0, Uuid::now_v7()),
            })
            .collect();
        let db = raw(&store).await;
        let sql = format!("INSERT INTO revoked_tokens (tenant_id, token_id, expires_at) VALUES {}", rows.join(", "));
        db.execute_unprepared(&sql).await.unwrap();
        let token = |ends_at| Token { id: Uuid::now_v7(), client: CredentialId::generate(), expires_at: ends_at };
        let epoch = store.epoch();
        assert_eq!(acme.revoke_token(&token(ends_at), &context()).await.unwrap(), Outcome::Full);
        assert_eq!(store.epoch(), epoch);
        store.advance(HOUR);
        let late = token(ends_at + HOUR);
        assert_eq!(acme.revoke_token(&late, &context()).await.unwrap(), Outcome::Revoked);
        assert!(acme.is_token_revoked(late.id).await.unwrap());
        assert_eq!(acme.forget_ended_tokens().await.unwrap(), 0, "cleared away by the revocation");
    }
}
