//! The overview of the installation and of a tenant, and a tenant's end.

use std::collections::BTreeMap;

use http::StatusCode;
use store::{
    TenantId,
    activity::{ActivityBatch, Heard, HeardChange, Milestone, Traffic, hour_of},
    admins::AdminRole,
};
use token_service::{NewToken, scopes};

use crate::support::{Console, EMAIL, PASSWORD, context, person};

const DAY: i64 = 24 * 3_600_000;

/// What the journal would have written.
async fn called(console: &Console, tenant: TenantId, requests: i64, failures: i64, ago: i64) {
    let at = console.store.now() - ago;
    let traffic = Traffic { requests, client_errors: failures, ..Traffic::default() };
    let heard = |milestone| HeardChange {
        tenant,
        heard: Heard {
            milestone,
            first_at: at,
            last_at: at,
            last_method: "POST".into(),
            last_route: "/Users".into(),
            last_status: 409,
            last_scim_type: Some("uniqueness".into()),
            last_request_id: "request-7".into(),
        },
    };
    let mut milestones = vec![heard(Milestone::Call)];
    milestones.extend((failures < requests).then(|| heard(Milestone::Success)));
    milestones.extend((failures > 0).then(|| heard(Milestone::Failure)));
    let batch = ActivityBatch {
        requests: Vec::new(),
        traffic: BTreeMap::from([((tenant, hour_of(at)), traffic)]),
        heard: milestones,
    };
    console.store.platform().write_activity(&batch).await.unwrap();
}

async fn token(console: &Console, tenant: TenantId, days: i64) {
    let new = NewToken {
        name: "Okta".into(),
        scope: scopes::DEFAULT.into(),
        expires_at: console.store.now() + days * DAY + 60_000,
        user: None,
        allowed_from: Default::default(),
    };
    console.state.tokens.issue(tenant, new, &context()).await.unwrap();
}

store_testing::on_both! {
    async fn the_overview_says_what_needs_somebody(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        console.get("/console/").await.shows("What to do first").shows("/console/tenants/new").hides("Nothing to do");
        let [fine, failing, silent, ending] = ["fine", "failing", "silent", "ending"];
        let mut ids = Vec::new();
        for slug in [fine, failing, silent, ending] {
            ids.push(console.tenant(slug, "generic").await);
        }
        console.user(&ids[0], person("u@x.example", "U", "X")).await;
        let page = console.get("/console/").await;
        page.shows("Nothing to do").shows("No requests in the last 24 hours").shows("4 active");

        called(&console, ids[0].id(), 30, 1, 0).await;
        called(&console, ids[1].id(), 12, 8, 0).await;
        called(&console, ids[2].id(), 3, 0, 8 * DAY).await;
        token(&console, ids[3].id(), 5).await;
        token(&console, ids[0].id(), 300).await;
        let page = console.get("/console/").await;
        page.hides("Nothing to do").shows("in the last 24 hours, 9 failed (21 %)").shows("<svg class=\"plot-picture\"");
        page.shows("42 requests in the last 24 hours, of which 9 failed.");
        page.shows("8 of 12 requests in 24 hours failed (66 %).").shows("409 uniqueness, POST /Users");
        page.shows("/console/tenants/failing/activity?outcome=failed").shows("Ends in 5 days").shows("/console/tenants/ending/tokens/");
        page.shows("Last heard 8 days ago.").shows("silent Hospital").hides("fine Hospital");
        console.get("/console/?span=30d").await.shows("45 requests in the last 30 days").shows("aria-current=\"true\"><span class=\"vh\">The last </span>30 days");
        let list = console.get("/console/tenants").await;
        list.shows("8 days ago").shows("badge-bad\">Ends in 5 days").shows(">never<");

        // Of each tenant the same, with what to do next.
        console.get("/console/tenants/failing").await.shows("No credential is valid").shows("Make a credential</a>");
        token(&console, ids[1].id(), 100).await;
        let page = console.get("/console/tenants/failing").await;
        page.shows("8 of 12 requests in 24 hours failed").shows("See what fails").shows("/activity?request=request-7");
        console.get("/console/tenants/fine?span=7d").await.shows(">Working</span>").shows("30 requests in the last 7 days");

        // Others see what is theirs, and no way to what is not.
        console.person("manager@x", AdminRole::Manager, &[ids[2].id()]).await;
        console.person("auditor@x", AdminRole::Auditor, &[ids[1].id()]).await;
        console.person("nobody@x", AdminRole::Manager, &[]).await;
        console.sign_in("manager@x", PASSWORD).await;
        let page = console.get("/console/?span=30d").await;
        page.shows("3 requests in the last 30 days").shows("silent Hospital").hides("failing Hospital").hides("ending Hospital");
        console.sign_in("auditor@x", PASSWORD).await;
        let page = console.get("/console/").await;
        page.shows("failing Hospital").shows("12 requests").hides("/activity").hides("silent Hospital");
        console.sign_in("nobody@x", PASSWORD).await;
        console.get("/console/").await.shows("No tenant is yours yet").hides("/console/tenants/new");
    }

    async fn a_tenant_is_deleted_after_its_slug_was_typed(store: TestStore) {
        const DELETE: &str = "/console/tenants/acme/delete";
        let mut console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        console.person("manager@x", AdminRole::Manager, &[tenant.id()]).await;
        console.sign_in("manager@x", PASSWORD).await;
        console.get("/console/tenants/acme/settings").await.shows("Danger zone").hides(DELETE);
        assert_eq!(console.get(DELETE).await.status, StatusCode::FORBIDDEN);
        assert_eq!(console.post(DELETE, &[("confirm", "acme")]).await.status, StatusCode::FORBIDDEN);
        assert_eq!(console.get("/console/deleted-tenants").await.status, StatusCode::FORBIDDEN);

        console.sign_in(EMAIL, PASSWORD).await;
        console.get("/console/tenants/acme/settings").await.shows(DELETE);
        console.get(DELETE).await.shows("Delete acme Hospital?").shows("for 30 days");
        for typed in ["", "Acme", "acme Hospital"] {
            let page = console.post(DELETE, &[("confirm", typed)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
            page.shows("nothing was deleted").shows("<a href=\"#confirm\">").shows(&format!("value=\"{typed}\""));
        }
        assert!(console.state.tenants.by_slug("acme").await.unwrap().is_some());
        let page = console.post(DELETE, &[("confirm", "acme")]).await;
        assert_eq!(page.location(), "/console/deleted-tenants?done=deleted");
        console.get(page.location()).await.shows("acme Hospital").shows("in 30 days").shows(EMAIL);
        for path in ["/console/tenants/acme", "/console/tenants/acme/users", DELETE] {
            assert_eq!(console.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        console.get("/console/tenants").await.hides("acme Hospital");
        console.get("/console/platform-tokens").await.shows("Tenant “acme” deleted");

        let restore = format!("/console/deleted-tenants/{}/restore", tenant.id());
        let page = console.post(&restore, &[]).await;
        assert_eq!(page.location(), "/console/tenants/acme?done=restored");
        console.get(page.location()).await.shows("The tenant is restored").shows("Activate</button>");
        let page = console.post(&restore, &[]).await;
        assert_eq!(page.location(), "/console/deleted-tenants?done=late");
        console.get(page.location()).await.shows("was not restored").shows("None can be restored");
    }
}
