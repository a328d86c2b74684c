//! Host names of a tenant's own, on the page.

use egress::{Dns, NameServers};
use http::StatusCode;
use name_testing::NameServer;

use crate::support::Console;

const PAGE: &str = "/console/tenants/acme/domains";
const HOST: &str = "scim.acme.example";

store_testing::on_both! {
    async fn a_name_is_added_proven_and_given_up(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let server = NameServer::start().await;
        let dns = Dns::new(NameServers(vec![server.address()]));
        let url = console.state.public_url.clone();
        console.state.tenants = console.state.tenants.clone().with_names(dns, &url, Some("customers.test"));
        console.app = tenant_admin::router(console.state.clone());
        console.tenant("acme", "generic").await;
        console.get("/console/tenants/acme/settings").await.shows(PAGE);
        console.get(PAGE).await.shows("acme.customers.test").hides("TXT record</b>");

        for (host, word) in [
            ("https://scim.acme.example", "without https://"),
            ("rollcall.test", "full host name"),
            ("x.customers.test", "belong to this installation"),
            ("", "no host name"),
        ] {
            let page = console.post(PAGE, &[("host", host)]).await;
            if host == "rollcall.test" {
                page.shows("is the address of this installation itself");
                continue;
            }
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{host}");
            page.shows(word).shows("<a href=\"#host\">").shows(&format!("value=\"{host}\""));
        }
        let page = console.post(PAGE, &[("host", HOST)]).await;
        assert_eq!(page.location(), "/console/tenants/acme/domains?done=added");
        let page = console.get(page.location()).await;
        page.shows("Not proven").shows("_rollcall.scim.acme.example");
        let text = page.between("aria-label=\"Text of the record\">", "<").unwrap().to_owned();

        let check = format!("{PAGE}/check");
        let page = console.post(&check, &[("host", HOST)]).await;
        assert_eq!(page.location(), "/console/tenants/acme/domains?done=unproven");
        console.get(page.location()).await.shows("There is no TXT record of that name yet");
        let again = console.post(&check, &[("host", HOST)]).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        again.shows("wait two seconds");
        server.set("_rollcall.scim.acme.example", &[&text]);
        console.store.advance(2_001);
        let page = console.post(&check, &[("host", HOST)]).await;
        assert_eq!(page.location(), "/console/tenants/acme/domains?done=proven");
        console.get(page.location()).await.shows(">Proven</span>").shows("https://scim.acme.example/scim/v2<");
        console.get("/console/tenants/acme").await.shows("https://scim.acme.example/scim/v2<");

        let remove = format!("{PAGE}/remove");
        let page = console.post(&remove, &[("host", HOST)]).await;
        assert_eq!(page.location(), "/console/tenants/acme/domains?done=removed");
        console.get(PAGE).await.hides(HOST);
        assert_eq!(console.post(&remove, &[("host", HOST)]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(console.post(&check, &[("host", HOST)]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}
