//! Whatever a client sends as the state of an earlier run, it opens nothing that was not sealed, and nothing panics.
#![no_main]

use std::sync::LazyLock;

use impresario_codec::{DecodeLimits, Message};
use impresario_engine::Sealer;
use impresario_protocol::Limits;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// Two keys, so that each state is tried with both.
static SEALER: LazyLock<Sealer> = LazyLock::new(|| Sealer::new(&[[7; 32], [8; 32]], &Limits::default()));

static LIMITS: LazyLock<DecodeLimits> = LazyLock::new(|| DecodeLimits::from(&Limits::default()));

/// The alphabet of sealed states.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fuzz_target!(|input: (bool, &str, &[u8])| {
    let (is_well_spelt, principal, bytes) = input;
    // Half of the inputs are spelt as states are, so that more than the spelling is looked at.
    let state = if is_well_spelt { spelt(bytes) } else { String::from_utf8_lossy(bytes).into_owned() };
    let params = json!({
        "name": "ask",
        "arguments": { "principal": principal },
        "requestState": state,
        "inputResponses": { "who": { "action": "accept", "content": { "name": principal } } },
    });
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let Ok(message) = Message::parse(request.as_bytes(), &LIMITS) else { return };
    assert!(!SEALER.knows(Some(principal), &message), "{request}");
    assert!(!SEALER.knows(None, &message), "{request}");
});

/// Those bytes behind the version that states begin with, in unpadded base64.
fn spelt(bytes: &[u8]) -> String {
    let bytes = [&[1], bytes].concat();
    let mut state = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        let digits = (0..=group.len()).map(|place| ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]);
        state.extend(digits.map(char::from));
    }
    state
}
