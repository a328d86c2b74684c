//! What is told to a tenant's people about clients that do not get in, and how often one may guess.

use scim_core::profile::CredentialKind;
use store::{TenantId, tenants::TenantStatus};
use store_testing::on_both;
use token_service::{
    Refusal, Sender,
    refusals::{Attempt, Because, Mistake, Refused, Verdict},
};

use crate::world::{Client, HOUR, World, context};

const TOKEN: &str = "/oauth/token";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

impl World {
    async fn refused(&self, tenant: TenantId) -> Vec<Refused> {
        self.tokens.refusals(tenant, &[CredentialKind::Oauth]).await.unwrap()
    }
}

on_both! {
    async fn a_wrong_secret_is_told_to_the_clients_tenant(store: TestStore) {
        let world = World::new(store).await;
        let tenant = world.tenant("acme", "generic").await;
        let client = world.client(tenant, "Entra").await;
        let wrong = Client { secret: "rcs_wrong".into(), ..client.clone() };
        world.post(TOKEN, Some(&wrong.basic()), &[GRANT]).await.expect_error(401, "invalid_client");
        let form = [GRANT, ("client_id", wrong.id.as_str()), ("client_secret", wrong.secret.as_str())];
        world.post(TOKEN, None, &form).await.expect_error(401, "invalid_client");
        let told = world.refused(tenant).await;
        assert_eq!((told.len(), told[0].mistake, told[0].count), (1, Mistake::WrongSecret, 2), "{told:?}");
        assert_eq!(told[0].what, "The client “Entra”: the secret is wrong.");
        assert_eq!((told[0].base_url.as_str(), told[0].agent.as_str()), ("https://scim.example.com/oauth/token", "Entra"));
        assert_eq!(told[0].username.as_ref(), Some(&client.id));
        assert!(!told[0].to_json().to_string().contains("rcs_wrong"));
        // Nobody's client: nobody's tenant.
        let unknown = Client { id: "rc_00112233445566778899aabbccddeeff".into(), ..wrong.clone() };
        world.post(TOKEN, Some(&unknown.basic()), &[GRANT]).await.expect_error(401, "invalid_client");
        assert_eq!(world.refused(tenant).await.len(), 1);
        let shared = world.tokens.shared_refusals().await.unwrap();
        assert_eq!((shared.len(), shared[0].mistake), (1, Mistake::UnknownClient));
        assert!(!shared[0].to_json().to_string().contains(&unknown.id));

        let known = world.tenants.by_id(tenant).await.unwrap().unwrap();
        world.tenants.configure(&known, &TenantStatus::Inactive.into(), &context()).await.unwrap();
        world.post(TOKEN, Some(&client.basic()), &[GRANT]).await.expect_error(400, "unauthorized_client");
        let told = world.refused(tenant).await;
        assert!(told.iter().any(|one| one.mistake == Mistake::TenantInactive), "{told:?}");
    }

    async fn guesses_at_a_client_are_slow_and_a_valid_secret_is_not(store: TestStore) {
        let world = World::new(store).await;
        let client = world.client(world.tenant("acme", "generic").await, "Entra").await;
        let guesses = (0..13).map(|number| {
            let guess = Client { secret: format!("rcs_{number}"), ..client.clone() }.basic();
            let world = &world;
            async move { world.post(TOKEN, Some(&guess), &[GRANT]).await }
        });
        let guesses = futures::future::join_all(guesses);
        let (replies, _) = futures::future::join(guesses, world.token(&client)).await;
        let late: Vec<_> = replies.iter().filter(|reply| reply.status.as_u16() == 429).collect();
        assert_eq!(late.len(), 3, "ten are free");
        for reply in late {
            reply.expect_error(429, "temporarily_unavailable");
            assert_eq!(reply.headers["retry-after"], "5");
        }
        world.token(&client).await;
    }

    /// PostgreSQL takes no NUL in a text: neither the check nor the notes of others may stumble over one.
    async fn a_client_id_that_no_database_takes_is_nobodys(store: TestStore) {
        let world = World::new(store).await;
        let tenant = world.tenant("acme", "generic").await;
        let client = world.client(tenant, "Entra").await;
        for id in ["\0", "rc_\0", "rc_\n", &format!("{}\0", client.id)] {
            let form = [GRANT, ("client_id", id), ("client_secret", client.secret.as_str())];
            world.post(TOKEN, None, &form).await.expect_error(401, "invalid_client");
        }
        let wrong = Client { secret: "rcs_wrong".into(), ..client };
        world.post(TOKEN, Some(&wrong.basic()), &[GRANT]).await.expect_error(401, "invalid_client");
        assert_eq!(world.refused(tenant).await.len(), 1);
        let shared = world.tokens.shared_refusals().await.unwrap();
        assert!(shared.iter().all(|one| one.mistake == Mistake::UnknownClient && one.username.is_none()), "{shared:?}");
        assert_eq!(shared.iter().map(|one| one.count).sum::<u64>(), 4);
    }

    /// An access token that has ended is no fault of its client, which is as good as before.
    async fn an_access_token_that_has_ended_is_told_as_such(store: TestStore) {
        let world = World::new(store).await;
        let tenant = world.tenant("acme", "generic").await;
        let client = world.client(tenant, "Entra").await;
        let token = world.token(&client).await;
        world.store.advance(HOUR);
        let knock = async |value: String| {
            let mut headers = http::HeaderMap::new();
            headers.insert("authorization", value.parse().unwrap());
            let attempt = Attempt {
                slug: None,
                base_url: "https://scim.example.com/scim/v2",
                sent: world.tokens.sent_in(&headers),
                sender: &Sender::default(),
            };
            let presented = token_service::authorization::parse(&value).unwrap();
            let refusal = world.tokens.verify(&presented).await.unwrap_err();
            assert_eq!(world.tokens.refuse(attempt, Because::Refusal(&refusal)).await, Verdict::Refuse);
            refusal
        };
        assert!(matches!(knock(format!("Bearer {token}")).await, Refusal::Expired));
        let told = world.refused(tenant).await;
        assert_eq!((told.len(), told[0].mistake), (1, Mistake::AccessTokenEnded));
        assert!(told[0].what.starts_with("The access token of the client “Entra” ended on 20"), "{}", told[0].what);
        // Id and secret at a SCIM address.
        assert!(matches!(knock(client.basic()).await, Refusal::WrongPassword));
        let told = world.tokens.refusals(tenant, &[CredentialKind::Basic]).await.unwrap();
        assert!(told.iter().any(|one| one.mistake == Mistake::ClientAsLogin), "{told:?}");
    }
}
