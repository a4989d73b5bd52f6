//! Brings a running server up to date with its configuration, by the difference.
//!
//! What is different is opened first, then everything is exchanged in one change, then what is not wanted any more is
//! dropped. A configuration that is wrong anywhere changes nothing.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use impresario_engine::Runtime;
use impresario_transports::tls::TlsReloader;
use serde_json::{Value as Json, json};

use super::difference::Changes;
use super::fingerprint::Fingerprint;
use super::house::{House, Next};
use super::node::Node;
use super::place::SourceFile;
use super::problem::{Problem, Problems};
use super::{Config, Source};

/// What asks for a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Changed,
    /// A configuration that was refused may do now.
    Again,
    Hangup,
    Asked,
}

impl Why {
    fn told(self) -> &'static str {
        match self {
            Self::Changed => "the files have changed",
            Self::Again => "it was refused before",
            Self::Hangup => "SIGHUP",
            Self::Asked => "POST /reload",
        }
    }
}

/// A running server and the configuration that it follows.
pub(crate) struct Keeper {
    runtime: Runtime,
    source: Source,
    /// The configuration with which the process started: what is read only then.
    started_with: Node,
    started: Instant,
    /// Reads the certificate anew, once HTTPS is served.
    certificate: OnceLock<TlsReloader>,
    /// Held while something is opened and exchanged.
    house: tokio::sync::Mutex<House>,
    shown: Mutex<Shown>,
}

/// What can be told at any time, while something is being opened too.
struct Shown {
    config: Json,
    parts: Json,
    /// How the last reload went.
    last: Option<Json>,
    needs_restart: Vec<String>,
    fingerprint: Fingerprint,
}

impl Keeper {
    /// Begins to keep a runtime that offers what the house offers.
    pub(crate) fn new(runtime: Runtime, source: Source, house: House) -> Arc<Self> {
        let shown = Shown {
            config: house.config.root.as_written(),
            parts: house.parts_told(),
            last: None,
            needs_restart: Vec::new(),
            fingerprint: Fingerprint::of(&house.config),
        };
        follow(&runtime, &house);
        Arc::new(Self {
            runtime,
            source,
            started_with: house.config.root.clone(),
            started: Instant::now(),
            certificate: OnceLock::new(),
            house: tokio::sync::Mutex::new(house),
            shown: Mutex::new(shown),
        })
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// From now on a reload that is asked for reads the certificate anew too.
    pub(crate) fn secured_by(&self, certificate: Option<TlsReloader>) {
        if let Some(certificate) = certificate {
            // Nobody else sets it: a process serves at one address.
            let _ = self.certificate.set(certificate);
        }
    }

    /// What the files were when they were read last.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.shown().fingerprint.clone()
    }

    /// What would change.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration, which is then not taken.
    pub(crate) async fn plan(&self, files: Option<Vec<SourceFile>>) -> Result<Changes, Problems> {
        let config = self.read(files).await?;
        let house = self.house.lock().await;
        Ok(Next::after(&house, &self.started_with, config).await?.changes)
    }

    /// Reads the configuration again and makes what runs the same. Says in the log how that went.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration; nothing has changed then.
    pub(crate) async fn reload(&self, why: Why) -> Result<Changes, Problems> {
        if matches!(why, Why::Hangup | Why::Asked) {
            self.renew_certificate(why).await;
        }
        let before = self.last_problems();
        let (cause, why) = (why, why.told());
        let reloaded = self.exchange().await;
        match &reloaded {
            Ok(changes) if changes.is_empty() => tracing::info!(why, "reloaded: nothing is different"),
            Ok(changes) => tracing::info!(why, changes = %changes.counted(), "reloaded"),
            // The same again is no news.
            Err(problems) if cause == Why::Again && before.as_ref() == Some(&problems.to_json()) => {}
            Err(problems) => {
                tracing::error!(why, "not reloaded: everything stays as it was");
                problems.iter().for_each(|problem| tracing::error!("{problem}"));
            }
        }
        if let Ok(Changes { needs_restart, .. }) = &reloaded
            && !needs_restart.is_empty()
        {
            tracing::warn!(keys = %needs_restart.join(", "), "these keys need a restart; the rest is applied");
        }
        self.note(why, &reloaded);
        reloaded
    }

    /// Reads the certificate anew, which has nothing to do with whether the rest is any good.
    async fn renew_certificate(&self, why: Why) {
        let Some(certificate) = self.certificate.get().cloned() else { return };
        let read = tokio::task::spawn_blocking(move || certificate.reload()).await;
        let why = why.told();
        match read {
            Ok(Ok(())) => tracing::info!(why, "the server's certificate was read anew"),
            Ok(Err(error)) => {
                tracing::error!(why, %error, "the new certificate is no good; the one before is used further on");
            }
            Err(error) => tracing::error!(why, %error, "the certificate could not be read anew"),
        }
    }

    async fn exchange(&self) -> Result<Changes, Problems> {
        let config = self.read(None).await?;
        self.shown().fingerprint = Fingerprint::of(&config);
        let mut house = self.house.lock().await;
        let Next { house: next, offer, withdrawn, changes } =
            Next::after(&house, &self.started_with, config).await?;
        let is_nothing = offer.names().is_empty() && withdrawn.is_empty();
        if !is_nothing {
            self.runtime.exchange(&withdrawn, offer).map_err(|error| next.explain(&error))?;
        }
        follow(&self.runtime, &next);
        {
            let mut shown = self.shown();
            (shown.config, shown.parts) = (next.config.root.as_written(), next.parts_told());
            shown.needs_restart.clone_from(&changes.needs_restart);
        }
        // What is not wanted any more goes with the old house, after the new one is in its place.
        let old = std::mem::replace(&mut *house, next);
        drop(house);
        drop(old);
        Ok(changes)
    }

    /// Reads files, on a thread that may block.
    async fn read(&self, files: Option<Vec<SourceFile>>) -> Result<Config, Problems> {
        let source = self.source.clone();
        let read = move || match files {
            Some(files) => source.of(files),
            None => source.load(),
        };
        let read = tokio::task::spawn_blocking(read).await;
        read.unwrap_or_else(|error| Err(Problem::new(format!("read the configuration: {error}")).into()))
    }

    fn note(&self, why: &str, reloaded: &Result<Changes, Problems>) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut last = json!({ "why": why, "at_unix_s": at });
        match reloaded {
            Ok(changes) => {
                last["outcome"] = if changes.is_empty() { "unchanged" } else { "applied" }.into();
                last["changes"] = json!(changes);
            }
            Err(problems) => {
                last["outcome"] = "refused".into();
                last["problems"] = problems.to_json();
            }
        }
        self.shown().last = Some(last);
    }

    fn last_problems(&self) -> Option<Json> {
        self.shown().last.as_ref().and_then(|last| last.get("problems").cloned())
    }

    /// How the server is.
    pub(crate) fn status(&self) -> Json {
        let shown = self.shown();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "process": std::process::id(),
            "uptime_s": self.started.elapsed().as_secs(),
            "ready": self.runtime.is_ready(),
            "config": self.source.path.as_ref().map(|path| path.display().to_string()),
            "parts": shown.parts,
            "last_reload": shown.last,
            "needs_restart": shown.needs_restart,
        })
    }

    /// The configuration that runs, as it is written.
    pub(crate) fn config(&self) -> Json {
        self.shown().config.clone()
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets every part that is new tell the runtime of changes outside.
fn follow(runtime: &Runtime, house: &House) {
    for open in house.parts.iter().filter(|open| open.is_new) {
        if let Err(error) = open.part.follow(runtime) {
            let problem = house.config.problem(&open.config.key, &error.to_string());
            tracing::warn!("{problem}; it is served without following changes");
        }
    }
}

impl House {
    fn parts_told(&self) -> Json {
        let told = |open: &super::house::Open| {
            let names = &open.offered;
            json!({
                "key": open.config.key,
                "tools": names.tools,
                "resources": names.resources.len(),
                "prompts": names.prompts.len(),
            })
        };
        self.parts.iter().map(told).collect()
    }
}

#[cfg(test)]
mod tests;
