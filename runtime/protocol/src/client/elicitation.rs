//! Questions to the person: a form in the client, or a page elsewhere (client/elicitation).

use serde::{Deserialize, Serialize};

use super::form::RequestedSchema;
use crate::JsonObject;
use crate::literal::literals;

literals! {
    /// The person fills in a form that the client shows.
    FormMode = "form";
    /// The person goes to a page; what is entered there never passes the client.
    UrlMode = "url";
}

/// What is asked of the person, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ElicitParams {
    /// On a page elsewhere: for secrets, payments, sign-ins.
    Url(ElicitUrlParams),
    /// With a form: never for secrets.
    Form(ElicitFormParams),
}

/// A form to fill in (client/elicitation, "Form Mode").
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ElicitFormParams {
    /// The mode. Older clients know no other, so it may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<FormMode>,
    /// Why it is asked, for the person to read.
    pub message: String,
    /// The fields of the form.
    pub requested_schema: RequestedSchema,
    /// Extra metadata for extensions.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<JsonObject>,
}

/// A page to go to (client/elicitation, "URL Mode").
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ElicitUrlParams {
    /// The mode, which tells this from a form.
    pub mode: UrlMode,
    /// Why the person should go there.
    pub message: String,
    /// Where to go. It must not hold secrets of the person's.
    pub url: String,
    /// Names this question when the server tells later that it is settled. Only some revisions have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elicitation_id: Option<String>,
    /// Extra metadata for extensions.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<JsonObject>,
}

/// What the person did (client/elicitation, "Response Actions").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElicitAction {
    /// Sent the form, or agreed to go to the page.
    Accept,
    /// Said no.
    Decline,
    /// Went away without a choice.
    Cancel,
}

/// The person's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ElicitResult {
    /// What the person did.
    pub action: ElicitAction,
    /// What was filled in, by the names of the fields: texts, numbers, truths, lists of texts. Only for a form
    /// that was sent; it comes from outside and has to be held against the form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<JsonObject>,
    /// Extra metadata for extensions.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<JsonObject>,
}

impl ElicitResult {
    /// What was filled in, if the form was sent.
    #[must_use]
    pub fn accepted(&self) -> Option<&JsonObject> {
        self.content.as_ref().filter(|_| self.action == ElicitAction::Accept)
    }
}
