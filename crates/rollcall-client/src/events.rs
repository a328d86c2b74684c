//! The feed: what has happened, in order, from any place on.

use std::{cmp::min, time::Duration};

use futures::{Stream, stream::unfold};

use crate::{Client, Error, EventPage, Tenant};

/// How long a request waits for something to happen.
const WAIT: Duration = Duration::from_secs(30);

/// Pause after the first failure; each further one in a row doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// From where on, and which events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Follow {
    /// Those after this place.
    pub after: i64,
    /// Of these types alone, `user.*` or `role.granted`; empty: all that the token may see.
    pub types: Vec<String>,
    /// Most events of a page, 1 to 500; `None`: 100.
    pub limit: Option<u16>,
}

impl Follow {
    /// All events after a place of the feed.
    #[must_use]
    pub fn after(place: i64) -> Self {
        Self { after: place, ..Self::default() }
    }

    /// Of these types alone.
    #[must_use]
    pub fn types(self, types: &[&str]) -> Self {
        Self { types: types.iter().map(|&name| name.to_owned()).collect(), ..self }
    }

    fn query(&self, wait: Duration) -> Vec<(&'static str, String)> {
        let mut query = vec![("after", self.after.to_string())];
        if !self.types.is_empty() {
            query.push(("types", self.types.join(",")));
        }
        query.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        if !wait.is_zero() {
            query.push(("wait", wait.as_secs().to_string()));
        }
        query
    }
}

impl Client {
    /// A page of the events of all tenants, as far as there are any right now.
    pub async fn events(&self, follow: &Follow) -> Result<EventPage, Error> {
        self.get(&["events"], &follow.query(Duration::ZERO), Duration::ZERO).await
    }

    /// The events of all tenants, page by page, each as soon as something has happened. Keep [`EventPage::last`] with what you
    /// have done, and go on there after a restart. After an error that [may pass](Error::may_pass) the stream goes on, after a
    /// pause, when it is asked again; after any other one it ends.
    pub fn follow(&self, follow: Follow) -> impl Stream<Item = Result<EventPage, Error>> + use<> {
        pages(self.clone(), vec!["events".to_owned()], follow)
    }
}

impl Tenant {
    /// As [`Client::events`], of the tenant alone.
    pub async fn events(&self, follow: &Follow) -> Result<EventPage, Error> {
        let path = ["tenants", &self.slug, "events"];
        self.client.get(&path, &follow.query(Duration::ZERO), Duration::ZERO).await
    }

    /// As [`Client::follow`], of the tenant alone.
    pub fn follow(&self, follow: Follow) -> impl Stream<Item = Result<EventPage, Error>> + use<> {
        let path = vec!["tenants".to_owned(), self.slug.clone(), "events".to_owned()];
        pages(self.client.clone(), path, follow)
    }
}

/// Where a stream stands.
struct Standing {
    client: Client,
    path: Vec<String>,
    follow: Follow,
    /// Before the next request.
    pause: Duration,
    ended: bool,
}

fn pages(
    client: Client,
    path: Vec<String>,
    follow: Follow,
) -> impl Stream<Item = Result<EventPage, Error>> + use<> {
    let first = Standing { client, path, follow, pause: Duration::ZERO, ended: false };
    unfold(first, |mut standing| async move {
        if standing.ended {
            return None;
        }
        let told = standing.next().await;
        Some((told, standing))
    })
}

impl Standing {
    /// The next page with something in it, or whose place has moved.
    async fn next(&mut self) -> Result<EventPage, Error> {
        loop {
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
            let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
            match self.client.get::<EventPage>(&path, &self.follow.query(WAIT), WAIT).await {
                Ok(page) => {
                    self.pause = Duration::ZERO;
                    let moved = page.last != self.follow.after;
                    self.follow.after = page.last;
                    if moved || !page.events.is_empty() {
                        return Ok(page);
                    }
                }
                Err(error) => {
                    self.ended = !error.may_pass();
                    let longer = min(LONGEST_PAUSE, self.pause * 2).max(FIRST_PAUSE);
                    self.pause = error.retry_after().map_or(longer, |wanted| min(wanted, LONGEST_PAUSE));
                    return Err(error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_sent() {
        let query =
            Follow { limit: Some(5), ..Follow::after(7).types(&["user.*", "role.granted"]) }.query(WAIT);
        let expected = [("after", "7"), ("types", "user.*,role.granted"), ("limit", "5"), ("wait", "30")];
        assert_eq!(query, expected.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(Follow::default().query(Duration::ZERO), [("after", "0".to_owned())]);
    }
}
