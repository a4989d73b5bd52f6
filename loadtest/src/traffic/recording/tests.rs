//! The file's format: what is written is read again, and what is damaged is named.

use proptest::prelude::*;

use super::*;

fn example() -> Opening {
    Opening {
        recording: FORMAT,
        started_at: "2026-07-28T00:00:00Z".into(),
        generator: "test".into(),
        transport: Transport::Http,
        target: "http://127.0.0.1:1/mcp".into(),
    }
}

fn written(opening: &Opening, lines: &[Line], is_closed: bool) -> Vec<u8> {
    let mut text = serde_json::to_vec(opening).unwrap();
    text.push(b'\n');
    for line in lines {
        text.extend(serde_json::to_vec(line).unwrap());
        text.push(b'\n');
    }
    if is_closed {
        let entry = Entry::Closed { reason: Reason::Stopped, lines: lines.len() as u64 };
        let at_us = lines.last().map_or(0, |line| line.at_us);
        text.extend(serde_json::to_vec(&Line { at_us, connection: 0, entry }).unwrap());
        text.push(b'\n');
    }
    text
}

fn said(at_us: u64, text: &str) -> Line {
    let body = Body::whole(text.as_bytes().to_vec());
    Line { at_us, connection: 1, entry: Entry::Said { by: Side::Client, body } }
}

fn body() -> impl Strategy<Value = Body> {
    let data = prop_oneof![".*".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..200)];
    (data, 0_u64..1000).prop_map(|(data, missing)| Body { bytes: data.len() as u64 + missing, data })
}

fn headers() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map("[a-z-]{1,20}", ".*", 0..4)
}

fn entry() -> impl Strategy<Value = Entry> {
    let ending = prop_oneof![Just(Ending::Complete), Just(Ending::ClientLeft), Just(Ending::ServerLeft)];
    let side = prop_oneof![Just(Side::Client), Just(Side::Server)];
    prop_oneof![
        (any::<u64>(), "[A-Z]{1,7}", ".*", headers(), body()).prop_map(
            |(exchange, method, path, headers, body)| Entry::Request {
                exchange,
                method,
                path,
                headers,
                body
            }
        ),
        (any::<u64>(), any::<u16>(), headers()).prop_map(|(exchange, status, headers)| Entry::Response {
            exchange,
            status,
            headers
        }),
        (any::<u64>(), ".*", body()).prop_map(|(exchange, event, body)| Entry::Message {
            exchange,
            event,
            body
        }),
        (any::<u64>(), ending).prop_map(|(exchange, how)| Entry::End { exchange, how }),
        (side, body()).prop_map(|(by, body)| Entry::Said { by, body }),
    ]
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    prop::collection::vec((0_u64..1 << 40, any::<u64>(), entry()), 0..12).prop_map(|rows| {
        let mut at_us = 0;
        let line = |(step, connection, entry)| {
            at_us += step;
            Line { at_us, connection, entry }
        };
        rows.into_iter().map(line).collect()
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(lines in lines()) {
        let text = written(&example(), &lines, true);
        prop_assert_eq!(parse(&text, false), Ok(Recording { opening: example(), lines }));
    }

    /// Wherever a recording is cut off, that is said; and with `--partial` the lines before are read.
    #[test]
    fn a_recording_that_is_cut_off_says_so(lines in lines(), at in 0.0_f64..1.0) {
        let text = written(&example(), &lines, true);
        let opening = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short text")]
        let cut = opening + ((text.len() - opening) as f64 * at) as usize;
        let reason = parse(&text[..cut], false).unwrap_err();
        prop_assert!(reason.contains("cut off"), "{}", reason);
        let part = parse(&text[..cut], true).unwrap();
        prop_assert!(lines.starts_with(&part.lines));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), is_partial: bool) {
        let _ = parse(&bytes, is_partial);
        let mut text = written(&example(), &[], false);
        text.extend(bytes);
        let _ = parse(&text, is_partial);
    }
}

#[test]
fn what_is_damaged_is_named_with_its_line() {
    let whole = written(&example(), &[said(1, "a"), said(2, "b")], true);
    let rows =
        |text: &[u8]| text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let [first, second, third, last] = rows(&whole).try_into().unwrap();
    let newer = String::from_utf8(first.clone()).unwrap().replace("\"recording\":1", "\"recording\":2");
    let cases: [(&[&[u8]], &str); 10] = [
        (&[], "empty"),
        (&[b"{}\n"], "no member `recording`"),
        (&[b"hello\n"], "no recording"),
        (&[newer.as_bytes(), &last], "format 2"),
        (&[b"{\"recording\":1}\n"], "line 1 is damaged: missing field"),
        (&[&first, &second, b"{\"at_us\":1\n", &last], "line 3 is damaged"),
        (&[&first, &third, &second, &last], "line 3 is damaged: its time"),
        (&[&first, &second, &last], "lines are missing: 1 were found, and 2 were written"),
        (&[&first, &second, &third, &last, &second], "line 5 stands behind"),
        (&[&first, &second, &third], "cut off in line 4"),
    ];
    for (parts, expected) in cases {
        let reason = parse(&parts.concat(), false).unwrap_err();
        assert!(reason.contains(expected), "{reason}");
    }
    // Damage is no cut: it is refused in any case.
    assert!(parse(&[&first[..], b"{\"at_us\":1\n"].concat(), true).is_err());
}

#[test]
fn members_that_are_not_known_are_ignored() {
    let mut text = written(&example(), &[], false);
    text.extend(
        br#"{"at_us":5,"connection":1,"what":"said","by":"client","body":{"text":"x","later":1},"new":[]}"#,
    );
    text.push(b'\n');
    assert_eq!(parse(&text, true).unwrap().lines, [said(5, "x")]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let fault = read(Path::new("/no/such/recording.jsonl"), false).unwrap_err().to_string();
    assert!(fault.contains("/no/such/recording.jsonl") && fault.contains("No such file"), "{fault}");
}
