//! Finds out what a server is before any load is made: transport, revision, name, tools.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::client::{Client, Route, Setup};
use crate::dialect::{Ask, Carriage, Dialect};
use crate::fault::Fault;
use crate::plan::{Address, Target, Transport};
use crate::result::TargetFacts;
use crate::revision::Revision;
use crate::trouble::Trouble;
use crate::wire::stream::Endpoint;

/// The most pages of a list of tools that are asked for.
const TOOL_PAGES_MAX: usize = 100;
/// A server on stdio that does not know `server/discover` may stay silent; so long it may.
const DISCOVER_TIMEOUT: Duration = Duration::from_secs(3);

/// A server that was found.
#[derive(Debug)]
pub struct Found {
    /// What every client of it needs; without items yet.
    pub setup: Setup,
    /// Its facts, for the result.
    pub facts: TargetFacts,
    /// What it says it can do.
    pub capabilities: Value,
    /// Whether it assigns sessions.
    pub has_sessions: bool,
    /// Connected, for more questions.
    pub client: Client,
}

/// A tool of the server.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The schema of its arguments.
    pub input_schema: Value,
}

/// Looks at a server, in the order in which the revisions ask clients to.
///
/// # Errors
/// When it can't be reached, or speaks nothing that was allowed.
pub async fn probe(target: &Target, timeout: Duration) -> Result<Found, Fault> {
    let address = target.address.to_string();
    let mut last = Trouble::NoAnswer;
    for (route, revision) in candidates(target, timeout).await? {
        let setup = Setup {
            dialect: Dialect { revision, carriage: carriage(target) },
            route,
            items: Vec::new(),
            sessions_per_connection: 1,
            timeout,
            receive_buffer_bytes: None,
        };
        match attempt(setup, target.revision, &address).await {
            Ok(found) => return Ok(found),
            Err(Trouble::Connect(reason)) => return Err(Fault::Server { address, reason }),
            Err(trouble) => last = trouble,
        }
    }
    Err(Fault::Server { address, reason: last.to_string() })
}

impl Found {
    /// All the server's tools; none at all where it does not say, as a server that answers everything with the same
    /// bytes.
    ///
    /// # Errors
    /// When it refuses to list them.
    pub async fn tools(&mut self) -> Result<Option<Vec<Tool>>, Fault> {
        let (mut tools, mut cursor) = (Vec::new(), None);
        for _ in 0..TOOL_PAGES_MAX {
            let params = cursor.map_or_else(|| json!({}), |cursor: Value| json!({ "cursor": cursor }));
            let page = self.ask(&Ask::new("tools/list", params)).await?;
            let Some(listed) = page.get("tools").and_then(Value::as_array) else { return Ok(None) };
            tools.extend(listed.iter().map(|tool| Tool {
                name: tool.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
                input_schema: tool.get("inputSchema").cloned().unwrap_or_default(),
            }));
            cursor = page.get("nextCursor").filter(|cursor| cursor.is_string()).cloned();
            if cursor.is_none() {
                break;
            }
        }
        Ok(Some(tools))
    }

    /// What was learned from this server, as the way to speak to another one that repeats its answers. Questions
    /// still go to this one.
    ///
    /// # Errors
    /// When the other one is not reached by a URL.
    pub async fn aimed_at(mut self, target: &Target) -> Result<Self, Fault> {
        let Address::Url(url) = &target.address else {
            return Err(Fault::plan("only a server with a URL can repeat another one's answers"));
        };
        self.setup.route = Route::Http(Endpoint::of(url, &target.trust, self.setup.timeout).await?);
        self.setup.dialect.carriage = carriage(target);
        self.facts.address = target.address.to_string();
        self.facts.server_name.clear();
        self.facts.server_version.clear();
        Ok(self)
    }

    /// Asks the server something.
    ///
    /// # Errors
    /// When the answer is not a result.
    pub async fn ask(&mut self, ask: &Ask) -> Result<Value, Fault> {
        let server = |trouble: Trouble| Fault::Server {
            address: self.facts.address.clone(),
            reason: format!("{}: {trouble}", ask.method),
        };
        let result = self.client.converse(ask).await.map_err(&server)?;
        leave(&mut self.client, &self.setup).await;
        serde_json::from_str(result.get()).map_err(|error| server(Trouble::BadMessage(error.to_string())))
    }
}

/// The ways to try, in order.
async fn candidates(target: &Target, timeout: Duration) -> Result<Vec<(Route, Revision)>, Fault> {
    let newest = Revision::V2026_07_28;
    let revisions = match target.revision {
        Some(revision) => vec![revision],
        None => vec![newest, Revision::NEWEST_LEGACY],
    };
    let url = match &target.address {
        Address::Command(command) => {
            return Ok(revisions
                .into_iter()
                .map(|revision| (Route::Command(command.clone()), revision))
                .collect());
        }
        Address::Url(url) => url,
    };
    let endpoint = Endpoint::of(url, &target.trust, timeout).await?;
    let mut candidates = Vec::new();
    if target.transport != Transport::Sse {
        candidates.extend(revisions.into_iter().map(|revision| (Route::Http(endpoint.clone()), revision)));
    }
    let allows_oldest = target.revision.is_none_or(|revision| revision == Revision::V2024_11_05);
    if target.transport == Transport::Sse && !allows_oldest {
        return Err(Fault::plan("--transport sse speaks 2024-11-05; leave --revision away"));
    }
    if target.transport != Transport::Http && allows_oldest {
        candidates.push((Route::HttpSse(endpoint), Revision::V2024_11_05));
    }
    Ok(candidates)
}

async fn attempt(mut setup: Setup, wanted: Option<Revision>, address: &str) -> Result<Found, Trouble> {
    let asked = setup.dialect.revision;
    let mut client = Client::new(Arc::new(setup.clone()), Client::checkers(&setup));
    let introduction = if asked.is_modern() {
        let discover = Ask::new("server/discover", json!({}));
        let limit = if matches!(setup.route, Route::Command(_)) { DISCOVER_TIMEOUT } else { setup.timeout };
        let discovered = tokio::time::timeout(limit, client.converse(&discover)).await;
        let result = discovered.map_err(|_| Trouble::Timeout)??;
        serde_json::from_str(result.get()).map_err(|error| Trouble::BadMessage(error.to_string()))?
    } else {
        client.connect().await?;
        client.introduction().cloned().unwrap_or_default()
    };
    let spoken = spoken(&introduction, asked, wanted)?;
    let has_sessions = !client.sessions().is_empty();
    if spoken != asked {
        setup.dialect.revision = spoken;
        client = Client::new(Arc::new(setup.clone()), Client::checkers(&setup));
        client.connect().await?;
    }
    leave(&mut client, &setup).await;
    let facts = facts(&introduction, &setup, address);
    let capabilities = introduction.get("capabilities").cloned().unwrap_or_default();
    Ok(Found { setup, facts, capabilities, has_sessions, client })
}

/// Leaves the server free for the load: one that serves a connection at a time would let all others wait for ours. A
/// process on stdio is kept, because it serves nobody else.
async fn leave(client: &mut Client, setup: &Setup) {
    if matches!(setup.route, Route::Http(_)) {
        // A server that can't end a session has it until it expires.
        let _ = client.close().await;
    }
}

/// The revision that both sides speak.
fn spoken(introduction: &Value, asked: Revision, wanted: Option<Revision>) -> Result<Revision, Trouble> {
    if asked.is_modern() {
        return Ok(asked);
    }
    let version = introduction.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
    match (version.parse::<Revision>(), wanted) {
        (Ok(spoken), None) if !spoken.is_modern() => Ok(spoken),
        (Ok(spoken), Some(wanted)) if spoken == wanted => Ok(spoken),
        (_, Some(wanted)) => Err(Trouble::WrongContent(format!("the server speaks {version}, not {wanted}"))),
        (_, None) => Err(Trouble::WrongContent(format!("the server speaks {version}, which we do not"))),
    }
}

fn facts(introduction: &Value, setup: &Setup, address: &str) -> TargetFacts {
    let info = introduction
        .get("serverInfo")
        .or_else(|| introduction.get("_meta")?.get("io.modelcontextprotocol/serverInfo"))
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_else(Map::new);
    let text = |name: &str| info.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    TargetFacts {
        address: address.to_owned(),
        transport: match setup.route {
            Route::Http(_) => "streamable-http",
            Route::HttpSse(_) => "http+sse",
            Route::Command(_) => "stdio",
        }
        .to_owned(),
        revision: setup.dialect.revision.to_string(),
        server_name: text("name"),
        server_version: text("version"),
    }
}

fn carriage(target: &Target) -> Carriage {
    match &target.address {
        Address::Url(url) => Carriage::Http(url.clone(), target.headers.clone()),
        Address::Command(_) => Carriage::Line,
    }
}
