//! What is asked here: tools, a resource and a prompt whose messages are their keys, so that a client of any
//! revision knows which question it has before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use impresario_engine::client::{
    CreateMessageParams, InputRequest, InputResponse, RequestedSchema, SamplingMessage, StringSchema,
};
use impresario_engine::{
    AskError, Builder, CachePolicy, Context, Elicited, Form, Limits, McpError, PromptSpec, ResourceSpec,
    Runtime, ToolError, ToolSpec, Variables, no_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// A form with a rule.
#[derive(Debug, Form, Deserialize, JsonSchema)]
pub(crate) struct Name {
    #[schemars(length(min = 2))]
    name: String,
}

/// A form with a choice of several, which older revisions do not have.
#[derive(Debug, Form, Deserialize, JsonSchema)]
struct Colours {
    colours: Vec<Colour>,
}

#[derive(Debug, Form, Deserialize, JsonSchema)]
enum Colour {
    Red,
    Blue,
}

/// A house, and how often its side effect has happened.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) runtime: Runtime,
    pub(crate) effects: Arc<AtomicUsize>,
    /// How often a tool has begun.
    pub(crate) runs: Arc<AtomicUsize>,
}

impl House {
    pub(crate) fn open() -> Self {
        Self::with(|_| (), |builder| builder)
    }

    pub(crate) fn with(change: impl FnOnce(&mut Limits), build: impl FnOnce(Builder) -> Builder) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        let (effects, runs) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let builder = Runtime::builder().lanes(2).limits(limits).tools(tools(&effects, &runs));
        let resource =
            ResourceSpec::new("ask://name", "name", |ctx| async move { greeted(&ctx).await.map_err(flat) });
        let prompt = PromptSpec::new("name", |_: Variables, ctx: Context| async move {
            greeted(&ctx).await.map_err(McpError::from)
        });
        let runtime = build(builder.resource(resource).prompt(prompt)).start().unwrap();
        Self { runtime, effects, runs }
    }

    pub(crate) fn effects(&self) -> usize {
        self.effects.load(Ordering::SeqCst)
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

fn flat(error: AskError) -> McpError {
    error.into()
}

fn said(answer: Elicited<Name>) -> String {
    match answer {
        Elicited::Accepted(Name { name }) => format!("Hello, {name}!"),
        Elicited::Declined => "declined".into(),
        Elicited::Cancelled => "cancelled".into(),
    }
}

async fn greeted(ctx: &Context) -> Result<String, AskError> {
    Ok(said(ctx.elicit("name", "name").await?))
}

fn tools(effects: &Arc<AtomicUsize>, runs: &Arc<AtomicUsize>) -> Vec<ToolSpec> {
    let (runs, begun) = (Arc::clone(runs), Arc::clone(runs));
    let effects = Arc::clone(effects);
    vec![
        ToolSpec::from_context("greet", no_arguments(), move |ctx| {
            begun.fetch_add(1, Ordering::SeqCst);
            async move { greeted(&ctx).await.map_err(ToolError::from) }
        }),
        ToolSpec::from_context("other", no_arguments(), |ctx| async move {
            greeted(&ctx).await.map_err(ToolError::from)
        }),
        ToolSpec::from_context("named", serde_json::json!({ "type": "object" }), |ctx| async move {
            greeted(&ctx).await.map_err(ToolError::from)
        }),
        ToolSpec::blocking_from_context("greet_blocking", no_arguments(), move |ctx| {
            runs.fetch_add(1, Ordering::SeqCst);
            ctx.wait(greeted(&ctx)).map_err(ToolError::from)
        }),
        ToolSpec::from_context("both", no_arguments(), |ctx| async move {
            let (one, two) = tokio::join!(ctx.elicit::<Name>("one", "one"), ctx.elicit::<Name>("two", "two"));
            Ok::<_, ToolError>(format!("{} {}", said(one?), said(two?)))
        }),
        ToolSpec::blocking_from_context("both_blocking", no_arguments(), |ctx| {
            let both = futures_util::future::join(
                ctx.elicit::<Name>("one", "one"),
                ctx.elicit::<Name>("two", "two"),
            );
            let (one, two) = ctx.wait(both);
            Ok::<_, ToolError>(format!("{} {}", said(one?), said(two?)))
        }),
        ToolSpec::from_context("rounds", no_arguments(), move |ctx| {
            let effects = Arc::clone(&effects);
            async move {
                let one = said(ctx.elicit("one", "one").await?);
                let effect = async { effects.fetch_add(1, Ordering::SeqCst) + 1 };
                let count: usize = ctx.once("effect", effect).await?;
                let two = said(ctx.elicit("two", format!("two {count}")).await?);
                let three = said(ctx.elicit("three", "three").await?);
                Ok::<_, ToolError>(format!("{one} {two} {three}"))
            }
        }),
        ToolSpec::from_context("sample", no_arguments(), |ctx| async move {
            let params = CreateMessageParams::new(vec![SamplingMessage::user("say")], 10);
            let said = ctx.sample("say", params).await?;
            Ok::<_, ToolError>(format!("{} says {}", said.model, serde_json::json!(said.content)))
        }),
        ToolSpec::from_context("roots", no_arguments(), |ctx| async move {
            let roots = ctx.list_roots().await?;
            Ok::<_, ToolError>(roots.iter().map(|root| root.uri.as_str()).collect::<Vec<_>>().join(" "))
        }),
        ToolSpec::from_context("page", no_arguments(), |ctx| async move {
            let went = ctx.elicit_url("page", "page", "https://example.com/pay").await?;
            ctx.url_settled("page");
            Ok::<_, ToolError>(format!("{:?}", went.is_accepted()))
        }),
        ToolSpec::from_context("colours", no_arguments(), |ctx| async move {
            let answer = ctx.elicit::<Colours>("colours", "colours").await?;
            Ok::<_, ToolError>(format!("{:?}", answer.accepted().map(|form| form.colours.len())))
        }),
        ToolSpec::from_context("everything", no_arguments(), |ctx| async move {
            let form = RequestedSchema::new().require("text", StringSchema::default());
            let params = CreateMessageParams::new(vec![SamplingMessage::user("say")], 10);
            let questions = [
                ("form", InputRequest::form("form", form)),
                ("say", InputRequest::sample(params)),
                ("roots", InputRequest::roots()),
            ];
            let answers = ctx.ask_all(questions).await?;
            let kinds = answers.iter().map(|answer| match answer {
                InputResponse::Elicit(_) => "elicited",
                InputResponse::CreateMessage(_) => "sampled",
                InputResponse::ListRoots(_) => "listed",
            });
            Ok::<_, ToolError>(kinds.collect::<Vec<_>>().join(" "))
        }),
        ToolSpec::from_context("reuse", no_arguments(), |ctx| async move {
            let (_, other) = tokio::join!(ctx.elicit::<Name>("key", "one"), ctx.elicit::<Name>("key", "two"));
            other.map(said).map_err(ToolError::from)
        }),
        ToolSpec::from_context("same", no_arguments(), |ctx| async move {
            let one = said(ctx.elicit("name", "name").await?);
            let again = said(ctx.elicit("name", "name").await?);
            Ok::<_, ToolError>(format!("{one} {again}"))
        }),
        ToolSpec::from_context("cached", no_arguments(), |ctx| async move {
            greeted(&ctx).await.map_err(ToolError::from)
        })
        .cache(CachePolicy::ttl(std::time::Duration::from_secs(60))),
        ToolSpec::from_context("first", no_arguments(), |ctx| async move {
            let client = ctx.client();
            format!(
                "{} {} {} {} {}",
                client.can_elicit(),
                client.can_elicit_url(),
                client.can_sample(),
                client.can_sample_with_tools(),
                client.can_list_roots()
            )
        }),
        ToolSpec::from_context("for_ever", no_arguments(), |ctx| async move {
            for round in 0_u64.. {
                ctx.elicit::<Name>(&format!("round {round}"), "again").await?;
            }
            Ok::<_, ToolError>("never")
        }),
        ToolSpec::from_context("impatient", no_arguments(), |ctx| async move {
            tokio::select! {
                biased;
                answer = ctx.elicit::<Name>("name", "name") => answer.map(said).map_err(ToolError::from),
                () = tokio::task::yield_now() => Ok("did not wait".into()),
            }
        }),
    ]
}
