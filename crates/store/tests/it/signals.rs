//! A configuration change made by one node is known to the others within 1 s, with Redis, without it, and while it
//! comes and goes.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use store::Store;
use store_testing::{TestStore, on_both};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::watch,
};

use crate::common::{context, new_tenant, tenant};

/// The contract's 1 s.
const LIMIT: Duration = Duration::from_secs(1);

/// Makes a change through `here`; gives how long `there` took to know of it.
async fn latency(here: &Store, there: &Store, slug: &str) -> Duration {
    let before = there.epoch();
    tenant(here, slug).await;
    let start = Instant::now();
    while there.epoch() == before {
        assert!(start.elapsed() < LIMIT * 10, "never seen");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    start.elapsed()
}

async fn both_ways(store: &TestStore) {
    let other = store.another().await;
    assert_eq!(store.epoch(), other.epoch());
    for number in 0..3 {
        assert!(latency(store, &other, &format!("a{number}")).await < LIMIT);
        assert!(latency(&other, store, &format!("b{number}")).await < LIMIT);
    }
    other.close().await;
}

on_both! {
    async fn seen_by_another_node(store: TestStore) {
        both_ways(&store).await;
    }

    async fn known_here_at_once(store: TestStore) {
        for number in 0..3 {
            let before = store.epoch();
            tenant(&store, &format!("t{number}")).await;
            assert!(store.epoch() > before);
        }
    }

    async fn ends_with_the_store(store: TestStore) {
        let other = store.another().await;
        let clone = other.clone();
        other.close().await;
        let known = clone.epoch();
        tenant(&store, "acme").await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(clone.epoch(), known);
        assert!(matches!(clone.ping().await, Err(store::StoreError::Unavailable(_))));
    }
}

/// A way to PostgreSQL on which connections that are there fall silent, and are not ended: as when its machine loses power and the
/// address leads to another one.
async fn way_to(server: String) -> (u16, watch::Sender<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    let (silence, silenced) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (server, mut silenced) = (server.clone(), silenced.clone());
            tokio::spawn(async move {
                let mut far = TcpStream::connect(server).await.expect("PostgreSQL");
                silenced.mark_unchanged();
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    // Both ends stay open, and nobody hears anything.
                    _ = silenced.changed() => std::future::pending().await,
                }
            });
        }
    });
    (port, silence)
}

/// The look goes on over another connection when nothing comes back from the one that it had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_falls_silent_is_not_waited_for() {
    let store = store_testing::postgres_with(|_| ()).await;
    let mut options = store.options().clone();
    let mut url = url::Url::parse(&options.url).expect("a URL");
    let server = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
    let (port, silence) = way_to(server).await;
    url.set_host(Some("127.0.0.1")).expect("a host");
    url.set_port(Some(port)).expect("a port");
    options.url = url.into();
    let other = Store::open(&options).await.expect("opened");
    assert!(latency(&store, &other, "before").await < LIMIT);
    silence.send_modify(|times| *times += 1);
    assert!(latency(&store, &other, "after").await < LIMIT * 6, "a look is given up after two seconds");
    assert!(other.silent_for() < LIMIT * 3, "{:?}", other.silent_for());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seen_through_redis() {
    let url = store_testing::redis_url();
    both_ways(&store_testing::postgres_with(|options| options.redis_url = Some(url.clone())).await).await;
    both_ways(&store_testing::sqlite_with(|options| options.redis_url = Some(url.clone())).await).await;
}

fn redis_server(port: u16) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Waits until somebody listens on the channel of this installation.
async fn somebody_listens(client: &redis::Client, channel: &str) {
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let Ok(mut connection) = client.get_multiplexed_async_connection().await else { continue };
        let mut command = redis::cmd("PUBSUB");
        command.arg("NUMSUB").arg(channel);
        if let Ok((_, count)) = command.query_async::<(String, u64)>(&mut connection).await
            && count > 0
        {
            return;
        }
    }
    panic!("nobody listens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_come_and_go() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("redis://127.0.0.1:{port}");
    let store = store_testing::postgres_with(|options| options.redis_url = Some(url.clone())).await;
    let other = store.another().await;
    let channel = format!("rollcall:{}:epoch", store.platform().installation_id().await.unwrap());

    for round in 0..2 {
        assert!(latency(&store, &other, &format!("away{round}")).await < LIMIT);
        let start = Instant::now();
        store.platform().create_tenant(&new_tenant(&format!("quick{round}")), &context()).await.unwrap();
        assert!(start.elapsed() < LIMIT, "a change waited for Redis");

        let mut server = redis_server(port);
        somebody_listens(&redis::Client::open(url.as_str()).unwrap(), &channel).await;
        assert!(latency(&store, &other, &format!("there{round}")).await < LIMIT);
        server.kill().await.unwrap();
    }
}
