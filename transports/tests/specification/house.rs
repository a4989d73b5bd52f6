//! A server that can say everything we are able to say: every kind of content, every member, every failure.

use std::time::Duration;

use impresario_engine::{
    Annotations, Audience, CachePolicy, CacheScope, Content, Context, Icon, IconTheme, Implementation, Json,
    JsonObject, Limits, LogLevel, McpError, PoolConfig, PromptArgument, PromptMessage, PromptResult,
    PromptSpec, ReadResult, ResourceContents, ResourceLink, ResourceSpec, Runtime, TaskSupport, TemplateSpec,
    ToolAnnotations, ToolError, ToolResult, ToolSpec, no_arguments,
};
use impresario_protocol::client::{InputRequest, RequestedSchema, StringSchema};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// A resource that clients subscribe to.
pub(crate) const WATCHED: &str = "notes://plain";
/// How many calls the tools `waits` and `passes` take at once: one that runs, and one behind it.
pub(crate) const NARROW: usize = 2;

/// The server, with so little room that a session meets its limits.
pub(crate) fn open() -> Runtime {
    let limits = Limits { page_items_max: 2, drain_timeout_ms: 100, ..Limits::default() };
    let narrow = PoolConfig { workers: 1, queue_max: NARROW - 1, ..PoolConfig::new("narrow", &limits) };
    let builder = Runtime::builder()
        .pool(narrow)
        .implementation(implementation())
        .instructions("Ask it anything.")
        .limits(limits);
    let builder = tools().into_iter().fold(builder.lanes(1), impresario_engine::Builder::tool);
    resources(prompts(builder)).start().unwrap()
}

fn implementation() -> Implementation {
    Implementation {
        name: "specification".into(),
        title: Some("The house of the specification".into()),
        version: "1.0.0".into(),
        description: Some("says everything that can be said".into()),
        website_url: Some("https://example.com/house".into()),
        icons: vec![icon()],
    }
}

/// A tool that comes and goes while the server runs.
pub(crate) fn passing_tool() -> ToolSpec {
    ToolSpec::from_context("passing", no_arguments(), |_ctx| async { "here" })
}

/// A resource that comes and goes while the server runs.
pub(crate) fn passing_resource() -> ResourceSpec {
    ResourceSpec::fixed("passing", ResourceContents::text("notes://passing", "here"))
}

/// A prompt that comes and goes while the server runs.
pub(crate) fn passing_prompt() -> PromptSpec {
    PromptSpec::new("passing", |_arguments, _ctx| async { "here" })
}

fn icon() -> Icon {
    Icon {
        src: "https://example.com/icon.png".into(),
        mime_type: Some("image/png".into()),
        sizes: vec!["48x48".into(), "any".into()],
        theme: Some(IconTheme::Dark),
    }
}

fn meta() -> JsonObject {
    JsonObject::from_iter([("com.example/note".to_owned(), json!({ "kept": true }))])
}

fn hints() -> Annotations {
    Annotations {
        audience: vec![Audience::User, Audience::Assistant],
        priority: Some(0.5),
        last_modified: Some("2026-01-31T12:00:00Z".into()),
    }
}

fn link() -> ResourceLink {
    ResourceLink {
        uri: WATCHED.into(),
        name: "plain".into(),
        title: Some("A plain note".into()),
        description: Some("a note without a mark".into()),
        mime_type: Some("text/plain".into()),
        size: Some(12),
        icons: vec![icon()],
        annotations: Some(hints()),
        meta: Some(meta()),
    }
}

/// Every kind of content, bare and with everything that can be said about it.
fn every_content() -> Vec<Content> {
    let mut noted = ResourceContents::text("notes://embedded", "# Note").with_mime_type("text/markdown");
    noted.meta = Some(meta());
    let bare = vec![
        Content::text("plain"),
        Content::image([0x89, 0x50], "image/png"),
        Content::audio([0x52, 0x49], "audio/wav"),
        Content::link(ResourceLink { uri: WATCHED.into(), name: "plain".into(), ..ResourceLink::default() }),
        Content::link(link()),
        Content::resource(noted),
        Content::resource(ResourceContents::blob("notes://blob", [1, 2, 3])),
    ];
    let full = bare.iter().cloned().map(|content| with_meta(content.annotated(hints()))).collect::<Vec<_>>();
    bare.into_iter().chain(full).collect()
}

fn with_meta(mut content: Content) -> Content {
    match &mut content {
        Content::Text { meta: slot, .. }
        | Content::Image { meta: slot, .. }
        | Content::Audio { meta: slot, .. }
        | Content::Resource { meta: slot, .. } => *slot = Some(meta()),
        Content::ResourceLink(link) => link.meta = Some(meta()),
    }
    content
}

#[derive(Serialize, JsonSchema)]
struct Reading {
    /// in degrees
    celsius: f64,
    place: Option<String>,
}

fn tools() -> Vec<ToolSpec> {
    let annotations = ToolAnnotations {
        title: Some("A reading".into()),
        read_only_hint: Some(true),
        destructive_hint: Some(false),
        idempotent_hint: Some(true),
        open_world_hint: Some(false),
    };
    let reading = ToolSpec::from_context("reading", no_arguments(), |_ctx| async {
        Json(Reading { celsius: 21.5, place: None })
    });
    let everything = ToolSpec::from_context("everything", no_arguments(), |_ctx| async {
        ToolResult { meta: Some(meta()), ..ToolResult::from(every_content()) }
    });
    vec![
        reading
            .title("Reading")
            .description("Reads the thermometer.")
            .icon(icon())
            .annotations(annotations)
            .meta(meta()),
        everything,
        gives("several", json!({ "type": "array", "items": { "type": "integer" } }), json!([1, 2, 3])),
        gives("one", json!({ "type": "integer" }), json!(42)),
        gives("unsaid", json!({}), Value::Null),
        ToolSpec::from_context("nothing", no_arguments(), |_ctx| async {}),
        ToolSpec::from_context("picky", picky(), |_ctx| async { "taken" }).header("tenant", "Tenant"),
        ToolSpec::from_context("fails", no_arguments(), |_ctx| async {
            Err::<(), _>(ToolError::with_result(ToolResult {
                meta: Some(meta()),
                ..ToolResult::from(every_content())
            }))
        }),
        ToolSpec::from_context("breaks_its_word", no_arguments(), |_ctx| async {
            ToolResult::structured(json!({ "n": "x" }))
        })
        .output_schema(json!({ "type": "object", "properties": { "n": { "type": "integer" } } })),
        ToolSpec::from_context("panics", no_arguments(), |_ctx| async { panic_on_purpose() }),
        ToolSpec::from_context("refuses", no_arguments(), |_ctx| async {
            Err::<(), _>(ToolError::from(
                McpError::invalid_params("not like this").with_data(json!({ "why": "mood" })),
            ))
        }),
        ToolSpec::from_context("wants_a_model", no_arguments(), |_ctx| async {})
            .requires_capability("sampling")
            .requires_capability("roots"),
        ToolSpec::from_context("tells", no_arguments(), tells),
        ToolSpec::from_context("waits", no_arguments(), waits).pool("narrow"),
        ToolSpec::from_context("passes", no_arguments(), |_ctx| async {}).pool("narrow"),
        ToolSpec::from_context("lasting", no_arguments(), |_ctx| async {
            ToolResult { meta: Some(meta()), ..ToolResult::from(every_content()) }
        })
        .task(TaskSupport::Optional),
        ToolSpec::from_context("lasting_refusal", no_arguments(), |_ctx| async {
            Err::<(), _>(ToolError::from(McpError::invalid_params("no").with_data(json!({ "why": "mood" }))))
        })
        .task(TaskSupport::Optional),
        ToolSpec::from_context("ticks", no_arguments(), ticks).task(TaskSupport::Always),
        ToolSpec::from_context("wonders", no_arguments(), wonders).task(TaskSupport::Optional),
        ToolSpec::from_context("takes_too_long", no_arguments(), |ctx: Context| async move {
            ctx.cancelled().await
        })
        .timeout(Duration::from_millis(20)),
        ToolSpec::blocking_from_context("thinks", no_arguments(), |_ctx| {
            ToolResult::structured(json!({ "thought": true }))
        }),
    ]
}

fn gives(name: &str, schema: Value, value: Value) -> ToolSpec {
    ToolSpec::from_context(name, no_arguments(), move |_ctx| {
        std::future::ready(ToolResult::structured(value.clone()))
    })
    .output_schema(schema)
}

fn panic_on_purpose() -> &'static str {
    panic!("on purpose: this call must end as an internal error")
}

/// A schema with words that older revisions have no place for: sub-schemas that are no objects, references.
fn picky() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "description": "what is needed",
        "properties": {
            "tenant": { "type": "string" },
            "anything": true,
            "never": false,
            "shared": { "$ref": "#/$defs/shared" },
        },
        "required": ["tenant"],
        "$defs": { "shared": { "type": "array", "items": true, "prefixItems": [{ "type": "string" }] } },
    })
}

/// Says again and again how far it is, until it is taken back.
async fn ticks(ctx: Context) {
    const TICK: Duration = Duration::from_millis(5);
    for tick in 1.. {
        ctx.progress(f64::from(tick), None, Some(&format!("tick {tick}")));
        tokio::time::sleep(TICK).await;
    }
}

/// Asks for a name.
async fn wonders(ctx: Context) -> Result<String, ToolError> {
    let form = RequestedSchema::new().require("name", StringSchema::default());
    let answers = ctx.ask_all([("name", InputRequest::form("Who?", form))]).await?;
    Ok(serde_json::to_string(&answers).unwrap())
}

/// Says that it runs, and then does nothing until it is taken back.
async fn waits(ctx: Context) {
    ctx.progress(1.0, None, None);
    ctx.cancelled().await;
}

async fn tells(ctx: Context) -> &'static str {
    for level in LogLevel::ALL {
        ctx.log_as(level, Some("teller"), json!({ "level": level, "tree": [1, 2.5, null] }));
    }
    ctx.log(LogLevel::Emergency, "in words");
    ctx.progress(1.0, None, None);
    ctx.progress(1.5, Some(3.0), Some("half way"));
    ctx.progress(3.0, Some(3.0), None);
    "told"
}

fn resources(builder: impresario_engine::Builder) -> impresario_engine::Builder {
    let kept = CachePolicy::ttl(Duration::from_secs(60)).scope(CacheScope::Public);
    let plain = ResourceSpec::fixed("plain", ResourceContents::text(WATCHED, "a plain note"))
        .title("A plain note")
        .description("a note without a mark")
        .icon(icon())
        .annotations(hints())
        .size(12)
        .cache(kept.clone());
    let blob = ResourceSpec::fixed("blob", ResourceContents::blob("notes://blob", [0, 1, 2]));
    let several = ResourceSpec::new("notes://several", "several", |_ctx| async {
        let mut first = ResourceContents::text("notes://several/1", "one");
        first.meta = Some(meta());
        let contents = vec![first, ResourceContents::blob("notes://several/2", [2])];
        ReadResult { contents, meta: Some(meta()), ..ReadResult::default() }
    });
    let broken =
        ResourceSpec::new("notes://broken", "broken", |_ctx| async { Err::<&str, _>(McpError::internal()) });
    let family = TemplateSpec::new("notes://{shelf}/{note}", "shelves", |variables, _ctx| async move {
        Json(json!({ "shelf": variables.get("shelf"), "note": variables.get("note") }))
    });
    let family = family
        .title("Shelves of notes")
        .description("every note on every shelf")
        .mime_type("application/json")
        .icon(icon())
        .annotations(hints())
        .cache(kept)
        .complete("shelf", |typed| typed.among(["red", "rose", "blue"]));
    let bare =
        |name: &str| TemplateSpec::new(format!("{name}://{{id}}"), name, |_variables, _ctx| async { "bare" });
    builder
        .resource(plain)
        .resource(blob)
        .resource(several)
        .resource(broken)
        .resource(family)
        .resource(bare("second"))
        .resource(bare("third"))
}

fn prompts(builder: impresario_engine::Builder) -> impresario_engine::Builder {
    let argument = PromptArgument {
        name: "tone".into(),
        title: Some("Tone".into()),
        description: Some("how it should sound".into()),
        required: Some(true),
    };
    let rich = PromptSpec::new("rich", |_arguments, _ctx| async {
        let messages =
            every_content().into_iter().map(|content| PromptMessage { role: Audience::User, content });
        let messages = messages.chain([PromptMessage::assistant("understood")]).collect();
        PromptResult { description: Some("everything at once".into()), messages, meta: Some(meta()) }
    });
    let many = |typed: impresario_engine::CompletionRequest| {
        (0..150).map(|n| format!("{}{n}", typed.value)).collect()
    };
    let rich = rich
        .title("Rich")
        .description("Says everything at once.")
        .icon(icon())
        .argument(argument)
        .complete("tone", many);
    let plain = |name: &str| PromptSpec::new(name, |_arguments, _ctx| async { "plain" });
    let broken = PromptSpec::new("broken", |_arguments, _ctx| async { Err::<&str, _>(McpError::internal()) });
    builder.prompt(rich).prompt(plain("plain")).prompt(broken)
}
