//! Tasks and the end of their process: what the next one finds of them.

use std::sync::Arc;

use impresario_engine::{
    Context, MemoryStore, StoreChange, TaskStore as _, TaskSupport, ToolError, ToolSpec,
};
use serde_json::json;

use super::Wire;
use crate::house::{self, House, Probe, any, house_with};
use crate::messages::MODERN;
use crate::pipe::Pipe;
use crate::wait::within;

/// Tools that do something once, and then wait to be released.
fn careful(store: MemoryStore) -> House {
    async fn work(ctx: &Context, probe: &Probe) -> Result<String, ToolError> {
        let paid = ctx.once("pay", async {
            probe.done.add();
            "paid".to_owned()
        });
        let paid = paid.await?;
        probe.begun.add();
        probe.release.acquire().await.expect("it is never closed").forget();
        Ok(paid)
    }
    house_with(
        |_| (),
        |builder, probe| {
            let (on_lane, on_thread) = (Arc::clone(probe), Arc::clone(probe));
            let careful = ToolSpec::from_context("careful", any(), move |ctx: Context| {
                let probe = Arc::clone(&on_lane);
                async move { work(&ctx, &probe).await }
            });
            let blocking = ToolSpec::blocking_from_context("blocking", any(), move |ctx: Context| {
                ctx.wait(work(&ctx, &on_thread))
            });
            let lasting = |tool: ToolSpec| tool.task(TaskSupport::Optional).restart(true);
            builder.tool(lasting(careful)).tool(lasting(blocking)).task_store(store)
        },
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_task_did_once_is_not_done_again_after_a_crash() {
    for name in ["careful", "blocking"] {
        let store = MemoryStore::default();
        let house = careful(store.clone());
        let mut wire = Wire::Pipe(Pipe::open(&house.runtime), MODERN);
        let id = wire.start(name, json!({})).await["taskId"].take();
        house.probe.begun.reaches(1).await;
        // What is stored now is all that a crash would leave.
        let left = MemoryStore::default();
        let copy = |id: &str, record: &[u8]| {
            let record = record.to_vec().into();
            left.commit(&[StoreChange::Put { id: id.into(), record }]).unwrap();
        };
        store.scan(&mut { copy }).unwrap();
        let again = careful(left.clone());
        again.probe.release.add_permits(1);
        let mut wire = Wire::Pipe(Pipe::open(&again.runtime), MODERN);
        assert_eq!(wire.outcome(&id).await["content"][0]["text"], json!("paid"), "{name}");
        assert_eq!((house.probe.done.get(), again.probe.done.get()), (1, 0), "{name}");
        house.probe.release.add_permits(1);
    }
}

/// A house whose tasks survive in that store, with `again` to be run again.
fn lasting(store: &MemoryStore, drain_ms: u64) -> House {
    house_with(
        |limits| limits.drain_timeout_ms = drain_ms,
        |builder, probe| {
            let again = house::hold("again", probe).task(TaskSupport::Optional).restart(true);
            let once = house::hold("once", probe).task(TaskSupport::Optional);
            builder.tool(again).tool(once).task_store(store.clone())
        },
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_fails_what_it_cuts_off_and_leaves_what_the_next_process_does() {
    let store = MemoryStore::default();
    let house = lasting(&store, 0);
    let mut wire = Wire::Pipe(Pipe::open(&house.runtime), MODERN);
    let [again, once] = [wire.start("again", json!({ "n": 1 })).await, wire.start("once", json!({})).await];
    house.probe.begun.reaches(2).await;
    drop(wire);
    within("the house is closed", house.runtime.shutdown()).await;

    let house = lasting(&store, 0);
    let mut wire = Wire::Pipe(Pipe::open(&house.runtime), MODERN);
    let failed = wire.get(&once["taskId"]).await;
    assert_eq!(failed["status"], json!("failed"), "{failed}");
    assert!(failed["statusMessage"].as_str().unwrap().contains("shut down"), "{failed}");
    assert_eq!(failed["error"]["code"], json!(-32603), "{failed}");
    house.probe.begun.reaches(1).await;
    assert_eq!(wire.get(&again["taskId"]).await["status"], json!("working"));
    house.probe.release.add_permits(1);
    let result = wire.outcome(&again["taskId"]).await;
    assert_eq!(result["content"][0]["text"], json!("held"), "{result}");
}
