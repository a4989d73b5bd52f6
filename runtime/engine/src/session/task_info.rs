//! What every message about a task says of it.

use impresario_protocol::{Era, Revision, TaskInfo, TaskStatus};

use super::object::Object;
use crate::tasks::iso8601;

/// The members that every task has.
pub(super) fn write(object: &mut Object<'_>, info: &TaskInfo, status: TaskStatus, revision: Revision) {
    object.text("taskId", &info.id);
    object.text("status", status.as_str());
    if let Some(message) = &info.message {
        object.text("statusMessage", message);
    }
    object.text("createdAt", &iso8601(info.created_ms));
    object.text("lastUpdatedAt", &iso8601(info.updated_ms));
    let (ttl, poll_interval) = match revision.era() {
        Era::Modern => ("ttlMs", "pollIntervalMs"),
        Era::Legacy => ("ttl", "pollInterval"),
    };
    object.serialized(ttl, &info.ttl_ms);
    object.serialized(poll_interval, &info.poll_interval_ms);
}
