//! What is right when calls become tasks (2026-07-28).

use futures_util::future::{join_all, try_join_all};
use serde_json::json;

use crate::checks::{Check, INVALID_PARAMS, Outcome, checks, expect, expect_refusal};
use crate::connection::Connection;
use crate::person::accept;

const CONCURRENT_TASKS: usize = 10;

checks!(
    gets_a_task_and_then_its_result,
    answers_a_tasks_question,
    keeps_concurrent_tasks_apart,
    cancels_a_task,
    knows_no_foreign_task,
);

async fn gets_a_task_and_then_its_result(client: &Connection) -> Outcome {
    let task = client.start_task("long_task", json!({"steps": 3, "ms": 20})).await?;
    let status = client.task_status(&task).await?;
    let begun = ["working", "completed"].contains(&status.as_str());
    expect(begun, "tasks/get at once", "working, or completed already", &status)?;
    let text = client.task_text(&task).await?;
    expect(text == "3 steps taken", "the task's result", "3 steps taken", &text)?;
    let status = client.task_status(&task).await?;
    expect(status == "completed", "tasks/get at the end", "completed", &status)
}

async fn answers_a_tasks_question(client: &Connection) -> Outcome {
    client.person().will([accept(json!({"name": "Ada"}))]);
    let task = client.start_task("ask_in_task", json!({})).await?;
    let text = client.task_text(&task).await?;
    expect(text == "Hello, Ada!", "the task's result", "a greeting with the name", &text)
}

async fn keeps_concurrent_tasks_apart(client: &Connection) -> Outcome {
    let start = |steps: usize| client.start_task("long_task", json!({"steps": steps, "ms": 5}));
    let tasks = try_join_all((1..=CONCURRENT_TASKS).map(start)).await?;
    let texts = join_all(tasks.iter().map(|task| client.task_text(task))).await;
    for (n, text) in texts.iter().enumerate() {
        let own = matches!(text, Ok(text) if *text == format!("{} steps taken", n + 1));
        expect(own, "concurrent tasks", "each its own result", text)?;
    }
    Ok(())
}

async fn cancels_a_task(client: &Connection) -> Outcome {
    let task = client.start_task("long_task", json!({"steps": 10_000, "ms": 100})).await?;
    client.cancel_task(&task).await?;
    let status = client.task_status(&task).await?;
    expect(status == "cancelled", "tasks/get after tasks/cancel", "cancelled", &status)
}

async fn knows_no_foreign_task(client: &Connection) -> Outcome {
    expect_refusal("tasks/get of nobody's id", INVALID_PARAMS, &client.task_status("nobody's").await)
}
