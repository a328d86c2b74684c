//! One look at a page: axe-core, what it weighs, whether it fits, what the browser complained of, and a picture.

use std::{path::PathBuf, sync::LazyLock};

use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::{Value, json};
use url::Url;

use crate::{browsing::Browser, harness::variable};

/// The rules of WCAG 2.2 A and AA.
const TAGS: [&str; 5] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
/// Most bytes on the wire of a first visit, headers included.
const HEAVIEST: u64 = 100_000;

static AXE: LazyLock<String> = LazyLock::new(|| {
    let file = PathBuf::from(variable("ROLLCALL_TEST_WEB_CHECKS")).join("node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(file).unwrap()
});

/// Runs axe-core, which is put there past the page's policy; calls back with the faults.
const AUDIT: &str = "const done = arguments[arguments.length - 1];
    axe.run(document, {runOnly: {type: 'tag', values: arguments[0]}, resultTypes: ['violations']}).then(
      ({violations}) => done(violations.flatMap(({id, help, nodes}) => nodes.map(
        ({target, failureSummary}) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary}`))),
      (error) => done([`axe-core failed: ${error}`]));";

/// Bytes on the wire of the page and of all that it loads.
const WEIGHT: &str =
    "return performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))
    .reduce((sum, entry) => sum + entry.transferSize, 0);";

/// What stands out of the page to the right, if anything does; what can be moved sideways by itself does not.
const OVERFLOW: &str = "const wide = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= wide) return [];
    const moves = (element) => element && (getComputedStyle(element).overflowX !== 'visible' || moves(element.parentElement));
    return [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > wide + 1 && !moves(element.parentElement))
      .slice(0, 5).map((element) => `${element.tagName.toLowerCase()}.${element.className} ${element.textContent.trim().slice(0, 40)}`);";

/// How somebody looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// CSS pixels.
    pub(crate) width: u32,
    /// `light` or `dark`.
    pub(crate) theme: &'static str,
}

/// A browser that looks in one manner.
pub(crate) struct Onlooker {
    pub(crate) browser: Browser,
    manner: Manner,
    folder: PathBuf,
}

impl Onlooker {
    pub(crate) async fn new(manner: Manner) -> Self {
        let browser = Browser::open(manner.width.max(800), 1000).await;
        let folder = std::env::var_os("ROLLCALL_TEST_SCREENSHOTS")
            .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("console"), PathBuf::from);
        std::fs::create_dir_all(&folder).unwrap();
        let onlooker = Self { browser, manner, folder };
        let theme = [json!({"name": "prefers-color-scheme", "value": manner.theme})];
        onlooker.devtools("Emulation.setEmulatedMedia", json!({"features": theme})).await;
        let size = json!({"width": manner.width, "height": 1000, "deviceScaleFactor": 1, "mobile": false});
        onlooker.devtools("Emulation.setDeviceMetricsOverride", size).await;
        // A first visit has nothing in the cache.
        onlooker.devtools("Network.enable", json!({})).await;
        onlooker.devtools("Network.setCacheDisabled", json!({"cacheDisabled": true})).await;
        onlooker
    }

    /// Opens a page; gives everything that is wrong with it.
    pub(crate) async fn look(&self, name: &str, url: &str) -> Vec<String> {
        self.complaints(url).await;
        self.browser.goto(url).await;
        let client = &self.browser.client;
        let mut faults = self.complaints(url).await;
        let weight = client.execute(WEIGHT, Vec::new()).await.unwrap().as_u64().unwrap();
        if weight == 0 || weight > HEAVIEST {
            faults.push(format!("weighs {weight} bytes"));
        }
        let overflow = client.execute(OVERFLOW, Vec::new()).await.unwrap();
        faults.extend(texts(&overflow).into_iter().map(|what| format!("is wider than the window: {what}")));
        client.execute(&AXE, Vec::new()).await.unwrap();
        let violations = client.execute_async(AUDIT, vec![json!(TAGS)]).await.unwrap();
        faults.extend(texts(&violations));
        self.picture(name).await;
        faults
            .into_iter()
            .map(|fault| format!("{name} ({} px, {}): {fault}", self.manner.width, self.manner.theme))
            .collect()
    }

    /// A picture of the whole page.
    async fn picture(&self, name: &str) {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let shot = self.devtools("Page.captureScreenshot", json!({"captureBeyondViewport": true})).await;
        let png = BASE64_STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        let Manner { width, theme } = self.manner;
        std::fs::write(self.folder.join(format!("{name}.{width}.{theme}.png")), png).unwrap();
    }

    /// What the browser complained of since it was last asked, refusals by the policy among it.
    async fn complaints(&self, url: &str) -> Vec<String> {
        let entries = self.browser.client.issue_cmd(Command::Log).await.unwrap();
        let severe = |entry: &&Value| {
            entry["level"] == "SEVERE"
                || entry["message"].as_str().unwrap().contains("Content Security Policy")
        };
        let texts =
            entries.as_array().unwrap().iter().filter(severe).map(|entry| entry["message"].as_str().unwrap());
        texts.filter(|text| !text.starts_with(&format!("{url} - "))).map(str::to_owned).collect()
    }

    async fn devtools(&self, method: &'static str, parameters: Value) -> Value {
        self.browser.client.issue_cmd(Command::Devtools(method, parameters)).await.unwrap()
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// What chromedriver adds to WebDriver.
#[derive(Debug)]
enum Command {
    Devtools(&'static str, Value),
    Log,
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let base = base.join(&format!("session/{}/", session.unwrap_or_default()))?;
        base.join(match self {
            Self::Devtools(..) => "goog/cdp/execute",
            Self::Log => "se/log",
        })
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let body = match self {
            Self::Devtools(method, parameters) => json!({"cmd": method, "params": parameters}),
            Self::Log => json!({"type": "browser"}),
        };
        (http::Method::POST, Some(body.to_string()))
    }
}
