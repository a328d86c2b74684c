//! "Test API Credentials", and the same with a credential that must be refused.

use super::Engine;
use crate::judge::{self, Broken, Requirement, demand};
use crate::paste::Paste;

/// Always the same request.
const TEST: &str = "/Users?startIndex=1&count=2";

impl Engine {
    /// Okta's test: a page of two users; the base URL is one that Okta takes.
    pub async fn test_credentials(&self) -> bool {
        let op = self.begin("test credentials");
        if self.client.base_url().contains('_') {
            let requirement = Requirement {
                text: "the base URL holds no underscore",
                source: "Okta's transport, Okta's guide to preparing a SCIM server",
            };
            op.fail("base URL".into(), Broken { requirement, found: self.client.base_url().to_owned() });
        }
        let Some(answer) = op.get(TEST).await else { return false };
        op.status(&answer, &[200])
            && op.judge(
                &answer,
                [judge::list(answer.json(), 2).and_then(|page| judge::page_starts_at(&page, 1))],
            )
    }

    /// The same with a wrong token: 401, a SCIM error, and a challenge (C9306).
    pub async fn refuse_wrong_credentials(&self) -> bool {
        let mut op = self.begin("refuse wrong credentials");
        op.exchange = op.exchange.with_wrong_credential();
        let Some(answer) = op.get(TEST).await else { return false };
        op.status(&answer, &[401]) && op.judge(&answer, [judge::challenge(&answer)])
    }

    /// The base URL has the path that the guide shows.
    pub(crate) fn expect_base_path(&self, path: &str) -> bool {
        let op = self.begin("base URL");
        let requirement =
            Requirement { text: "the base URL ends in the path of the guide", source: "the product's guide" };
        let base = self.client.base_url();
        op.hold("base URL".into(), demand(base.ends_with(path), requirement, || format!("{base} for {path}")))
    }

    /// The field of a "Header Auth" app is sent as it stands, so a token works however it was pasted; without one it
    /// does not.
    pub(crate) async fn take_pasted_credentials(&self) -> bool {
        let mut good = true;
        for paste in Paste::TAKEN {
            let mut op = self.begin("pasted credential");
            op.exchange = op.exchange.with_pasted(paste);
            good &= match op.get(TEST).await {
                Some(answer) => op.status(&answer, &[200]),
                None => false,
            };
        }
        let mut op = self.begin("forgotten credential");
        op.exchange = op.exchange.with_pasted(Paste::Forgotten);
        match op.get(TEST).await {
            Some(answer) => op.status(&answer, &[401]) && good,
            None => false,
        }
    }
}
