use name_testing::NameServer;

use super::*;

#[test]
fn servers_are_written_with_or_without_a_port() {
    let parse = |text: &str| text.parse::<NameServers>().map(|servers| servers.to_string());
    assert_eq!(parse("192.0.2.53").as_deref(), Ok("192.0.2.53:53"));
    assert_eq!(
        parse(" 192.0.2.53:5353, 2001:db8::53,[2001:db8::1]:1053, [::1]").as_deref(),
        Ok("192.0.2.53:5353,[2001:db8::53]:53,[2001:db8::1]:1053,[::1]:53")
    );
    assert_eq!(parse("").as_deref(), Ok(""));
    assert!(parse("dns.example").is_err_and(|error| error.contains("\"dns.example\" is no address")));
}

#[tokio::test]
async fn texts_of_a_name_are_asked_anew_each_time() {
    let server = NameServer::start().await;
    let dns = Dns::new(NameServers(vec![server.address()]));
    assert_eq!(dns.texts("_rollcall.acme.example").await, Ok(vec![]), "no such name");
    server.set("_rollcall.acme.example", &["v=spf1 -all", "one"]);
    assert_eq!(dns.texts("_rollcall.ACME.example.").await, Ok(vec!["v=spf1 -all".into(), "one".into()]));
    let long = "x".repeat(300);
    server.set("_rollcall.acme.example", &[&long]);
    assert_eq!(dns.texts("_rollcall.acme.example").await, Ok(vec![long]), "two strings, one text");
    server.alias("_rollcall.shop.example", "_rollcall.acme.example");
    assert_eq!(dns.texts("_rollcall.shop.example").await.map(|texts| texts.len()), Ok(1), "by an alias");
    server.set("_rollcall.acme.example", &[]);
    assert_eq!(dns.texts("_rollcall.acme.example").await, Ok(vec![]));
    server.fail(true);
    let failed = dns.texts("_rollcall.acme.example").await;
    assert!(matches!(failed, Err(DnsError::Failed(_) | DnsError::TimedOut)), "{failed:?}");
}

#[tokio::test]
async fn who_comes_when_all_are_asking_comes_again() {
    let server = NameServer::start().await;
    let dns = Dns::new(NameServers(vec![server.address()]));
    let places = dns.inner.places.acquire_many(AT_ONCE as u32).await.unwrap();
    assert_eq!(dns.texts("acme.example").await, Err(DnsError::Busy));
    drop(places);
    assert_eq!(dns.texts("acme.example").await, Ok(vec![]));
}
