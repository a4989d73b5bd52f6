//! How long to wait before a call is tried again: at random, so that callers who failed together don't come back
//! together, and longer each time.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, SystemTime};

use impresario_outbound::{HeaderMap, header};

use super::failure::Failure;
use super::settings::Retries;

/// The pause before try number `tried + 1`, or nothing if there is to be none.
pub(super) fn pause(retries: &Retries, tried: u32, failure: &Failure) -> Option<Duration> {
    if tried > retries.max || !failure.is_transient {
        return None;
    }
    let drawn = drawn_below(longest(retries, tried));
    match failure.retry_after {
        Some(asked) if asked > retries.retry_after_max.0 => None,
        // Never sooner than asked, and not all at once either.
        Some(asked) => Some(asked + drawn),
        None => Some(drawn),
    }
}

/// The longest pause after so many tries: it doubles with each.
fn longest(retries: &Retries, tried: u32) -> Duration {
    let factor = 1_u32.checked_shl(tried.saturating_sub(1)).unwrap_or(u32::MAX);
    retries.pause.0.saturating_mul(factor).min(retries.pause_max.0)
}

/// A time below that one, evenly at random. The standard library's keys are random and differ with each state, which is
/// all that is needed here.
fn drawn_below(longest: Duration) -> Duration {
    let share = RandomState::new().hash_one(longest) as f64 / u64::MAX as f64;
    longest.mul_f64(share)
}

/// When the API asks to be left alone until then: so many seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let date = httpdate::parse_http_date(value).ok()?;
            Some(date.duration_since(SystemTime::now()).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use impresario_outbound::HeaderValue;

    use super::*;
    use crate::http::failure::Kind;

    fn failed(is_transient: bool, retry_after_s: Option<u64>) -> Failure {
        let retry_after = retry_after_s.map(Duration::from_secs);
        Failure { is_transient, retry_after, ..Failure::new(Kind::UpstreamFailed, "failed") }
    }

    #[test]
    fn pauses_double_to_their_limit_and_are_drawn_below_it() {
        let retries = Retries { max: 40, ..Retries::default() };
        for (tried, longest_ms) in
            [(1, 200), (2, 400), (3, 800), (4, 1_600), (5, 2_000), (6, 2_000), (40, 2_000)]
        {
            let longest_ms = Duration::from_millis(longest_ms);
            assert_eq!(longest(&retries, tried), longest_ms);
            let drawn: Vec<Duration> =
                (0..100).filter_map(|_| pause(&retries, tried, &failed(true, None))).collect();
            assert!(drawn.len() == 100 && drawn.iter().all(|pause| *pause <= longest_ms), "{drawn:?}");
            assert!(
                drawn.iter().max().unwrap().saturating_sub(*drawn.iter().min().unwrap()) > longest_ms / 4
            );
        }
    }

    #[test]
    fn what_does_not_pass_or_was_tried_often_enough_is_not_tried_again() {
        let retries = Retries::default();
        assert!(pause(&retries, 2, &failed(true, None)).is_some());
        assert_eq!(pause(&retries, 3, &failed(true, None)), None);
        assert_eq!(pause(&retries, 1, &failed(false, None)), None);
        assert_eq!(pause(&Retries { max: 0, ..retries }, 1, &failed(true, None)), None);
    }

    #[test]
    fn an_api_that_says_when_is_waited_for_within_bounds() {
        let retries = Retries::default();
        let waited = pause(&retries, 1, &failed(true, Some(3))).unwrap();
        assert!(waited >= Duration::from_secs(3) && waited < Duration::from_secs(4), "{waited:?}");
        assert_eq!(pause(&retries, 1, &failed(true, Some(60))), None);
    }

    #[test]
    fn both_forms_of_the_header_are_read() {
        let read = |value: &'static str| {
            retry_after(&HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static(value))]))
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Fri, 31 Dec 1999 23:59:59 GMT"), Some(Duration::ZERO));
        for wrong in ["soon", "-1", "1.5", ""] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
