//! Talks to a running server at its admin socket.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::client;
use super::failure::Failure;

/// Opening what a plan needs may take its time.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A running server.
pub(crate) struct Admin {
    path: PathBuf,
    client: reqwest::Client,
}

impl Admin {
    pub(crate) fn at(path: PathBuf) -> Result<Self, Failure> {
        let client = client::unix_client(&path).timeout(TIMEOUT).build();
        Ok(Self { path, client: client.context("make an HTTP client")? })
    }

    /// Asks for something, and has the answer: as JSON, or as the problems of a configuration.
    pub(crate) async fn ask(
        &self,
        method: Method,
        route: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let at = self.path.display();
        let mut request = self.client.request(method, format!("http://localhost{route}"));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.map_err(|error| {
            let why = client::reason::root(&error);
            anyhow!("can't reach a server at unix:{at}: {why}; is one running with this `admin` socket?")
        })?;
        let status = response.status();
        let bytes = response.bytes().await.with_context(|| format!("read the answer of unix:{at}"))?;
        let mut answer: Value = serde_json::from_slice(&bytes).map_err(|_| {
            anyhow!("unix:{at} answered with status {status} and no JSON; is it an admin socket?")
        })?;
        match status {
            StatusCode::UNPROCESSABLE_ENTITY => Ok(Answer::Problems(answer["problems"].take())),
            status if status.is_success() => Ok(Answer::Json(answer)),
            _ => {
                let message = answer["error"]["message"].as_str().unwrap_or("no reason is given");
                Err(anyhow!("unix:{at} refused with status {}: {message}", status.as_u16()).into())
            }
        }
    }
}

/// What a server answers.
pub(crate) enum Answer {
    Json(Value),
    /// What it finds wrong with a configuration.
    Problems(Value),
}
