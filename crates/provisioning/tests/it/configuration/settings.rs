//! Name, organization, properties, activation, and what they open.

use provisioning::{ProfileSource, configuration::ConsolePage, directory::CreateTenantError};
use scim_core::value_set::AllowedValue;
use store::tenants::{TenantSettings, TenantStatus};
use store_testing::on_both;

use super::{BADGES, told};
use crate::support::{World, context};

/// Why the page is hidden; empty when it is open.
fn reasons(page: ConsolePage) -> Vec<String> {
    match page {
        ConsolePage::Open => Vec::new(),
        ConsolePage::Hidden { reasons } => reasons,
    }
}

/// Settings that change the organization alone.
fn organization(text: Option<&str>) -> TenantSettings {
    TenantSettings { organization: Some(text.map(str::to_owned)), ..TenantSettings::default() }
}

/// Settings that change one property alone.
fn property(name: &str, value: Option<&str>) -> TenantSettings {
    let properties = [(name.to_owned(), value.map(str::to_owned))].into();
    TenantSettings { properties, ..TenantSettings::default() }
}

on_both! {
    async fn settings_are_checked(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        let list = vec![AllowedValue::from("East Wing")];
        world.directory.set_value_set(side.tenant(), "buildings", list, &context()).await.expect("set");
        let side = side.again(world).await;
        let configured = async |settings: TenantSettings| {
            world.directory.configure(side.tenant(), &settings, &context()).await
        };
        assert!(told(configured(organization(Some("West"))).await).contains("\"buildings\"; send East Wing"), "the choices are named");
        configured(organization(Some(" east wing "))).await.expect("in any case");
        assert_eq!(told(configured(property("colour", Some("red"))).await), "property: Badges has no \"colour\"; it has door-type");
        assert!(told(configured(property("door-type", Some("Glass"))).await).starts_with("door-type: \"Glass\""));
        configured(property("Door-Type", Some("steel"))).await.expect("in any case");
        let name = TenantSettings { name: Some(" ".into()), ..TenantSettings::default() };
        let error = told(world.directory.configure(side.tenant(), &name, &context()).await);
        assert!(error.starts_with("name: use 1 to 200"), "{error}");
        let days = |days| TenantSettings { credential_days: Some(days), ..TenantSettings::default() };
        for unfit in [i32::MIN, 0, 3654] {
            assert!(told(configured(days(Some(unfit))).await).starts_with("max-token-lifetime: "), "{unfit}");
        }
        for fit in [Some(1), None, Some(3653)] {
            configured(days(fit)).await.expect("fits");
            assert_eq!(side.again(world).await.tenant().row.credential_days, fit);
        }
        let rate = |rate| TenantSettings { rate_limit: Some(rate), ..TenantSettings::default() };
        for unfit in [i32::MIN, 0, 100_001] {
            assert!(told(configured(rate(Some(unfit))).await).starts_with("rate-limit: "), "{unfit}");
        }
        for fit in [Some(1), None, Some(100_000)] {
            configured(rate(fit)).await.expect("fits");
            assert_eq!(side.again(world).await.tenant().row.rate_limit, fit);
        }
        let row = side.again(world).await.tenant().row.clone();
        assert_eq!(row.organization.as_deref(), Some("East Wing"), "as the list spells it");
        assert_eq!(row.properties, [("door-type".into(), "Steel".into())].into());

        world.directory.configure(side.tenant(), &organization(None), &context()).await.expect("none");
        world.directory.configure(side.tenant(), &property("door-type", None), &context()).await.expect("none");
        let row = side.again(world).await.tenant().row.clone();
        assert_eq!((row.organization, row.properties.len()), (None, 0));

        let without = world.tenant("epic-emp").await;
        let error = told(world.directory.configure(without.tenant(), &organization(Some("x")), &context()).await);
        assert!(error.starts_with("organization: "), "{error}");
        let error = told(world.directory.configure(without.tenant(), &property("a", Some("b")), &context()).await);
        assert!(error.contains("asks for no properties"), "{error}");
    }

    async fn activation_waits_for_an_organization(store: TestStore) {
        let world = &World::new(&store);
        let text = BADGES.replace("title = \"Building\"", "title = \"Building\"\nrequired = true");
        let slug = world.slug();
        let make = async |activate| {
            let source = ProfileSource::Text(&text);
            world.directory.create(&slug, None, source, "lenient", activate, &context()).await
        };
        let refused = make(true).await.expect_err("no organization yet");
        assert!(matches!(&refused, CreateTenantError::Unfit(text) if text.starts_with("organization: ")), "{refused}");
        let tenant = make(false).await.expect("made");
        assert!(told(world.directory.activate(&tenant, &context()).await).starts_with("organization: "));
        world.directory.configure(&tenant, &organization(Some("North")), &context()).await.expect("any text");
        let tenant = world.directory.by_id(tenant.id()).await.expect("read").expect("there");
        world.directory.activate(&tenant, &context()).await.expect("activated");
        let tenant = world.directory.by_id(tenant.id()).await.expect("read").expect("there");
        assert!(tenant.is_active() && tenant.row.gate_open);
        let error = told(world.directory.configure(&tenant, &organization(None), &context()).await);
        assert!(error.contains("as long as the tenant is active"), "{error}");
        world.directory.deactivate(&tenant, &context()).await.expect("deactivated");
        let tenant = world.directory.by_id(tenant.id()).await.expect("read").expect("there");
        assert!(!tenant.is_active());
        world.directory.configure(&tenant, &organization(None), &context()).await.expect("taken away");
    }

    /// Two people at once: neither may go by what the tenant was before the other.
    async fn an_active_tenant_does_not_lose_its_organization_to_a_rival(store: TestStore) {
        let world = &World::new(&store);
        let text = BADGES.replace("title = \"Building\"", "title = \"Building\"\nrequired = true");
        let slug = world.slug();
        let source = ProfileSource::Text(&text);
        let made = world.directory.create(&slug, None, source, "lenient", false, &context()).await;
        let id = made.expect("made").id();
        let tenant = async || world.directory.by_id(id).await.expect("read").expect("there");
        world.directory.configure(&*tenant().await, &organization(Some("North")), &context()).await.expect("set");
        // Both look at the inactive tenant with its organization.
        let early = tenant().await;
        world.directory.activate(&early, &context()).await.expect("activated");
        let error = told(world.directory.configure(&early, &organization(None), &context()).await);
        assert!(error.contains("as long as the tenant is active"), "{error}");
        world.directory.deactivate(&early, &context()).await.expect("deactivated");
        world.directory.configure(&early, &organization(None), &context()).await.expect("taken away");
        let error = told(world.directory.activate(&early, &context()).await);
        assert!(error.contains("needs one before it is activated"), "{error}");

        // All of it or nothing.
        let both = |organization: &str| TenantSettings {
            organization: Some(Some(organization.into())),
            status: Some(TenantStatus::Active),
            ..TenantSettings::default()
        };
        told(world.directory.configure(&early, &both(" "), &context()).await);
        assert!(!tenant().await.is_active());
        world.directory.configure(&early, &both("South"), &context()).await.expect("both");
        let now = tenant().await;
        assert_eq!((now.is_active(), now.row.organization.as_deref()), (true, Some("South")));
    }

    async fn gates_open_the_page(store: TestStore) {
        let world = &World::new(&store);
        let envi = world.tenant("envi").await;
        let shown = reasons(envi.tenant().console_page_open());
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert!(shown[0].starts_with("Domain type is not set"), "{shown:?}");
        for (name, value) in [("domain-type", "Other"), ("authentication", "WS Trust")] {
            world.directory.configure(envi.tenant(), &property(name, Some(value)), &context()).await.expect("set");
        }
        let envi = envi.again(world).await;
        assert_eq!(reasons(envi.tenant().console_page_open()), ["Domain type is Other; this page is there for Simple."]);
        world.directory.configure(envi.tenant(), &property("domain-type", Some("Simple")), &context()).await.expect("set");
        assert_eq!(envi.again(world).await.tenant().console_page_open(), ConsolePage::Open);

        let slug = world.slug();
        let made = world.directory.create(&slug, None, "mdscripts", "lenient", false, &context()).await;
        let tenant = made.expect("made");
        assert!(reasons(tenant.console_page_open())[0].contains("ask the support of MDScripts"));
        world.directory.activate(&tenant, &context()).await.expect("activated");
        let tenant = world.directory.by_id(tenant.id()).await.expect("read").expect("there");
        assert_eq!(tenant.console_page_open(), ConsolePage::Open);
    }
}
