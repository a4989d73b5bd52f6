//! What a client can ask for, whatever revision it speaks.

use crate::LogLevel;

/// A request, freed of its era: what is asked, not how it was written.
///
/// `'m` is the message it was read from; `V` is a view of a JSON value inside that message, so that
/// arguments are passed on without being copied.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation<'m, V> {
    /// Are you there?
    Ping,
    /// Who are you and what can you do, without a handshake?
    Discover,
    /// One page of a list.
    List {
        /// Which list.
        kind: ListKind,
        /// Where to go on, from the page before.
        cursor: Option<&'m str>,
    },
    /// Run a tool.
    CallTool {
        /// Which one.
        name: &'m str,
        /// Its arguments, an object, when there are any.
        arguments: Option<V>,
    },
    /// Read a resource.
    ReadResource {
        /// Where it stands.
        uri: &'m str,
    },
    /// Fill in a prompt.
    GetPrompt {
        /// Which one.
        name: &'m str,
        /// Its arguments, an object of strings, when there are any.
        arguments: Option<V>,
    },
    /// Suggest values for an argument.
    Complete {
        /// What the argument belongs to.
        target: CompletionTarget<'m>,
        /// The argument's name.
        argument: &'m str,
        /// What has been typed so far.
        value: &'m str,
        /// The arguments that are already settled, an object of strings.
        settled: Option<V>,
    },
    /// A method that is none of the protocol's own: an extension's, if there is one that has it.
    Extend {
        /// Which one.
        method: &'m str,
    },
    /// From now on, log to this session at that level and above.
    SetLogLevel(LogLevel),
    /// Tell this session when a resource changes.
    Subscribe {
        /// Which one.
        uri: &'m str,
    },
    /// No longer tell this session.
    Unsubscribe {
        /// Which one.
        uri: &'m str,
    },
    /// Keep this request open and send it the changes it names.
    Listen(ListenFilter),
    /// How is that task?
    GetTask {
        /// Which one.
        id: &'m str,
    },
    /// Here are answers to questions of a task.
    UpdateTask {
        /// Which one.
        id: &'m str,
        /// The answers, an object of objects.
        responses: V,
    },
    /// Stop that task.
    CancelTask {
        /// Which one.
        id: &'m str,
    },
    /// Wait for the outcome of that task.
    TaskResult {
        /// Which one.
        id: &'m str,
    },
    /// One page of the caller's tasks.
    ListTasks {
        /// Where to go on, from the page before.
        cursor: Option<&'m str>,
    },
}

/// The lists that can be paged through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// `tools/list`
    Tools,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    Templates,
    /// `prompts/list`
    Prompts,
}

/// What an argument to be completed belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionTarget<'m> {
    /// A prompt, by name.
    Prompt(&'m str),
    /// A resource template, by its text.
    Template(&'m str),
}

/// Which changes a listener wants to hear of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListenFilter {
    /// Tools came or went.
    pub tools: bool,
    /// Prompts came or went.
    pub prompts: bool,
    /// Resources came or went.
    pub resources: bool,
    /// These resources changed.
    pub uris: Vec<String>,
}
