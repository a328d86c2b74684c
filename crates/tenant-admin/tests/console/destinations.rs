//! Who is told of changes, on the pages: made, looked at, tried, paused, ended; and on users' pages what became of each change.

use axum::{Router, routing::post};
use delivery::{NewDestination, NewWay, webhook::NewWebhook};
use http::StatusCode;
use store::{
    admins::AdminRole,
    destinations::{Attempt, End, Hold},
};
use uuid::Uuid;

use crate::support::{Console, PASSWORD, context, person};

const LIST: &str = "/console/destinations";
const OF_ACME: &str = "/console/tenants/acme/delivery";

/// A receiver that takes all, or nothing.
async fn receiver(status: StatusCode) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?key=secret", listener.local_addr().unwrap());
    tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/hook", post(move || async move { status })))
            .await
            .unwrap();
    });
    url
}

/// All that is due is settled so; gives the places of the feed.
async fn settled(console: &Console, node: Uuid, end: &End) -> (Hold, Vec<i64>) {
    let platform = console.store.platform();
    console.store.number().await;
    let hold = platform.hold_destinations(node, 600_000).await.unwrap().remove(0);
    while platform.make_deliveries(&hold).await.unwrap().unwrap() {}
    let due = platform.due(hold.destination.id, console.store.now(), &[], 100).await.unwrap();
    let places: Vec<i64> = due.iter().map(|letter| letter.event.position).collect();
    let attempts: Vec<Attempt> = places
        .iter()
        .map(|place| Attempt {
            position: *place,
            at: console.store.now(),
            took: 20,
            status: Some(204),
            of_event: false,
            end: end.clone(),
        })
        .collect();
    platform.settle(&hold, &attempts).await.unwrap().unwrap();
    (hold, places)
}

store_testing::on_both! {
    async fn a_webhook_is_made_tried_paused_and_deleted(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        console.get(LIST).await.shows("Nobody yet").shows("name=\"url\"");
        for (name, url, problem) in [
            ("", "https://app.example.com/", "Use 1 to 100 characters"),
            ("App", "ftp://app.example.com/", "<a href=\"#url\">"),
            ("App", "https://10.0.0.1/", "<a href=\"#url\">"),
        ] {
            let fields = [("name", name), ("url", url), ("target", "60"), ("users", "on")];
            let page = console.post(LIST, &fields).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
            page.shows(problem).shows(&format!("value=\"{url}\""));
        }
        let none = console.post(LIST, &[("name", "App"), ("url", "https://app.example.com/"), ("target", "60")]).await;
        assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
        none.shows("<a href=\"#events\">");

        let url = receiver(StatusCode::NO_CONTENT).await;
        let fields = [("name", "Our <app>"), ("url", &url), ("target", "5"), ("users", "on"), ("roles", "on")];
        let made = console.post(LIST, &fields).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.shows("whsec_").shows("Our &#60;app&#62;").shows("within 5 s").hides("key=secret");
        let listed = console.get(LIST).await;
        listed.hides("whsec_").hides("key=secret").shows("events: role, user");
        let page = format!("{LIST}/{}", listed.between("href=\"/console/destinations/", "\"").unwrap());
        console.get(&page).await.shows("key=secret").shows(">Active</span>").shows("No events in the last 24 hours");
        console.post(&format!("{page}/test"), &[]).await.shows("was taken with 204");
        let secret = console.post(&format!("{page}/secret"), &[]).await;
        assert_eq!(secret.status, StatusCode::CREATED);
        assert_ne!(secret.between("whsec_", "<"), made.between("whsec_", "<"));

        let paused = console.post(&format!("{page}/pause"), &[]).await;
        console.get(paused.location()).await.shows(">Paused</span>").shows("its events wait").shows("Resume");
        let resumed = console.post(&format!("{page}/resume"), &[]).await;
        console.get(resumed.location()).await.shows(">Active</span>");
        let refusing = receiver(StatusCode::IM_A_TEAPOT).await;
        let wrong = console.post(&page, &[("name", "App"), ("url", "ftp://x"), ("target", "60")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong.shows("value=\"ftp://x\"");
        let saved = console.post(&page, &[("name", "App"), ("url", &refusing), ("target", "3600")]).await;
        console.get(saved.location()).await.shows("within 1 h").shows("<h1>App</h1>");
        console.post(&format!("{page}/test"), &[]).await.shows("What was wrong: it answered 418");

        let deleted = console.post(&format!("{page}/delete"), &[]).await;
        console.get(deleted.location()).await.shows("Nobody yet").shows("is deleted");
        for action in ["", "/pause", "/test", "/secret", "/replay", "/delete"] {
            let gone = console.post(&format!("{page}{action}"), &[("name", "x"), ("url", "https://x.example/")]).await;
            assert_eq!(gone.status, StatusCode::NOT_FOUND, "{action}");
        }
        assert_eq!(console.get(&format!("{LIST}/x")).await.status, StatusCode::NOT_FOUND);
    }

    async fn headers_do_not_go_along_to_another_address(store: TestStore) {
        let console = Console::signed_in(store).await;
        let headers = [("X-Api-Key".to_owned(), "sesame".to_owned())].into();
        let way = NewWay::Webhook(NewWebhook { url: "https://a.example.com/".into(), headers, secret: None });
        let new = NewDestination { tenant: None, name: "App".into(), events: None, after: None, target: None, way };
        let (made, _) = console.state.destinations.create(new, &context()).await.unwrap();
        let page = format!("{LIST}/{}", made.id);
        console.get(&page).await.shows("without its headers from now on: X-Api-Key").hides("sesame");
        let fields = [("name", "App"), ("url", "https://b.example.com/"), ("target", "60")];
        let refused = console.post(&page, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        refused.shows("<a href=\"#headers\">").shows("do not go along").shows("value=\"https://b.example.com/\"");
        let without = [&fields[..], &[("without_headers", "on")]].concat();
        let saved = console.post(&page, &without).await;
        console.get(saved.location()).await.shows("https://b.example.com/").hides("without its headers").hides("X-Api-Key");
    }

    async fn a_users_page_tells_what_became_of_each_change(store: TestStore) {
        let console = Console::signed_in(store).await;
        let acme = console.tenant("acme", "generic").await;
        console.store.number().await;
        console.get(OF_ACME).await.shows("Nobody is told of changes yet");
        let url = receiver(StatusCode::NO_CONTENT).await;
        let fields = [("name", "App"), ("url", &url), ("target", "60"), ("users", "on")];
        let made = console.post(OF_ACME, &fields).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let id = console.user(&acme, person("ann@acme.example", "Ann", "Lee")).await;
        let user = format!("/console/tenants/acme/users/{id}");
        let came = console.store.tenant(acme.id()).audit(Some(&id), 1).await.unwrap()[0].at - 8;
        console
            .logged(&acme, |entry| (entry.line.request_id, entry.line.at, entry.line.duration_us) = ("request-1".into(), came + 10, 10_000))
            .await;
        console.get(&user).await.shows("committed +8 ms").hides("delivered");
        console.store.advance(100);
        let node = Uuid::new_v4();
        let (hold, places) = settled(&console, node, &End::Done).await;
        assert_eq!(places.len(), 1);
        console.store.advance(3_000);
        console.store.platform().note_applied(&hold.destination, None, &places).await.unwrap();
        // The time goes on by itself as well.
        let told = console.get(&user).await;
        let told = told.between("App: delivered +", "<").unwrap();
        let (delivered, applied) = told.split_once(" ms, applied +").unwrap();
        assert!((120..2_000).contains(&delivered.parse::<i64>().unwrap()), "{told}");
        assert!(applied.ends_with(" s"), "{told}");
        console.get(OF_ACME).await.shows("<strong>100 %</strong> of the events").shows("1 event in the last 24 hours");
        console.get("/console/tenants/acme").await.shows("<strong>100 %</strong> of the events");

        // What was given up is seen, and sent again.
        console.post(&format!("{user}/deactivate"), &[]).await;
        settled(&console, node, &End::Dead("it answered 500".to_owned())).await;
        console.get(&user).await.shows("App: <span class=\"badge badge-bad\">given up</span>");
        console.get(OF_ACME).await.shows("<strong>50 %</strong>");
        let page = format!("{LIST}/{}", hold.destination.id);
        let shown = console.get(&format!("{page}?state=dead")).await;
        shown.shows("user.deactivated").shows("it answered 500").hides("user.created").shows("Send 1 again");
        let replayed = console.post(&format!("{page}/replay"), &[]).await;
        console.get(replayed.location()).await.shows("1 event sent again").shows(">Due</span>").hides("Given up</span>");
    }

    async fn a_manager_sees_how_soon_and_not_where(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let acme = console.tenant("acme", "generic").await;
        let fields = [("name", "App"), ("url", "https://hidden.example/"), ("target", "60"), ("users", "on")];
        assert_eq!(console.post(LIST, &fields).await.status, StatusCode::CREATED);
        console.get(OF_ACME).await.shows("https://hidden.example").shows("name=\"url\"");
        console.person("manager@example.com", AdminRole::Manager, &[acme.id()]).await;
        console.sign_in("manager@example.com", PASSWORD).await;
        console.get(OF_ACME).await.shows("App").hides("hidden.example").hides("name=\"url\"").hides(LIST);
        for path in [LIST, OF_ACME] {
            assert_eq!(console.post(path, &fields).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        assert_eq!(console.get(LIST).await.status, StatusCode::FORBIDDEN);
    }
}
