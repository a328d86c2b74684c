//! The client itself: one call, one bounded answer.

use std::{borrow::Cow, error::Error, net::IpAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use tokio::sync::OnceCell;
use url::{Host, Url};

use crate::{
    Networks, Schemes,
    names::{Checked, Forbidden, Guard, Names, SystemNames},
    service,
};

/// How URLs of web servers begin.
const WEB: Schemes = Schemes { secure: "https", clear: "http" };

/// Who calls, for those who read their logs.
const USER_AGENT: &str = concat!("Rollcall/", env!("CARGO_PKG_VERSION"));
/// Longest time until there is a connection.
pub(crate) const CONNECT: Duration = Duration::from_secs(3);
/// A connection that nobody uses for so long is closed.
const IDLE: Duration = Duration::from_secs(30);

/// Longest wait for the end of an answer whose body does not matter.
const REST: Duration = Duration::from_millis(500);

/// How long a call may take and how much it may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the beginning to the last byte of the answer. There has to be a connection within three seconds of it.
    pub total: Duration,
    /// Largest body of an answer, in bytes.
    pub answer: usize,
}

impl Default for Limits {
    /// 10 s, 64 KiB.
    fn default() -> Self {
        Self { total: Duration::from_secs(10), answer: 64 * 1024 }
    }
}

/// A call to be made.
#[derive(Clone, Debug)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// https; http too where the operator has opened the network.
    pub url: Url,
    /// Headers beside those that HTTP itself needs.
    pub headers: HeaderMap,
    /// Body; empty: none.
    pub body: Bytes,
    /// Bounds.
    pub limits: Limits,
}

impl Call {
    /// A GET without headers of its own.
    #[must_use]
    pub fn get(url: Url, limits: Limits) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new(), limits }
    }
}

/// What came back, whatever its status: redirects are answers like others.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, whole.
    pub body: Bytes,
}

/// Why there is no answer. The texts name host and address at most: paths and queries may hold secrets.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The URL cannot be called, whoever asks.
    #[error("{0}")]
    Url(Cow<'static, str>),
    /// It leads to an address that may not be connected to.
    #[error(
        "{host} leads to the address {address}, which is not on the public internet; the operator of this installation \
         can open that network with ROLLCALL_EGRESS_ALLOW"
    )]
    Forbidden {
        /// Host of the URL.
        host: String,
        /// One of its addresses.
        address: IpAddr,
    },
    /// In clear to the public internet.
    #[error("{host} is on the public internet, where only {secure} is spoken; write {secure}://")]
    InClear {
        /// Host of the URL.
        host: String,
        /// The scheme that has TLS.
        secure: &'static str,
    },
    /// No connection, or it broke.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// Host of the URL.
        host: String,
        /// Why.
        reason: String,
    },
    /// It took longer than [`Limits`] let it.
    #[error("{host} did not answer in time")]
    TimedOut {
        /// Host of the URL.
        host: String,
    },
    /// More came than [`Limits`] let in.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// Host of the URL.
        host: String,
        /// Bytes.
        limit: usize,
    },
    /// The client cannot be made: a fault of the machine.
    #[error("the client for outbound calls cannot be made: {0}")]
    Setup(String),
}

/// See the crate. Cheap to clone; connections are shared, and made when they are needed.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    opened: Arc<Networks>,
    pub(crate) names: Arc<dyn Names>,
    /// To public addresses and opened networks, over TLS.
    secure: OnceCell<reqwest::Client>,
    /// To opened networks alone.
    clear: OnceCell<reqwest::Client>,
}

/// To public addresses alone.
impl Default for Client {
    fn default() -> Self {
        Self::new(Networks::default())
    }
}

impl Client {
    /// Reaches the public internet, and these networks.
    #[must_use]
    pub fn new(opened: Networks) -> Self {
        Self::with_names(opened, Arc::new(SystemNames))
    }

    /// The same with another name service than the system's.
    #[must_use]
    pub fn with_names(opened: Networks, names: Arc<dyn Names>) -> Self {
        let (secure, clear) = (OnceCell::new(), OnceCell::new());
        Self { inner: Arc::new(Inner { opened: Arc::new(opened), names, secure, clear }) }
    }

    /// For what is encrypted, whatever it is.
    pub(crate) fn encrypted(&self) -> Guard {
        Guard { opened: self.inner.opened.clone(), opened_only: false, secure: "" }
    }

    /// Could this URL be called, as far as it tells without asking the name service? For forms in which one is typed.
    pub fn check(&self, url: &Url) -> Result<(), EgressError> {
        self.check_service(url, WEB)
    }

    /// The same of a service that is no web server; its URLs begin in one of two ways.
    pub fn check_service(&self, url: &Url, schemes: Schemes) -> Result<(), EgressError> {
        let guard = self.inner.guard(url, schemes)?;
        let address = match service::host(url)? {
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
            Host::Domain(_) => return Ok(()),
        };
        if guard.allows(address) { Ok(()) } else { Err(forbidden(&host(url), &guard, address)) }
    }

    /// Makes a call. Any status is an answer; an error means that there is none.
    pub async fn send(&self, call: Call) -> Result<Answer, EgressError> {
        self.exchange(call, true).await
    }

    /// As [`Client::send`], of which only status and headers matter: the body is given as empty, be it too large or broken off.
    pub async fn status_of(&self, call: Call) -> Result<Answer, EgressError> {
        self.exchange(call, false).await
    }

    async fn exchange(&self, call: Call, with_body: bool) -> Result<Answer, EgressError> {
        let Call { method, url, headers, body, limits } = call;
        self.check(&url)?;
        let guard = self.inner.guard(&url, WEB)?;
        let client = self.inner.client(&guard).await?;
        let mut request = client.request(method, url.clone()).headers(headers);
        if !body.is_empty() {
            request = request.body(body);
        }
        let exchange = async {
            let response = request.send().await.map_err(|error| failed(&url, &guard, &error))?;
            if with_body {
                return read(response, &url, &guard, limits.answer).await;
            }
            let (status, headers) = (response.status(), response.headers().clone());
            // Read to its end if that is near, so that the connection can be used again.
            let rest = read(response, &url, &guard, limits.answer);
            let _ = tokio::time::timeout(REST, rest).await;
            Ok(Answer { status, headers, body: Bytes::new() })
        };
        tokio::time::timeout(limits.total, exchange).await.map_err(|_| timed_out(&url))?
    }
}

impl Inner {
    /// What holds for a URL; an error when it can be called by nobody.
    pub(crate) fn guard(&self, url: &Url, schemes: Schemes) -> Result<Guard, EgressError> {
        let opened_only = url.scheme() == schemes.clear;
        if !opened_only && url.scheme() != schemes.secure {
            let text = format!("the URL must begin with {}://", schemes.secure);
            return Err(EgressError::Url(text.into()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EgressError::Url("the URL must not hold a user name or password".into()));
        }
        Ok(Guard { opened: self.opened.clone(), opened_only, secure: schemes.secure })
    }

    async fn client(&self, guard: &Guard) -> Result<&reqwest::Client, EgressError> {
        let cell = if guard.opened_only { &self.clear } else { &self.secure };
        cell.get_or_try_init(async || {
            let resolver = Checked { guard: guard.clone(), names: self.names.clone() };
            reqwest::Client::builder()
                .dns_resolver(Arc::new(resolver))
                .https_only(!guard.opened_only)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                .connect_timeout(CONNECT)
                .pool_idle_timeout(IDLE)
                .user_agent(USER_AGENT)
                .build()
                .map_err(|error| EgressError::Setup(reason(&error)))
        })
        .await
    }
}

/// Reads the body as long as it fits.
async fn read(
    mut response: reqwest::Response,
    url: &Url,
    guard: &Guard,
    limit: usize,
) -> Result<Answer, EgressError> {
    let too_large = || EgressError::TooLarge { host: host(url), limit };
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = BytesMut::new();
    while let Some(part) = response.chunk().await.map_err(|error| failed(url, guard, &error))? {
        if body.len() + part.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&part);
    }
    Ok(Answer { status, headers, body: body.freeze() })
}

pub(crate) fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn timed_out(url: &Url) -> EgressError {
    EgressError::TimedOut { host: host(url) }
}

/// `host`: as it was written.
pub(crate) fn forbidden(host: &str, guard: &Guard, address: IpAddr) -> EgressError {
    let host = host.to_owned();
    if guard.opened_only && crate::is_public(address) {
        return EgressError::InClear { host, secure: guard.secure };
    }
    EgressError::Forbidden { host, address }
}

fn failed(url: &Url, guard: &Guard, error: &reqwest::Error) -> EgressError {
    if let Some(Forbidden(Some(address))) = causes(error).find_map(|cause| cause.downcast_ref()) {
        return forbidden(&host(url), guard, *address);
    }
    if error.is_timeout() {
        return timed_out(url);
    }
    EgressError::Unreachable { host: host(url), reason: reason(error) }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// The innermost cause: those around it repeat the URL.
fn reason(error: &reqwest::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
