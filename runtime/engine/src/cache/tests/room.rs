//! How much is kept: by each tool, and by all of them.

use super::*;

/// Asks each of a tool's questions once, in order, and gives those whose answers are there then.
async fn fill(tool: &Rc<Tester>, numbers: std::ops::Range<u64>) -> Vec<u64> {
    for number in numbers.clone() {
        tool.then(answer("x"));
        tool.ask(number).await;
        tool.cache.tidy();
    }
    numbers.filter(|number| tool.keeps(*number)).collect()
}

#[tokio::test(start_paused = true)]
async fn without_room_the_least_recently_or_the_least_frequently_asked_for_go() {
    let stay = async |eviction: Eviction, one_of: fn(CachePolicy) -> CachePolicy| {
        let house = House::new(Limits::default());
        let tool = house.cache("t", one_of(policy().eviction(eviction)));
        LocalSet::new()
            .run_until(async {
                for number in 0..10 {
                    fill(&tool, number..number + 1).await;
                    for _ in 0..20 {
                        assert!(tool.keeps(0), "{eviction:?}: what is asked for all the time stays");
                    }
                    tool.cache.tidy();
                }
                assert_eq!(tool.figures().evictions, 6);
                assert_eq!((tool.figures().entries, tool.figures().bytes), (4, 4 * bytes_of("x")));
                (0..10).filter(|number| tool.keeps(*number)).collect::<Vec<_>>()
            })
            .await
    };
    for one_of in [
        (|policy| policy.bytes_max(4 * bytes_of("x") + 1)) as fn(CachePolicy) -> CachePolicy,
        |policy| policy.entries_max(4),
        |policy| policy.entries_max(4).bytes_max(1 << 40),
    ] {
        assert_eq!(stay(Eviction::LeastRecent, one_of).await, [0, 7, 8, 9]);
        // A newcomer that nobody has asked for again does not drive out one that was there.
        assert_eq!(stay(Eviction::LeastFrequent, one_of).await[0], 0);
    }
}

#[tokio::test(start_paused = true)]
async fn entries_and_bytes_are_both_bounded() {
    let house = House::new(Limits::default());
    let tool = house
        .cache("t", policy().entries_max(8).bytes_max(8 * bytes_of("x")).eviction(Eviction::LeastRecent));
    LocalSet::new()
        .run_until(async {
            assert_eq!(fill(&tool, 0..10).await, [2, 3, 4, 5, 6, 7, 8, 9]);
            // One that is as large as three takes the place of three.
            let three = "x".repeat(usize::try_from(2 * bytes_of("x")).unwrap());
            tool.then(answer(&three));
            tool.ask(20).await;
            assert_eq!(
                (tool.figures().entries, tool.keeps(20), tool.keeps(4), tool.keeps(5)),
                (6, true, false, true)
            );
            for none in [policy().entries_max(0), policy().bytes_max(0)] {
                house.registry.remove_tool("none");
                assert_eq!(fill(&house.cache("none", none), 0..5).await, Vec::<u64>::new());
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn all_tools_together_stay_under_one_bound_and_the_largest_gives_up_its_oldest() {
    let one = bytes_of("x");
    let house = House::new(Limits { cache_bytes_max: 10 * one, ..Limits::default() });
    let (small, large) = (house.cache("small", policy()), house.cache("large", policy()));
    LocalSet::new()
        .run_until(async {
            let within = || {
                let stats = house.caches.stats();
                assert!(stats.total.bytes <= stats.bytes_max, "{stats:?}");
                assert_eq!(stats.total.bytes, stats.total.entries * one);
                stats.total.entries
            };
            assert_eq!(fill(&small, 0..3).await, [0, 1, 2]);
            assert_eq!(fill(&large, 0..7).await, [0, 1, 2, 3, 4, 5, 6]);
            assert_eq!(within(), 10);
            // Whoever puts something in, the one that holds most gives way.
            assert_eq!(fill(&small, 3..5).await, [3, 4]);
            assert_eq!(within(), 10);
            assert_eq!(small.figures().entries, 5);
            assert!(!large.keeps(0) && !large.keeps(1) && large.keeps(2));
            assert_eq!(large.figures().evictions, 2);
            // What a removed tool held is free for others.
            drop(small);
            house.registry.remove_tool("small");
            assert_eq!(within(), 5);
            fill(&large, 10..15).await;
            assert_eq!(within(), 10);
            // What has been forgotten takes no room.
            assert_eq!(house.caches.clear(), 10);
            assert_eq!(within(), 0);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_kept_anew_takes_its_room_once() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy());
    LocalSet::new()
        .run_until(async {
            for _ in 0..50 {
                fill(&tool, 0..2).await;
                tokio::time::advance(60 * SECOND).await;
            }
            assert_eq!((tool.figures().entries, tool.figures().bytes), (2, 2 * bytes_of("x")));
            assert_eq!(tool.figures().evictions, 0);
        })
        .await;
}
