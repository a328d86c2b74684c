//! One operation under way, whoever the provider is: sends, judges, and records what was broken under its name.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use reqwest::Method;
use serde_json::Value;

use crate::client::{Answer, Client};
use crate::judge::{self, Broken, Requirement, Verdict};
use crate::paste::Paste;
use crate::report::{Failure, Feature};

const ANSWERED: Requirement =
    Requirement { text: "every request is answered within 60 s", source: "Okta's transport" };
const RETRY_AFTER: Requirement =
    Requirement { text: "a 429 has an integer Retry-After", source: "Okta's transport; RFC 9110, 10.2.3" };

/// Requests under one name.
pub(crate) struct Exchange {
    client: Client,
    /// The name that failures stand under.
    name: String,
    /// The feature of a guide that is being shown.
    feature: Option<Feature>,
}

impl Exchange {
    pub(crate) fn new(client: Client, name: String, feature: Option<Feature>) -> Self {
        Self { client, name, feature }
    }

    /// The same with a credential that the server cannot know.
    pub(crate) fn with_wrong_credential(&self) -> Self {
        Self { client: self.client.with_wrong_credential(), ..self.again() }
    }

    /// The same with the credential as people paste it.
    pub(crate) fn with_pasted(&self, paste: Paste) -> Self {
        Self { client: self.client.with_pasted(paste), ..self.again() }
    }

    fn again(&self) -> Self {
        Self { client: self.client.clone(), name: self.name.clone(), feature: self.feature }
    }

    /// Sends a request; judges what every answer must be. `None` if there is nothing more to judge.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Option<Answer> {
        let (answer, waits) = match self.client.send(&method, path, body).await {
            Ok(sent) => sent,
            Err(error) => {
                self.fail(
                    format!("{method} {}", self.client.flagged(path)),
                    Broken { requirement: ANSWERED, found: error.to_string() },
                );
                return None;
            }
        };
        if waits.untold {
            let found = "none, or no integer".to_owned();
            self.fail(answer.request.clone(), Broken { requirement: RETRY_AFTER, found });
        }
        // The form of an answer is demanded of each and shows no feature.
        if let Err(broken) = judge::json(&answer) {
            self.fail(answer.request.clone(), broken);
            return None;
        }
        if let Err(broken) = judge::content_type(&answer) {
            self.fail(answer.request.clone(), broken);
        }
        Some(answer)
    }

    pub(crate) async fn get(&self, path: &str) -> Option<Answer> {
        self.send(Method::GET, path, None).await
    }

    /// Records what was broken; true when nothing was.
    pub(crate) fn judge(&self, answer: &Answer, verdicts: impl IntoIterator<Item = Verdict>) -> bool {
        let mut good = true;
        for verdict in verdicts {
            good &= self.hold(answer.request.clone(), verdict);
        }
        good
    }

    /// The status is one of those expected; an error among the others is judged for its form too.
    pub(crate) fn status(&self, answer: &Answer, allowed: &[u16]) -> bool {
        let good = self.judge(answer, [judge::status(answer, allowed)]);
        if answer.status >= 400 {
            return self.judge(answer, [judge::error_body(answer)]) && good;
        }
        good
    }

    /// Records a verdict on something that is not in one answer alone.
    pub(crate) fn hold(&self, request: String, verdict: Verdict) -> bool {
        match verdict {
            Ok(()) => {
                self.count(true);
                true
            }
            Err(broken) => {
                self.fail(request, broken);
                false
            }
        }
    }

    fn count(&self, met: bool) {
        if let Some(feature) = self.feature {
            self.client.recorder.checked(feature, met);
        }
    }

    pub(crate) fn fail(&self, request: String, broken: Broken) {
        self.count(false);
        self.client.recorder.failure(Failure {
            operation: self.name.clone(),
            request,
            requirement: broken.requirement.to_string(),
            found: broken.found,
        });
    }
}

/// Who got which id, to notice one that is given twice.
#[derive(Debug, Default)]
pub(crate) struct Ids(Mutex<HashMap<String, String>>);

impl Ids {
    /// Remembers who got an id; the name of whoever had it before.
    pub(crate) fn claim(&self, id: &str, name: &str) -> Option<String> {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = ids.insert(id.to_owned(), name.to_owned());
        before.filter(|before| before != name)
    }
}
