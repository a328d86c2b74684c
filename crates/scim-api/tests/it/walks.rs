//! Walks through lists that change meanwhile, by startIndex (RFC 7644 §3.4.2.4) and by cursor (RFC 9865).

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::{
    client::{Client, Reply, encode, id, patch},
    world::World,
};

on_both!(
    index_walks_are_stable,
    index_walks_belong_to_one_caller_and_one_query,
    sorted_walks_are_stable,
    sorted_walks_pass_over_many_who_are_gone,
    cursors_lead_forth_and_back,
    cursors_are_checked,
    walks_while_others_write,
    cursors_in_a_search,
);

const MINUTES: i64 = 60_000;

async fn create(okta: &Client, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(id(&okta.create_user(&name).await));
    }
    ids
}

fn ids(list: &Value) -> Vec<String> {
    list["Resources"].as_array().expect("Resources").iter().map(id).collect()
}

fn numbers(list: &Value) -> (u64, u64, usize) {
    let number = |name: &str| list[name].as_u64().unwrap_or_else(|| panic!("{name}: {list}"));
    (number("totalResults"), number("startIndex"), ids(list).len())
}

async fn page(okta: &Client, query: &str) -> Value {
    okta.get(&format!("/Users?{query}")).await.expect(200)
}

fn some(list: &Value, name: &str) -> Option<String> {
    list.get(name).map(|cursor| cursor.as_str().expect("a text").to_owned())
}

async fn index_walks_are_stable(world: World) {
    let okta = world.tenant("acme").await;
    let created = create(&okta, (0..9).map(|n| format!("u{n}"))).await;

    // Three that were sent are gone by the time of the second page, and one that was not; two came.
    let first = page(&okta, "startIndex=1&count=3").await;
    assert_eq!((numbers(&first), ids(&first)), ((9, 1, 3), created[..3].to_vec()));
    for gone in created[..3].iter().chain([&created[7]]) {
        okta.delete(&format!("/Users/{gone}")).await.expect(204);
    }
    let late = create(&okta, ["late1".into(), "late2".into()]).await;

    let second = page(&okta, "startIndex=4&count=3").await;
    assert_eq!(ids(&second), created[3..6], "by position these would have been left out");
    assert_eq!(numbers(&second), (3 + 7, 4, 3), "what came before, and what is left");
    let third = page(&okta, "startIndex=7&count=4").await;
    assert_eq!(ids(&third), [&created[6], &created[8], &late[0], &late[1]].map(String::clone));
    assert_eq!(numbers(&third), (10, 7, 4));
    let end = page(&okta, "startIndex=11&count=4").await;
    assert_eq!((numbers(&end), ids(&end)), ((10, 11, 0), vec![]), "the end of the walk stays the end");
    let beyond = page(&okta, "startIndex=12&count=4").await;
    assert_eq!((numbers(&beyond), ids(&beyond)), ((7, 12, 0), vec![]), "no walk led here: the live total");

    // A page asked for again is the same page; the size may change from page to page.
    let again = page(&okta, "startIndex=4&count=2").await;
    assert_eq!(ids(&again), created[3..5]);
    assert_eq!(
        ids(&page(&okta, "startIndex=6&count=2").await),
        [&created[5], &created[6]].map(String::clone)
    );

    // After ten minutes nobody goes on.
    world.advance(10 * MINUTES + 1);
    let live = page(&okta, "startIndex=4&count=3").await;
    assert_eq!(
        (numbers(&live), ids(&live)),
        ((7, 4, 3), [&created[6], &created[8], &late[0]].map(String::clone).to_vec())
    );
}

async fn index_walks_belong_to_one_caller_and_one_query(world: World) {
    let okta = world.tenant("acme").await;
    let other = world.client("acme", "scim:read").await;
    let created = create(&okta, (0..6).map(|n| format!("u{n}"))).await;
    page(&okta, "startIndex=1&count=2").await;
    okta.delete(&format!("/Users/{}", created[0])).await.expect(204);

    let live = created[3..5].to_vec();
    for (client, query) in [
        (&other, ""),
        (&okta, "&filter=userName+pr"),
        (&okta, "&sortBy=userName"),
        (&okta, "&attributes=userName"),
    ] {
        let list = page(client, &format!("startIndex=3&count=2{query}")).await;
        assert_eq!(
            (numbers(&list).0, ids(&list)),
            (5, live.clone()),
            "{query}: by position, in the live list"
        );
    }
    assert_eq!(page(&okta, "startIndex=2&count=2").await["totalResults"], 5, "not where the page ended");
    assert_eq!(ids(&page(&okta, "startIndex=3&count=2").await), created[2..4], "here it goes on");

    // A page without rows leaves no mark, nor does the last one.
    assert_eq!(ids(&page(&okta, "startIndex=1&count=0").await), Vec::<String>::new());
    assert_eq!(page(&okta, "startIndex=1&count=5").await["totalResults"], 5);
    okta.delete(&format!("/Users/{}", created[1])).await.expect(204);
    assert_eq!(numbers(&page(&okta, "startIndex=6&count=5").await), (4, 6, 0));
}

async fn sorted_walks_are_stable(world: World) {
    let okta = world.tenant("acme").await;
    let names: Vec<String> = (0..8).map(|n| format!("{}", (b'a' + n) as char)).collect();
    let created = create(&okta, names).await;
    let rename = async |id: &str, name: &str| {
        let body = patch(json!([{"op": "replace", "path": "userName", "value": name}]));
        okta.patch(&format!("/Users/{id}"), &body).await.expect(200);
    };
    for paging in ["index", "cursor"] {
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = String::new();
        for round in 0..3 {
            let query = match paging {
                "index" => {
                    format!("startIndex={}&count=3&sortBy=userName&sortOrder=descending", seen.len() + 1)
                }
                _ => format!("cursor={cursor}&count=3&sortBy=userName&sortOrder=descending"),
            };
            let list = page(&okta, &query).await;
            assert_eq!(list["totalResults"], 8, "{query}");
            seen.extend(ids(&list));
            cursor = some(&list, "nextCursor").unwrap_or_default();
            match round {
                // One that was sent would come again, one that was not would never come.
                0 => {
                    rename(&created[7], "0").await;
                    rename(&created[0], "z").await;
                }
                1 => {
                    rename(&created[7], "h").await;
                    rename(&created[0], "a").await;
                }
                _ => assert_eq!(cursor, ""),
            }
        }
        let expected: Vec<String> = created.iter().rev().cloned().collect();
        assert_eq!(seen, expected, "{paging}: the order of the beginning, each once");
    }

    // Those that are gone are passed over, and the page is full all the same.
    let list = page(&okta, "cursor=&count=2&sortBy=userName").await;
    assert_eq!(ids(&list), created[..2]);
    for gone in &created[2..5] {
        okta.delete(&format!("/Users/{gone}")).await.expect(204);
    }
    let next = some(&list, "nextCursor").expect("a next page");
    let list = page(&okta, &format!("cursor={next}&count=2&sortBy=userName")).await;
    assert_eq!(ids(&list), created[5..7]);
    let previous = some(&list, "previousCursor").expect("a page before");
    let list = page(&okta, &format!("cursor={previous}&count=2&sortBy=userName")).await;
    assert_eq!((ids(&list), some(&list, "previousCursor")), (created[..2].to_vec(), None));
}

/// However many are gone, the next page holds those who come after them, once each.
async fn sorted_walks_pass_over_many_who_are_gone(world: World) {
    let okta = world.tenant("acme").await;
    let created = create(&okta, (0..60).map(|n| format!("u{n:02}"))).await;
    let by_cursor = page(&okta, "cursor=&count=2&sortBy=userName").await;
    let by_index = page(&okta, "startIndex=1&count=2&sortBy=userName").await;
    assert_eq!((ids(&by_cursor), ids(&by_index)), (created[..2].to_vec(), created[..2].to_vec()));
    for gone in &created[2..47] {
        okta.delete(&format!("/Users/{gone}")).await.expect(204);
    }
    let (mut seen, mut next) = (Vec::new(), some(&by_cursor, "nextCursor"));
    while let Some(cursor) = next {
        let list = page(&okta, &format!("cursor={cursor}&count=2&sortBy=userName")).await;
        seen.extend(ids(&list));
        next = some(&list, "nextCursor");
    }
    assert_eq!(seen, created[47..]);
    let mut seen = Vec::new();
    while seen.len() < 13 {
        let list = page(&okta, &format!("startIndex={}&count=4&sortBy=userName", seen.len() + 3)).await;
        assert!(!ids(&list).is_empty(), "{list}");
        seen.extend(ids(&list));
    }
    assert_eq!(seen, created[47..]);
}

async fn cursors_lead_forth_and_back(world: World) {
    let okta = world.tenant("acme").await;
    let created = create(&okta, (0..7).map(|n| format!("u{n}"))).await;

    for first in ["cursor&count=3", "cursor=&count=3", "CURSOR=&count=3"] {
        let list = page(&okta, first).await;
        assert_eq!(ids(&list), created[..3]);
        assert_eq!((&list["totalResults"], &list["itemsPerPage"]), (&json!(7), &json!(3)));
        assert_eq!(list.get("startIndex"), None, "an index means nothing here");
        assert_eq!(some(&list, "previousCursor"), None, "never on the first page");
    }
    let first = page(&okta, "cursor=&count=3").await;
    let next = some(&first, "nextCursor").expect("more");
    okta.delete(&format!("/Users/{}", created[2])).await.expect(204);
    let second = page(&okta, &format!("cursor={next}&count=3")).await;
    assert_eq!((ids(&second), &second["totalResults"]), (created[3..6].to_vec(), &json!(6)));
    let next = some(&second, "nextCursor").expect("more");
    let third = page(&okta, &format!("cursor={next}&count=3")).await;
    assert_eq!(
        (ids(&third), some(&third, "nextCursor")),
        (created[6..].to_vec(), None),
        "its absence is the end"
    );

    let back = some(&third, "previousCursor").expect("a page before");
    let list = page(&okta, &format!("cursor={back}&count=3")).await;
    assert_eq!(ids(&list), created[3..6]);
    let back = some(&list, "previousCursor").expect("a page before");
    assert!(some(&list, "nextCursor").is_some());
    let list = page(&okta, &format!("cursor={back}&count=3")).await;
    assert_eq!(
        (ids(&list), some(&list, "previousCursor")),
        (created[..2].to_vec(), None),
        "a short first page"
    );
    let next = some(&list, "nextCursor").expect("forth again");
    assert_eq!(ids(&page(&okta, &format!("cursor={next}&count=3")).await), created[3..6]);

    let none = page(&okta, "cursor=&count=0").await;
    assert_eq!((&none["totalResults"], some(&none, "nextCursor")), (&json!(6), None));
    assert_eq!(page(&okta, "cursor=&count=-1").await["Resources"], json!([]));
    let whole = page(&okta, "cursor=").await;
    assert_eq!((ids(&whole).len(), some(&whole, "nextCursor")), (6, None));
    let found = page(&okta, &format!("cursor=&filter={}", encode(r#"userName eq "u5""#))).await;
    assert_eq!((ids(&found), some(&found, "nextCursor")), (vec![created[5].clone()], None));

    let config = okta.get("/ServiceProviderConfig").await.expect(200);
    let pagination = json!({
        "cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": 100,
        "maxPageSize": 1000, "cursorTimeout": 600,
    });
    assert_eq!(config["pagination"], pagination);
}

async fn cursors_are_checked(world: World) {
    let okta = world.tenant("acme").await;
    let other = world.client("acme", "scim:read").await;
    let stranger = world.tenant("globex").await;
    create(&okta, (0..5).map(|n| format!("u{n}"))).await;
    create(&stranger, (0..5).map(|n| format!("u{n}"))).await;
    let list = page(&okta, "cursor=&count=2&filter=userName+pr").await;
    let next = some(&list, "nextCursor").expect("more");

    let mut refusals: HashMap<&str, BTreeSet<String>> = HashMap::new();
    let good = format!("cursor={next}&count=2&filter=userName+pr");
    for (kind, client, query) in [
        ("invalidCursor", &okta, "cursor=nonsense".to_owned()),
        ("invalidCursor", &okta, format!("cursor={}&count=2&filter=userName+pr", &next[1..])),
        ("invalidCursor", &okta, format!("cursor={next}&count=2")),
        ("invalidCursor", &okta, format!("{good}&sortBy=userName")),
        ("invalidCursor", &okta, format!("{good}&attributes=userName")),
        ("invalidCursor", &other, good.clone()),
        ("invalidCursor", &stranger, good.clone()),
        ("invalidCount", &okta, format!("cursor={next}&count=3&filter=userName+pr")),
        ("invalidCount", &okta, format!("cursor={next}&filter=userName+pr")),
        ("invalidValue", &okta, format!("{good}&startIndex=3")),
    ] {
        let reply: Reply = client.get(&format!("/Users?{query}")).await;
        refusals.entry(kind).or_default().insert(reply.expect_error(400, kind));
    }
    let cursor = &refusals["invalidCursor"];
    let text = |detail: &String| detail.split(" (request").next().unwrap_or_default().to_owned();
    assert_eq!(cursor.iter().map(text).collect::<BTreeSet<_>>().len(), 1, "wrong or foreign: {cursor:?}");
    okta.get(&format!("/Groups?{good}")).await.expect_error(400, "invalidFilter");
    okta.get(&format!("/Groups?cursor={next}&count=2")).await.expect_error(400, "invalidCursor");

    assert_eq!(ids(&page(&okta, &good).await).len(), 2, "and again, as often as one likes");
    world.advance(9 * MINUTES);
    assert_eq!(ids(&page(&okta, &good).await).len(), 2);
    world.advance(MINUTES + 1);
    okta.get(&format!("/Users?{good}")).await.expect_error(400, "expiredCursor");

    let sorted = page(&okta, "cursor=&count=2&sortBy=userName").await;
    let next = some(&sorted, "nextCursor").expect("more");
    world.advance(11 * MINUTES);
    let expired = format!("/Users?cursor={next}&count=2&sortBy=userName");
    okta.get(&expired).await.expect_error(400, "expiredCursor");
}

/// Users come, go and are renamed while others walk: nobody is seen twice, and none who stayed is missed.
async fn walks_while_others_write(world: World) {
    let okta = world.tenant("acme").await;
    let stay = create(&okta, (0..40).map(|n| format!("stay{n:02}"))).await;
    let mut go = create(&okta, (0..40).map(|n| format!("go{n:02}"))).await;
    let writer = {
        let (okta, stay) = (okta.clone(), stay.clone());
        tokio::spawn(async move {
            for n in 0..60 {
                okta.create_user(&format!("come{n:02}")).await;
                if let Some(gone) = (!go.is_empty()).then(|| go.remove(n * 7 % go.len())) {
                    okta.delete(&format!("/Users/{gone}")).await.expect(204);
                }
                let body = patch(
                    json!([{"op": "replace", "path": "userName", "value": format!("{}x{n}", n * 31 % 97)}]),
                );
                okta.patch(&format!("/Users/{}", stay[n * 13 % stay.len()]), &body).await.expect(200);
            }
        })
    };
    let mut walks = 0;
    while walks < 4 || !writer.is_finished() {
        let sort = ["", "&sortBy=userName", "&sortBy=meta.lastModified&sortOrder=descending"][walks % 3];
        let mut seen: Vec<String> = Vec::new();
        if walks % 2 == 0 {
            loop {
                let list = page(&okta, &format!("startIndex={}&count=7{sort}", seen.len() + 1)).await;
                let (total, _, count) = numbers(&list);
                seen.extend(ids(&list));
                if count == 0 || seen.len() as u64 >= total {
                    break;
                }
            }
        } else {
            let mut cursor = Some(String::new());
            while let Some(at) = cursor {
                let list = page(&okta, &format!("cursor={at}&count=7{sort}")).await;
                seen.extend(ids(&list));
                cursor = some(&list, "nextCursor");
            }
        }
        let once: BTreeSet<&String> = seen.iter().collect();
        assert_eq!(once.len(), seen.len(), "walk {walks}{sort}: somebody was seen twice");
        let missed: Vec<&String> = stay.iter().filter(|id| !once.contains(id)).collect();
        assert!(missed.is_empty(), "walk {walks}{sort}: {} of {} missed", missed.len(), stay.len());
        walks += 1;
    }
    writer.await.expect("the writer");
}

async fn cursors_in_a_search(world: World) {
    let okta = world.tenant("acme").await;
    let created = create(&okta, (0..3).map(|n| format!("u{n}"))).await;
    okta.post(
        "/Groups",
        &json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G"}),
    )
    .await
    .expect(201);
    for path in ["/Users/.search", "/.search"] {
        let search = |cursor: &str| {
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                "filter": "userName pr", "cursor": cursor, "count": 2,
            })
        };
        let first = okta.post(path, &search("")).await.expect(200);
        assert_eq!(ids(&first), created[..2], "{path}");
        let next = some(&first, "nextCursor").expect("more");
        let second = okta.post(path, &search(&next)).await.expect(200);
        assert_eq!((ids(&second), some(&second, "nextCursor")), (created[2..].to_vec(), None), "{path}");
        let other = if path == "/.search" { "/Users/.search" } else { "/.search" };
        okta.post(other, &search(&next)).await.expect_error(400, "invalidCursor");
    }
    okta.post("/Users/.search", &json!({"cursor": 5})).await.expect_error(400, "invalidValue");
}
