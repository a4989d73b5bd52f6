//! Answers past their time: given while a newer one is made, or in place of a failure.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_its_time_to_live_and_no_longer_than_the_limit() {
    let house = House::new(Limits { cache_ttl_max_ms: 10_000, ..Limits::default() });
    let brief = house.cache("brief", CachePolicy::ttl(3 * SECOND));
    let long = house.cache("long", policy().stale_while_revalidate(60 * SECOND).stale_if_error(60 * SECOND));
    LocalSet::new()
        .run_until(async {
            for (tool, seconds) in [(&brief, 3), (&long, 10)] {
                tool.ask(1).await;
                tokio::time::advance(seconds * SECOND - Duration::from_millis(1)).await;
                assert_eq!(tool.ask(1).await, "run 1");
                tokio::time::advance(Duration::from_millis(1)).await;
                tool.then(answer("newer"));
                assert_eq!(tool.ask(1).await, "newer", "nothing stale is given past the limit");
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_given_at_once_and_refreshed_once_in_the_background() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy().stale_while_revalidate(30 * SECOND));
    LocalSet::new()
        .run_until(async {
            tool.ask(1).await;
            tokio::time::advance(60 * SECOND).await;
            let asked = tokio::time::Instant::now();
            assert_eq!((tool.ask(1).await, tool.ask(1).await), ("run 1".into(), "run 1".into()));
            assert!(asked.elapsed().is_zero(), "nobody waits");
            tokio::time::sleep(2 * SECOND).await;
            assert_eq!(tool.ask(1).await, "run 2");
            assert_eq!(tool.runs.get(), 2);
            // A refresh that fails leaves the stale answer for the rest of its window.
            tokio::time::advance(60 * SECOND).await;
            tool.then(failure(None));
            assert_eq!(tool.ask(1).await, "run 2");
            tokio::time::sleep(2 * SECOND).await;
            assert_eq!(tool.ask(1).await, "run 2");
            tokio::time::sleep(2 * SECOND).await;
            assert_eq!(tool.ask(1).await, "run 4");
            // Past the window calls wait.
            tokio::time::advance(90 * SECOND).await;
            assert_eq!(tool.ask(1).await, "run 5");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_comes_past_the_window_waits_for_the_refresh_that_is_on_its_way() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy().stale_while_revalidate(30 * SECOND));
    LocalSet::new()
        .run_until(async {
            tool.ask(1).await;
            tokio::time::advance(80 * SECOND).await;
            tool.takes.set(60 * SECOND);
            assert_eq!(tool.ask(1).await, "run 1");
            tokio::time::sleep(20 * SECOND).await;
            assert_eq!(tool.ask(1).await, "run 2");
            assert_eq!(tool.runs.get(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_panics_is_led_by_who_waits_for_it() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy().stale_while_revalidate(30 * SECOND));
    LocalSet::new()
        .run_until(async {
            tool.ask(1).await;
            tokio::time::advance(89 * SECOND).await;
            tool.takes.set(5 * SECOND);
            tool.then(panicked());
            assert_eq!(tool.ask(1).await, "run 1");
            tokio::time::sleep(2 * SECOND).await;
            assert_eq!(tool.ask(1).await, "run 3");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_given_in_place_of_any_failure_for_as_long_as_it_may() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy().stale_if_error(60 * SECOND).keep_errors(["not_found"], SECOND));
    LocalSet::new()
        .run_until(async {
            tool.ask(1).await;
            tokio::time::advance(60 * SECOND).await;
            for ran in [failure(None), timed_out(), refused(), panicked()] {
                tool.then(ran);
                let calls = [tool.call(1), tool.call(1)];
                for call in calls {
                    assert_eq!(text(call.ended().await), "run 1");
                }
            }
            assert_eq!(tool.runs.get(), 5, "each of them was tried");
            assert_eq!(tool.figures().stale_hits, 8);
            tool.then(failure(Some("not_found")));
            assert_eq!(tool.ask(1).await, "failed", "a failure that is kept is an answer");
            assert_eq!(tool.ask(2).await, "run 7");
            tokio::time::advance(120 * SECOND).await;
            tool.then(timed_out());
            assert_eq!(tool.ask(2).await, "timed out", "its window is over");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_forgotten_stands_in_for_nothing() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy().stale_if_error(60 * SECOND));
    LocalSet::new()
        .run_until(async {
            tool.ask(1).await;
            tokio::time::advance(60 * SECOND).await;
            tool.then(failure(None));
            let call = tool.call(1);
            tokio::task::yield_now().await;
            house.caches.clear();
            assert_eq!(text(call.ended().await), "failed");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_kept_takes_the_stale_one_away() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy().max_bytes(100).stale_while_revalidate(60 * SECOND));
    LocalSet::new()
        .run_until(async {
            tool.ask(1).await;
            tokio::time::advance(60 * SECOND).await;
            tool.then(answer(&"x".repeat(200)));
            assert_eq!(tool.ask(1).await, "run 1");
            tokio::time::sleep(2 * SECOND).await;
            assert_eq!(tool.ask(1).await, "run 3", "there is a newer one than run 1");
        })
        .await;
}
