//! Thirty-two connections change one group and one user at once.

use std::sync::Arc;

use futures::future::join_all;
use store_testing::Trial;

use super::{
    FEW, VARIABLE,
    fault::Fault,
    history::{Change, Values},
    resources::{Client, Kind, Outcome, Resource},
    world::World,
};
use crate::harness::{Installation, on_both_databases};

on_both_databases!(many_change_one_thing_at_once);

/// Who changes it at once; as many as may be members.
const CONNECTIONS: usize = 32;

async fn many_change_one_thing_at_once(installation: Installation) {
    let trial = Trial::new("races", VARIABLE, FEW);
    // Nothing fails here.
    let world = World::new(Fault::NodeKilled, installation, &trial).await;
    let shared = &world.shared;
    let clients: Vec<Client> = (0..CONNECTIONS).map(|_| Client::new(shared)).collect();
    let made = async |kind| {
        let values = Values { title: shared.title(), active: true, members: 0 };
        let (outcome, resource) = clients[0].create(0, kind, values).await;
        assert_eq!(outcome, Outcome::Acknowledged);
        resource
    };
    // A history has so many steps that its orders can be tried; so it is another pair in each round.
    for _ in 0..(trial.cases / FEW).max(1) {
        let (group, user) = (made(Kind::Group).await, made(Kind::User).await);
        // All edges come, and all of them go.
        let add = all(&clients, &group, |which| Change::Add(1 << which), None).await;
        assert_eq!(add, CONNECTIONS, "edges that were made");
        let remove = all(&clients, &group, |which| Change::Remove(1 << which), None).await;
        assert_eq!(remove, CONNECTIONS, "edges that were taken away");
        // Whoever writes without a condition is let through, or told that it was not done.
        let written = all(&clients, &user, |_| Change::Title(shared.title()), None).await;
        assert!(written > 0, "nobody could write");
        for resource in [&user, &group] {
            clients[0].ask(0, resource, Change::Read, None).await;
            let version = resource.version();
            let won = all(&clients, resource, |_| Change::Title(shared.title()), version).await;
            assert_eq!(won, 1, "of those who name one version one wins: {:?}", resource.kind);
        }
    }
    world.check("32 connections change one group and one user", None, &trial).await;
}

/// All clients ask at once, each at another node than the one before it; gives how many were acknowledged.
async fn all(
    clients: &[Client],
    resource: &Arc<Resource>,
    change: impl Fn(usize) -> Change,
    if_match: Option<u64>,
) -> usize {
    let asked = clients.iter().enumerate().map(|(which, client)| {
        let node = which % client.shared.nodes.len();
        client.ask(node, resource, change(which), if_match)
    });
    let outcomes = join_all(asked).await;
    assert!(!outcomes.contains(&Outcome::Unknown), "nothing fails here");
    outcomes.iter().filter(|outcome| **outcome == Outcome::Acknowledged).count()
}
