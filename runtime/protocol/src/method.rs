//! The methods of MCP by name, each as a type, so that a request's or notification's type says its method.

use crate::literal::literals;

literals! {
    /// Suggest values for an argument.
    Complete = "completion/complete";
    /// Who are you and what can you do?
    Discover = "server/discover";
    /// Run a tool.
    CallTool = "tools/call";
    /// One page of the tools.
    ListTools = "tools/list";
    /// Fill in a prompt.
    GetPrompt = "prompts/get";
    /// One page of the prompts.
    ListPrompts = "prompts/list";
    /// Read a resource.
    ReadResource = "resources/read";
    /// One page of the resources.
    ListResources = "resources/list";
    /// One page of the resource templates.
    ListTemplates = "resources/templates/list";
    /// Stay open and tell of changes.
    Listen = "subscriptions/listen";
    /// How is that task?
    GetTask = "tasks/get";
    /// Answers to a task's questions.
    UpdateTask = "tasks/update";
    /// Stop a task.
    CancelTask = "tasks/cancel";
    /// Wait for a task's outcome.
    TaskResult = "tasks/result";
    /// One page of the tasks.
    ListTasks = "tasks/list";

    /// Ask the model.
    CreateMessage = "sampling/createMessage";
    /// Ask the person.
    Elicit = "elicitation/create";
    /// Which folders may be worked in?
    ListRoots = "roots/list";

    /// A request is taken back.
    Cancelled = "notifications/cancelled";
    /// How far a call is.
    Progress = "notifications/progress";
    /// A log line.
    LogMessage = "notifications/message";
    /// The list of tools has changed.
    ToolsChanged = "notifications/tools/list_changed";
    /// The list of prompts has changed.
    PromptsChanged = "notifications/prompts/list_changed";
    /// The list of resources has changed.
    ResourcesChanged = "notifications/resources/list_changed";
    /// A resource has changed.
    ResourceUpdated = "notifications/resources/updated";
    /// What a listener will hear of.
    ListenAcknowledged = "notifications/subscriptions/acknowledged";
    /// A task has changed.
    TaskChanged = "notifications/tasks";
    /// A task has changed, as the protocol had it before there was an extension for tasks.
    CoreTaskChanged = "notifications/tasks/status";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_read_from_its_own_name_and_from_nothing_else() {
        assert_eq!(serde_json::to_string(&Progress).unwrap(), r#""notifications/progress""#);
        assert_eq!(serde_json::from_str::<Progress>(r#""notifications/progress""#).unwrap(), Progress);
        for other in [r#""notifications/Progress""#, r#""progress""#, r#""""#, "null", "7", "{}"] {
            assert!(serde_json::from_str::<Progress>(other).is_err(), "{other}");
        }
        let error = serde_json::from_str::<Progress>(r#""tools/call""#).unwrap_err().to_string();
        assert!(error.contains("the text `notifications/progress`"), "{error}");
    }
}
