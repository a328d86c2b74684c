use std::{collections::HashMap, time::Instant};

use tokio::task::JoinSet;

use super::*;

fn options(places: usize) -> Options {
    Options { places, line: 8, lines: 12, patience: Duration::from_secs(20), pause: Duration::ZERO }
}

fn tenant() -> Lane {
    Lane::Tenant(TenantId::generate())
}

/// Lets those who were told go on.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_lane_leaves_a_place_for_others() {
    let admission = Admission::new(options(4));
    let [noisy, quiet] = [tenant(), tenant()];
    let mut places = Vec::new();
    for _ in 0..3 {
        places.push(admission.enter(noisy).await.unwrap());
    }
    let waiting = tokio::spawn({
        let admission = admission.clone();
        async move { admission.enter(noisy).await }
    });
    settle().await;
    assert!(!waiting.is_finished(), "it has its three of four");
    let quiet =
        tokio::time::timeout(Duration::from_millis(1), admission.enter(quiet)).await.unwrap().unwrap();
    settle().await;
    assert!(!waiting.is_finished());
    drop(places.pop());
    let place = waiting.await.unwrap().unwrap();
    drop((place, quiet, places));
    assert!(admission.0.room().is_empty(4));
}

#[tokio::test]
async fn lines_are_served_in_turn() {
    let admission = Admission::new(options(1));
    let first = admission.enter(Lane::Platform).await.unwrap();
    let lanes = [tenant(), tenant(), Lane::Console];
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut waiting = JoinSet::new();
    // The first has come with many before anybody else was here.
    for lane in [0, 0, 0, 0, 1, 1, 2] {
        let (admission, served) = (admission.clone(), served.clone());
        waiting.spawn(async move {
            let place = admission.enter(lanes[lane]).await.unwrap();
            served.lock().unwrap().push(lane);
            drop(place);
        });
        settle().await;
    }
    assert!(served.lock().unwrap().is_empty());
    drop(first);
    while let Some(ended) = waiting.join_next().await {
        ended.unwrap();
    }
    assert_eq!(*served.lock().unwrap(), [0, 1, 2, 0, 1, 0, 0]);
    assert!(admission.0.room().is_empty(1));
}

#[tokio::test]
async fn lines_and_patience_are_bounded() {
    let admission = Admission::new(Options { patience: Duration::from_millis(100), ..options(1) });
    let place = admission.enter(Lane::Platform).await.unwrap();
    let lanes = [tenant(), tenant()];
    let mut waiting = JoinSet::new();
    let begun = Instant::now();
    for number in 0..20 {
        let admission = admission.clone();
        waiting.spawn(async move { admission.enter(lanes[number / 10]).await.err() });
        settle().await;
    }
    let mut reasons = HashMap::new();
    while let Some(ended) = waiting.join_next().await {
        let reason = ended.unwrap().expect("nobody is let in");
        *reasons.entry(format!("{reason:?}")).or_insert(0) += 1;
    }
    let expected = [("Line", 2), ("Lines", 6), ("Late", 12)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(reasons, HashMap::from(expected));
    assert!(begun.elapsed() >= Duration::from_millis(100));
    drop(place);
    assert!(admission.0.room().is_empty(1));
}

#[tokio::test]
async fn whoever_is_turned_away_is_told_later() {
    let pause = Duration::from_millis(100);
    let admission = Admission::new(Options { line: 0, pause, ..options(1) });
    let place = admission.enter(Lane::Platform).await.unwrap();
    let begun = Instant::now();
    assert_eq!(admission.enter(Lane::Platform).await.err(), Some(Full::Line));
    admission.turn_away().await;
    assert!(begun.elapsed() >= pause);
    drop(place);
}

#[tokio::test]
async fn whoever_gives_up_takes_no_place_with_them() {
    let admission = Admission::new(options(1));
    let lane = tenant();
    let first = admission.enter(lane).await.unwrap();
    for told_before in [false, true] {
        let waiting = tokio::spawn({
            let admission = admission.clone();
            async move { admission.enter(lane).await }
        });
        settle().await;
        if told_before {
            // It is told and gone in the same moment.
            admission.0.room().leave(lane);
            waiting.abort();
            assert!(waiting.await.is_err());
            settle().await;
            assert!(admission.0.room().is_empty(1));
        } else {
            waiting.abort();
            assert!(waiting.await.is_err());
        }
    }
    std::mem::forget(first);
    let held = Held::default();
    held.hold(admission.enter(lane).await.unwrap());
    held.clone().release();
    assert!(admission.0.room().is_empty(1));
    drop(held);
    assert!(admission.0.room().is_empty(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_lose_no_place() {
    let admission = Admission::new(Options { patience: Duration::from_millis(3), ..options(4) });
    let lanes: Vec<Lane> = (0..5).map(|_| tenant()).collect();
    let mut requests = JoinSet::new();
    for number in 0..2_000 {
        let (admission, lane) = (admission.clone(), lanes[number % 5]);
        requests.spawn(async move {
            let work = async {
                let place = admission.enter(lane).await;
                tokio::task::yield_now().await;
                place.is_ok()
            };
            // Some hang up at any moment.
            if number % 3 == 0 {
                tokio::time::timeout(Duration::from_micros(number as u64), work).await.unwrap_or(false)
            } else {
                work.await
            }
        });
    }
    let mut admitted = 0;
    while let Some(ended) = requests.join_next().await {
        admitted += usize::from(ended.unwrap());
    }
    assert!(admitted > 0);
    assert!(admission.0.room().is_empty(4));
}
