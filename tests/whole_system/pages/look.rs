//! One look at a page as it stands: axe-core, whether it fits, what the browser complained of, and a picture.

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

/// The manners in which every page is looked at.
pub(crate) const MANNERS: [Manner; 4] = [
    Manner { width: 1440, theme: "light" },
    Manner { width: 1440, theme: "dark" },
    Manner { width: 390, theme: "light" },
    Manner { width: 390, theme: "dark" },
];

/// Height of the window, in CSS pixels.
const HEIGHT: u32 = 1000;

/// Ends what is still moving; calls back when the page is drawn.
const SETTLE: &str = "const done = arguments[arguments.length - 1];
    requestAnimationFrame(() => { document.getAnimations().forEach((one) => one.finish()); requestAnimationFrame(() => done(true)); });";

impl Browser {
    /// From now on the page is seen in this manner.
    pub(crate) async fn see_as(&self, manner: Manner) {
        let theme = [json!({"name": "prefers-color-scheme", "value": manner.theme})];
        self.devtools("Emulation.setEmulatedMedia", json!({"features": theme})).await;
        let size = json!({"width": manner.width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// A first visit of a page by somebody with nothing in the cache; gives everything that is wrong with it.
    pub(crate) async fn visit(&self, name: &str, url: &str, manner: Manner) -> Vec<String> {
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.setCacheDisabled", json!({"cacheDisabled": true})).await;
        self.goto(url).await;
        let mut faults = self.look(name, manner).await;
        let weight = self.client.execute(WEIGHT, Vec::new()).await.unwrap().as_u64().unwrap();
        if weight == 0 || weight > HEAVIEST {
            faults.push(format!("{name} weighs {weight} bytes"));
        }
        faults
    }

    /// Everything that is wrong with the page as it stands, in one manner; keeps a picture of it.
    pub(crate) async fn look(&self, name: &str, manner: Manner) -> Vec<String> {
        self.see_as(manner).await;
        self.client.execute_async(SETTLE, Vec::new()).await.unwrap();
        let mut faults = self.complaints().await;
        let overflow = self.client.execute(OVERFLOW, Vec::new()).await.unwrap();
        faults.extend(texts(&overflow).into_iter().map(|what| format!("is wider than the window: {what}")));
        self.client.execute(&AXE, Vec::new()).await.unwrap();
        let violations = self.client.execute_async(AUDIT, vec![json!(TAGS)]).await.unwrap();
        faults.extend(texts(&violations));
        self.keep_picture(name, manner).await;
        let Manner { width, theme } = manner;
        faults.into_iter().map(|fault| format!("{name} ({width} px, {theme}): {fault}")).collect()
    }

    /// Runs a program on each page from now on, before all others and past the page's policy.
    pub(crate) async fn before_each_page(&self, program: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": program})).await;
    }

    /// Looks at the page as it stands, at both widths and in both themes, and goes on in the window that it had. Pages look
    /// the same on both databases: those of tests that run on both are looked at once.
    pub(crate) async fn picture(&self, name: &str) {
        if std::thread::current().name().is_some_and(|test| test.ends_with("::postgres")) {
            return;
        }
        let mut faults = Vec::new();
        for manner in [MANNERS[0], MANNERS[3]] {
            faults.extend(self.look(name, manner).await);
        }
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
        self.devtools("Emulation.setEmulatedMedia", json!({"features": []})).await;
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    }

    /// A picture of the whole page, where `ROLLCALL_TEST_SCREENSHOTS` says or below `target/tmp`.
    async fn keep_picture(&self, name: &str, Manner { width, theme }: Manner) {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let shot = self.devtools("Page.captureScreenshot", json!({"captureBeyondViewport": true})).await;
        let png = BASE64_STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        let folder = std::env::var_os("ROLLCALL_TEST_SCREENSHOTS")
            .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("console"), PathBuf::from);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.{width}.{theme}.png")), png).unwrap();
    }

    /// What the browser complained of since it was last asked, refusals by the policy among it. That an answer had a status
    /// above 399 is none of it.
    async fn complaints(&self) -> Vec<String> {
        let entries = self.client.issue_cmd(Command::Log).await.unwrap();
        let entries = entries
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (entry["level"] == "SEVERE", entry["message"].as_str().unwrap()));
        entries
            .filter(|(severe, text)| *severe || text.contains("Content Security Policy"))
            .filter(|(_, text)| !text.contains("the server responded with a status of"))
            .map(|(_, text)| text.to_owned())
            .collect()
    }

    async fn devtools(&self, method: &'static str, parameters: Value) -> Value {
        self.client.issue_cmd(Command::Devtools(method, parameters)).await.unwrap()
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
