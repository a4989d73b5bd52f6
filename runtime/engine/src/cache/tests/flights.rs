//! Equal calls that arrive together.

use super::*;

#[tokio::test(start_paused = true)]
async fn ten_thousand_equal_calls_on_expiry_run_the_tool_once() {
    const CALLS: usize = 10_000;
    for stale_for in [Duration::ZERO, SECOND] {
        let house = House::new(Limits::default());
        let tool = house.cache("t", policy().stale_while_revalidate(stale_for));
        LocalSet::new()
            .run_until(async {
                assert_eq!(tool.ask(1).await, "run 1");
                tokio::time::advance(60 * SECOND).await;
                let calls: Vec<_> = (0..CALLS).map(|_| tool.call(1)).collect();
                let expected = if stale_for.is_zero() { "run 2" } else { "run 1" };
                for call in calls {
                    assert_eq!(text(call.ended().await), expected);
                }
                assert_eq!(tool.ask(2).await, "run 3", "the next call is not in the way of the refresh");
                assert_eq!(tool.ask(1).await, "run 2");
                assert_eq!(tool.runs.get(), 3);
            })
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_run_goes_on_when_its_leader_leaves() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy());
    LocalSet::new()
        .run_until(async {
            let (leader, follower) = (tool.call(1), tool.call(1));
            tokio::task::yield_now().await;
            leader.cancel(crate::call::CancelReason::Asked);
            assert_eq!(text(follower.ended().await), "run 1");
            assert_eq!(tool.ask(1).await, "run 1");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn after_a_panic_the_next_in_line_leads() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy());
    LocalSet::new()
        .run_until(async {
            tool.then(panicked());
            tool.then(panicked());
            let calls: Vec<_> = (0..5).map(|_| tool.call(1)).collect();
            calls[1].cancel(crate::call::CancelReason::Asked);
            let begun = tokio::time::Instant::now();
            let mut answers = Vec::new();
            for call in [&calls[0], &calls[2], &calls[3], &calls[4]] {
                answers.push(text(call.ended().await));
            }
            assert_eq!(answers, ["internal error", "internal error", "run 3", "run 3"]);
            assert_eq!(begun.elapsed(), 3 * SECOND, "nobody waits for anything but the runs");
            // When nobody is left the table is empty again, and the next call leads.
            tool.then(panicked());
            assert_eq!(tool.ask(2).await, "internal error");
            assert_eq!(tool.ask(2).await, "run 5");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_run_that_fails_fails_with_it() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy());
    LocalSet::new()
        .run_until(async {
            for (ran, said) in [(failure(None), "failed"), (timed_out(), "timed out"), (refused(), "full")] {
                tool.then(ran);
                let calls = [tool.call(1), tool.call(1), tool.call(1)];
                for call in calls {
                    assert_eq!(text(call.ended().await), said);
                }
            }
            assert_eq!(tool.runs.get(), 3);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn when_its_lane_ends_those_who_wait_are_told() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy());
    let (leading, waiting) = (call(), call());
    let key = tool.key(1);
    let lane = LocalSet::new();
    lane.run_until(async {
        let Joined::Leads(flight) = tool.cache.join(key, &leading) else { panic!("it leads") };
        tool.fly(flight, Arc::clone(&leading));
        tokio::task::yield_now().await;
    })
    .await;
    assert!(matches!(tool.cache.join(key, &waiting), Joined::Waits));
    drop(lane);
    for call in [leading, waiting] {
        let told = text(call.ended().await);
        assert!(told.contains("shutting down"), "{told}");
    }
    assert!(matches!(tool.cache.join(key, &call()), Joined::Leads(_)), "the next one can lead");
}

#[tokio::test(start_paused = true)]
async fn calls_that_have_left_do_not_pile_up() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy());
    LocalSet::new()
        .run_until(async {
            let leader = tool.call(1);
            for _ in 0..10_000 {
                tool.call(1).cancel(crate::call::CancelReason::Asked);
            }
            assert!(tool.cache.waiting() < 100, "{} wait", tool.cache.waiting());
            assert_eq!(text(leader.ended().await), "run 1");
        })
        .await;
}
