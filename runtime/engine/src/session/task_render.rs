//! Tasks written down, in the words of the two revisions that have them.

use bytes::Bytes;
use impresario_protocol::{Era, Id, McpError, Revision, TaskInfo, TaskStatus};

use super::encode::{close_result, write_subscription, write_tool_result, written};
use super::object::{Object, write_value};
use super::{task_info, wire_error};
use crate::dialect::Dialect;
use crate::shared::Identity;
use crate::tasks::{End, TaskView};

/// The answer to a call that became a task.
pub(super) fn created(info: &TaskInfo, dialect: Dialect, identity: &Identity) -> Bytes {
    written(|out| {
        let mut object = Object::open(out);
        match dialect.0.era() {
            Era::Modern => {
                object.text("resultType", "task");
                task_info::write(&mut object, info, info.status, dialect.0);
                object.server_info(identity);
                object.close();
            }
            Era::Legacy => {
                let mut task = Object::open(object.member("task"));
                task_info::write(&mut task, info, info.status, dialect.0);
                task.close();
                close_result(object, dialect.0, identity);
            }
        }
    })
}

/// How a task is.
pub(super) fn state(view: &TaskView, dialect: Dialect, identity: &Identity) -> Bytes {
    written(|out| {
        let mut object = Object::open(out);
        write_view(&mut object, view, dialect.0);
        close_result(object, dialect.0, identity);
    })
}

/// One page of tasks.
pub(super) fn page(views: &[TaskView], next: Option<&str>, dialect: Dialect, identity: &Identity) -> Bytes {
    written(|out| {
        let mut object = Object::open(out);
        let tasks = object.member("tasks");
        tasks.push(b'[');
        for (place, view) in views.iter().enumerate() {
            if place > 0 {
                tasks.push(b',');
            }
            let mut task = Object::open(tasks);
            task_info::write(&mut task, &view.info, status_of(view, dialect), dialect.0);
            task.close();
        }
        tasks.push(b']');
        if let Some(next) = next {
            object.text("nextCursor", next);
        }
        close_result(object, dialect.0, identity);
    })
}

/// The message that a listener gets when a task has changed.
pub(super) fn changed(view: &TaskView, subscription: &Id, dialect: Dialect) -> Vec<u8> {
    let mut out = Vec::with_capacity(320);
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks\",\"params\":");
    let mut params = Object::open(&mut out);
    write_view(&mut params, view, dialect.0);
    write_subscription(params.member("_meta"), subscription);
    params.close();
    out.push(b'}');
    out
}

/// The status as this revision names it.
pub(super) fn status_of(view: &TaskView, dialect: Dialect) -> TaskStatus {
    match dialect.0.era() {
        Era::Modern => view.info.status,
        // There a tool that failed has a task that failed.
        Era::Legacy => match &view.end {
            Some(End::Completed(result)) if result.is_error => TaskStatus::Failed,
            _ => view.info.status,
        },
    }
}

/// The members of a task, with what its end brings along where the revision has a place for it.
fn write_view(object: &mut Object<'_>, view: &TaskView, revision: Revision) {
    task_info::write(object, &view.info, status_of(view, Dialect(revision)), revision);
    if revision.era() == Era::Legacy {
        return;
    }
    match &view.end {
        Some(End::Completed(result)) => {
            let mut inner = Object::open(object.member("result"));
            let own = result.meta.clone();
            write_tool_result(&mut inner, (**result).clone(), revision);
            inner.join();
            inner.text("resultType", "complete");
            if let Some(own) = own {
                inner.serialized("_meta", &own);
            }
            inner.close();
        }
        Some(End::Failed(error)) => write_error(object, error, revision),
        None if !view.questions.is_empty() => {
            let mut inner = Object::open(object.member("inputRequests"));
            for (key, question) in &view.questions {
                write_value(inner.named(key), &**question);
            }
            inner.close();
        }
        Some(End::Cancelled) | None => {}
    }
}

fn write_error(object: &mut Object<'_>, error: &McpError, revision: Revision) {
    let mut inner = Object::open(object.member("error"));
    inner.serialized("code", &wire_error::code(error.kind, revision));
    inner.text("message", &error.message);
    if let Some(data) = &error.data {
        inner.serialized("data", data);
    }
    inner.close();
}
