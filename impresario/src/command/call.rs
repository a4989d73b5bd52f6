//! The verb `call`: one call of one tool, its arguments read by the tool's schema.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, ResourceContents, Tool};

use super::client::Client;
use super::failure::Failure;
use super::progress::Progress;
use super::target::{ServerArgs, Target};
use super::{arguments, output};

const EXAMPLES: &str = "\
Arguments:
  name=value    read by the tool's schema: a number, true or false, a JSON array or object, or text
  name=@path    what is in the file
  name:=JSON    JSON, whatever the schema says

Examples:
  impresario call http://127.0.0.1:8000/mcp add a=2 b=3
  impresario call localhost:8000 analyze_data data=[1,2,3] operations='[\"average\"]'
  impresario call localhost:8000 echo --args '{\"message\": \"hello\"}' --json
  impresario call --command 'impresario serve --stdio' echo message=@letter.txt

Exit codes:
  0  the tool succeeded; its result is on standard output
  1  there is no result: the server can't be reached, or answered with an error
  2  the command line is wrong
  3  the tool ran and says that it failed; its words are on standard error";

/// Call a tool of a server.
#[derive(Debug, clap::Args)]
#[command(
    after_help = EXAMPLES,
    override_usage = "impresario call [OPTIONS] <URL> <TOOL> [NAME=VALUE]...\n       \
                      impresario call [OPTIONS] --command <COMMAND> <TOOL> [NAME=VALUE]..."
)]
pub(crate) struct Call {
    /// The server's URL (unless --command starts one), the tool, and its arguments.
    #[arg(value_name = "URL TOOL NAME=VALUE", required = true)]
    words: Vec<String>,
    /// All arguments as one JSON object; those that are written one by one replace its own.
    #[arg(long = "args", value_name = "JSON")]
    all: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

impl Call {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let (target, tool, words) = self.read()?;
        let progress = Progress::watched();
        let client = Client::open(target, &self.server, progress.clone()).await?;
        let result = self.ask(&client, tool, words).await;
        progress.finish();
        let result = client.close(result).await?;
        if self.server.json {
            output::print_json(&result)?;
        } else {
            show(&result)?;
        }
        if result.is_error == Some(true) { Err(Failure::Tool) } else { Ok(()) }
    }

    /// The server, the tool's name, and the arguments as they are written.
    fn read(&self) -> Result<(Target, &str, &[String]), Failure> {
        let (target, rest) = match (&self.server.command, self.words.as_slice()) {
            (Some(command), rest) => (Target::command(command)?, rest),
            (None, [url, rest @ ..]) => (Target::url(url)?, rest),
            (None, []) => unreachable!("the command line demands a word"),
        };
        let [tool, words @ ..] = rest else {
            return Err(Failure::usage(format!("which tool? write its name after {target}")));
        };
        Ok((target, tool, words))
    }

    async fn ask(&self, client: &Client, name: &str, words: &[String]) -> Result<CallToolResult, Failure> {
        let tools = client.tools().await?;
        let Some(tool) = tools.iter().find(|tool| tool.name == name) else {
            return Err(no_such_tool(name, &tools, client.target()));
        };
        let arguments = self.arguments(tool, words)?;
        client.call(name.to_owned(), arguments).await
    }

    fn arguments(&self, tool: &Tool, words: &[String]) -> Result<JsonObject, Failure> {
        let read = arguments::read(words, self.all.as_deref(), &tool.input_schema);
        read.map_err(|error| Failure::usage(error.to_string()))
    }
}

fn no_such_tool(name: &str, tools: &[Tool], target: &Target) -> Failure {
    let named: Vec<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    let known = if named.is_empty() { "nothing".to_owned() } else { named.join(", ") };
    Failure::Other(anyhow::anyhow!("{target} has no tool `{name}`; it has {known}"))
}

/// Shows a result to a person: what the tool says, and one line for what is not text.
fn show(result: &CallToolResult) -> Result<(), Failure> {
    let mut blocks: Vec<String> = result.content.iter().map(block).collect();
    if blocks.is_empty()
        && let Some(structured) = &result.structured_content
    {
        blocks.push(format!("{structured:#}"));
    }
    let text = blocks.join("\n");
    if result.is_error == Some(true) {
        output::tell_error(if text.is_empty() { "the tool failed, and does not say why" } else { &text });
        return Ok(());
    }
    Ok(output::print_text(&text)?)
}

fn block(content: &ContentBlock) -> String {
    match content {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => media("image", &image.mime_type, &image.data),
        ContentBlock::Audio(audio) => media("audio", &audio.mime_type, &audio.data),
        ContentBlock::ResourceLink(link) => format!("[resource {}: {}]", link.name, link.uri),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { text, .. } => text.clone(),
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                media(uri, mime_type.as_deref().unwrap_or("bytes"), blob)
            }
            _ => "[a resource of a kind that this client does not know; see --json]".to_owned(),
        },
        _ => "[content of a kind that this client does not know; see --json]".to_owned(),
    }
}

/// A line for what a terminal can't show; `data` is base64.
fn media(what: &str, mime_type: &str, data: &str) -> String {
    let bytes = data.trim_end_matches('=').len() * 3 / 4;
    format!("[{what}, {mime_type}, {bytes} bytes; see --json]")
}
