//! What stands before sign-in: guesses become slower, for one e-mail address and for one network, and a network that
//! sends many at once waits for itself alone.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use token_service::attempts::{Attempts, Cost, Limit};

/// Wrong passwords or codes of one person that cost nothing: people mistype.
const OF_PERSON: Limit = Limit { free: 3, window: Duration::from_secs(15 * 60) };
/// The same of one network, behind which there may be an office.
const OF_NETWORK: Limit = Limit { free: 20, window: Duration::from_secs(15 * 60) };
/// Sign-ins of one network that are looked at at once; those that wait for a slow answer count.
const AT_ONCE: usize = 16;

/// See the module; cheap to clone.
#[derive(Clone)]
pub(crate) struct Door {
    persons: Attempts,
    networks: Attempts,
    crowd: Arc<Mutex<HashMap<Option<IpAddr>, usize>>>,
}

impl Default for Door {
    fn default() -> Self {
        Self { persons: Attempts::new(OF_PERSON), networks: Attempts::new(OF_NETWORK), crowd: Arc::default() }
    }
}

/// A place at the door, given back when it is dropped.
pub(crate) struct Place {
    door: Door,
    network: Option<IpAddr>,
}

impl Door {
    /// `None`: too many of this network are at the door.
    pub(crate) fn enter(&self, address: Option<IpAddr>) -> Option<Place> {
        let network = address.map(network);
        let mut crowd = self.lock();
        let count = crowd.entry(network).or_default();
        if *count >= AT_ONCE {
            return None;
        }
        *count += 1;
        drop(crowd);
        Some(Place { door: self.clone(), network })
    }

    /// A panic while the lock was held cannot have broken the map: every change to it is one number.
    fn lock(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, usize>> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// What was typed was wrong: gives the answer later and later.
    pub(crate) async fn wrong(&self, person: &str) {
        tokio::time::sleep(self.delay(person, Instant::now()).await).await;
    }

    /// The same where nobody was named: the network alone is counted.
    pub(crate) async fn strange(&self) {
        let of_network = self.of_network(Instant::now()).await;
        if of_network.news {
            self.tell();
        }
        tokio::time::sleep(of_network.delay).await;
    }

    async fn delay(&self, person: &str, now: Instant) -> Duration {
        let person = self.door.persons.failed(person, now).await;
        let of_network = self.of_network(now).await;
        if person.news || of_network.news {
            self.tell();
        }
        person.delay.max(of_network.delay)
    }

    async fn of_network(&self, now: Instant) -> Cost {
        self.door.networks.failed(&self.network(), now).await
    }

    fn network(&self) -> String {
        self.network.map(|network| network.to_string()).unwrap_or_default()
    }

    fn tell(&self) {
        tracing::warn!(
            network = self.network(),
            "many wrong passwords, codes or answers at the console's sign-in"
        );
    }

    /// It was right: the person's wrong answers are forgotten. Those of the network are not, or one right one would let
    /// through many wrong ones.
    pub(crate) async fn right(&self, person: &str) {
        self.door.persons.succeeded(person).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut crowd = self.door.lock();
        if let Some(count) = crowd.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                crowd.remove(&self.network);
            }
        }
    }
}

/// What one subscriber has: an IPv4 address, or the upper half of an IPv6 one.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let half = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(half))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn a_network_waits_for_itself_alone() {
        let door = Door::default();
        let mut places: Vec<_> =
            (0..AT_ONCE).map(|_| door.enter(address("2001:db8::1")).expect("a place")).collect();
        assert!(door.enter(address("2001:db8::2")).is_none(), "the same network");
        assert!(door.enter(address("2001:db8:0:1::2")).is_some());
        assert!(door.enter(address("192.0.2.1")).is_some() && door.enter(None).is_some());
        places.pop();
        places.push(door.enter(address("2001:db8::9")).expect("a place again"));
        drop(places);
        assert!(door.lock().is_empty(), "nothing is kept of those who left");
    }

    #[tokio::test]
    async fn answers_to_a_network_become_slow_whoever_it_guesses() {
        let (door, now) = (Door::default(), Instant::now());
        let place = door.enter(address("192.0.2.1")).expect("a place");
        for guess in 0..20 {
            assert_eq!(place.delay(&format!("{guess}@example.com"), now).await, Duration::ZERO);
        }
        assert_eq!(place.delay("another@example.com", now).await.as_millis(), 500);
        place.right("another@example.com").await;
        assert_eq!(
            place.delay("another@example.com", now).await.as_millis(),
            1000,
            "one right one opens nothing"
        );
        let other = door.enter(address("192.0.2.2")).expect("a place");
        assert_eq!(other.delay("yet-another@example.com", now).await, Duration::ZERO);
    }
}
