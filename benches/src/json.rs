//! JSON texts of known sizes and shapes.

use serde_json::{Map, Value, json};

/// A call whose arguments are records as a client would send them, of about that many bytes in all.
#[must_use]
pub fn call_of_bytes(bytes: usize) -> String {
    let records = (0..bytes / record(0).to_string().len()).map(record).collect::<Vec<_>>();
    call(&json!({ "records": records }))
}

/// A call whose arguments are arrays inside each other, `levels` deep. The call itself takes three levels more.
#[must_use]
pub fn deep_call(levels: usize) -> String {
    let nested = (0..levels).fold(json!(1), |inner, _| json!([inner]));
    call(&json!({ "nested": nested }))
}

/// A call whose arguments are one object of that many members.
#[must_use]
pub fn wide_call(members: usize) -> String {
    let members = (0..members).map(|number| (format!("member_{number}"), json!(number)));
    call(&Value::Object(members.collect::<Map<_, _>>()))
}

/// A call of the legacy era with those arguments.
#[must_use]
pub fn call(arguments: &Value) -> String {
    let params = json!({ "name": "import", "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
}

fn record(number: usize) -> Value {
    json!({
        "id": number,
        "name": format!("record {number}"),
        "note": "delivered \"late\", see the letter of 3 March",
        "price": 12.5,
        "is_open": number.is_multiple_of(2),
        "tags": ["north", "priority"],
        "parent": null
    })
}
