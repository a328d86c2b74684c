//! One keep-alive connection of HTTP/1.1, in plain text, to the server that is measured.

use std::{rc::Rc, time::Duration};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Media type of requests (RFC 7644, section 3.1).
const MEDIA_TYPE: &str = "application/scim+json";

/// Where requests go.
pub(crate) struct Target {
    /// `host:port`.
    address: String,
    /// The Host header.
    host: String,
    /// Path of the base URL, without a slash at its end.
    pub(crate) path: String,
    /// The whole Authorization header; empty: none is sent.
    authorization: String,
}

impl Target {
    /// Fails unless the URL begins with http://.
    pub(crate) fn new(base_url: &str, authorization: &str) -> anyhow::Result<Rc<Self>> {
        let Some(rest) = base_url.strip_prefix("http://") else {
            bail!("{base_url}: only http:// can be measured here");
        };
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        Ok(Rc::new(Self {
            address,
            host: host.to_owned(),
            path: path.trim_end_matches('/').to_owned(),
            authorization: authorization.to_owned(),
        }))
    }
}

/// Status and body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body for an error line, cut.
    pub(crate) fn excerpt(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(300).collect()
    }
}

/// A connection that is opened when it is first needed, and again when the server closed it.
pub(crate) struct Connection {
    pub(crate) target: Rc<Target>,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub(crate) fn new(target: &Rc<Target>) -> Self {
        Self { target: target.clone(), sender: None }
    }

    async fn open(&mut self) -> anyhow::Result<()> {
        let stream = tokio::net::TcpStream::connect(&self.target.address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::task::spawn_local(async move {
            let _ = connection.await;
        });
        self.sender = Some(sender);
        Ok(())
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    ///
    /// No connection, a broken one, or no answer within a minute. Any status is an answer.
    pub(crate) async fn call(
        &mut self,
        method: &Method,
        path: &str,
        body: Option<String>,
    ) -> anyhow::Result<Answer> {
        let body = body.map(Bytes::from);
        match tokio::time::timeout(PATIENCE, self.attempt(method, path, body)).await {
            Ok(answer) => answer,
            Err(_) => {
                self.sender = None;
                bail!("no answer within a minute: {method} {path}")
            }
        }
    }

    /// A server may close an idle connection under us, so tries once more on a fresh one.
    async fn attempt(&mut self, method: &Method, path: &str, body: Option<Bytes>) -> anyhow::Result<Answer> {
        for last in [false, true] {
            let usable = match &mut self.sender {
                Some(sender) => sender.ready().await.is_ok(),
                None => false,
            };
            if !usable {
                self.open().await?;
            }
            let request = self.request(method, path, body.clone())?;
            let Some(sender) = &mut self.sender else { continue };
            match sender.send_request(request).await {
                Ok(response) => {
                    let status = response.status().as_u16();
                    match response.into_body().collect().await {
                        Ok(body) => return Ok(Answer { status, body: body.to_bytes() }),
                        Err(error) => {
                            self.sender = None;
                            return Err(error).context("the body breaks off");
                        }
                    }
                }
                Err(error) => {
                    self.sender = None;
                    if last || !(error.is_canceled() || error.is_closed() || error.is_incomplete_message()) {
                        return Err(error).context("cannot send");
                    }
                }
            }
        }
        bail!("no connection")
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        body: Option<Bytes>,
    ) -> anyhow::Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.target.host)
            .header("accept", MEDIA_TYPE);
        if !self.target.authorization.is_empty() {
            request = request.header("authorization", &self.target.authorization);
        }
        if body.is_some() {
            request = request.header("content-type", MEDIA_TYPE);
        }
        Ok(request.body(Full::new(body.unwrap_or_default()))?)
    }
}
