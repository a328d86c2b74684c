//! A real browser for the tests of pages: Chromium, driven through chromedriver.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element, error::CmdError, key::Key};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;

use crate::harness::{PATIENCE, eventually, free_port};

/// A browser and its driver; both end when dropped.
pub(crate) struct Browser {
    driver: Child,
    pub(crate) client: Client,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) async fn open(width: u32, height: u32) -> Self {
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver: start these tests with tests/run, which installs it");
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ];
        let mut arguments: Vec<_> = arguments.into_iter().map(str::to_owned).collect();
        arguments.push(format!("--window-size={width},{height}"));
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let capabilities = json!({"goog:chromeOptions": {"args": arguments}});
        let capabilities = capabilities.as_object().unwrap().clone();
        let started = Instant::now();
        let client = loop {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            match builder
                .capabilities(capabilities.clone())
                .connect(&format!("http://127.0.0.1:{port}"))
                .await
            {
                Ok(client) => break client,
                Err(error) => assert!(started.elapsed() < PATIENCE, "no browser: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        Self { driver, client, _profile: profile }
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Finds an element and does something with it, again and again while the page is still changing under it.
    pub(crate) async fn act<T, F: Future<Output = Result<T, CmdError>>>(
        &self,
        locator: Locator<'_>,
        act: impl Fn(Element) -> F,
    ) -> T {
        let started = Instant::now();
        loop {
            let done = match self.client.find(locator).await {
                Ok(element) => act(element).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(done) => return done,
                Err(error) if started.elapsed() > PATIENCE => {
                    let text = self.client.find(Locator::Css("body")).await.unwrap().text().await.unwrap();
                    panic!("{locator:?} at {}: {error}\n{text}", self.client.current_url().await.unwrap());
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let fill = |field: Element| async move {
            field.clear().await?;
            field.send_keys(text).await
        };
        self.act(Locator::Css(css), fill).await;
    }

    pub(crate) async fn click(&self, css: &str) {
        self.act(Locator::Css(css), |element| async move { element.click().await }).await;
    }

    /// Presses the button with this text, in an open dialog or outside of any.
    pub(crate) async fn press(&self, label: &str) {
        let path =
            format!("//button[starts-with(normalize-space(), '{label}')][not(ancestor::dialog[not(@open)])]");
        self.act(Locator::XPath(&path), |button| async move { button.click().await }).await;
    }

    /// Follows the link with exactly this text.
    pub(crate) async fn follow(&self, text: &str) {
        self.act(Locator::XPath(&link(text)), |link| async move { link.click().await }).await;
    }

    /// Is there a link with exactly this text on the page?
    pub(crate) async fn has_link(&self, text: &str) -> bool {
        !self.client.find_all(Locator::XPath(&link(text))).await.unwrap().is_empty()
    }

    /// Chooses a file in a field for files.
    pub(crate) async fn attach(&self, css: &str, file: &std::path::Path) {
        let path = file.to_str().unwrap();
        self.act(Locator::Css(css), |field| async move { field.send_keys(path).await }).await;
    }

    /// What stands in a field, or is chosen in a list.
    pub(crate) async fn value(&self, css: &str) -> String {
        let value = |field: Element| async move { Ok(field.prop("value").await?.unwrap_or_default()) };
        self.act(Locator::Css(css), value).await
    }

    /// Chooses an option of a list by what it shows.
    pub(crate) async fn choose(&self, css: &str, label: &str) {
        let choose = |list: Element| async move { list.select_by_label(label).await };
        self.act(Locator::Css(css), choose).await;
    }

    /// The options of a list, as they are shown.
    pub(crate) async fn options(&self, css: &str) -> Vec<String> {
        let shown = |list: Element| async move {
            let mut labels = Vec::new();
            for option in list.find_all(Locator::Css("option")).await? {
                labels.push(option.text().await?);
            }
            Ok(labels)
        };
        self.act(Locator::Css(css), shown).await
    }

    /// What is on the clipboard: pasted with the keyboard into a field, which is empty afterwards.
    pub(crate) async fn pasted(&self, field: &str) -> String {
        // The field takes less than a token has letters; what is pasted counts.
        let widen = format!("document.querySelector(\"{field}\").removeAttribute('maxlength')");
        self.client.execute(&widen, Vec::new()).await.unwrap();
        self.fill(field, &format!("{}v{}", Key::Control, Key::Null)).await;
        let take = |input: Element| async move {
            let text = input.prop("value").await?.unwrap_or_default();
            input.clear().await?;
            Ok(text)
        };
        self.act(Locator::Css(field), take).await
    }

    /// Presses the copy button of a value and pastes into a field; gives what stands in the field then.
    pub(crate) async fn copied(&self, value: &str, field: &str) -> String {
        self.click(&format!("button[data-copy='{value}']")).await;
        self.shows(&format!("button[data-copy='{value}'] [data-label]"), "Copied").await;
        self.pasted(field).await
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        self.act(Locator::Css(css), |element| async move { element.text().await }).await
    }

    /// Waits until an element shows a word.
    pub(crate) async fn shows(&self, css: &str, word: &str) {
        eventually(PATIENCE, word, || async { self.text(css).await.contains(word) }).await;
    }

    /// Opens the console and signs in; ends on the overview.
    pub(crate) async fn sign_in(&self, origin: &str, email: &str, password: &str) {
        self.goto(&format!("{origin}/console/")).await;
        self.fill("#email", email).await;
        self.fill("#password", password).await;
        self.press("Sign in").await;
        self.shows("h1", "Overview").await;
    }

    pub(crate) async fn close(self) {
        self.client.clone().close().await.unwrap();
    }
}

/// The XPath of a link with exactly this text.
fn link(text: &str) -> String {
    format!("//a[normalize-space() = '{text}']")
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}
