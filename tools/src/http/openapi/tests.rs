//! Documents as tools.

use serde_json::json;

use super::*;

fn document(paths: &Value) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": { "title": "Test", "version": "1" },
        "servers": [{ "url": "https://{region}.example.com/v1", "variables": { "region": { "default": "eu" } } }],
        "paths": paths,
        "components": { "schemas": {
            "Pet": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {
                    "id": { "type": "integer", "format": "int64", "readOnly": true },
                    "name": { "type": "string", "nullable": true, "example": "Rex" },
                    "age": { "type": "number", "minimum": 0, "exclusiveMinimum": true },
                    "parent": { "$ref": "#/components/schemas/Pet" },
                    "secret": { "type": "string", "writeOnly": true },
                },
            },
            "Out": { "$ref": "http://127.0.0.1:1/schema.json" },
            "File": { "$ref": "file:///etc/passwd" },
            "Loop": { "$ref": "#/components/schemas/Loop" },
        } },
    })
}

fn read(paths: &Value, settings: Value) -> Result<Vec<Operation>, PartError> {
    let document = Document::parse(&document(paths).to_string(), None).unwrap();
    document.operations(&serde_json::from_value(settings).unwrap())
}

fn one(operation: impl Into<Value>, method: &str) -> Result<Operation, String> {
    let paths = json!({ "/pets/{id}": { "parameters": [
        { "name": "id", "in": "path", "required": true, "schema": { "type": "integer", "format": "int64" } },
    ], method: operation.into() } });
    read(&paths, json!({ "methods": [method] }))
        .map(|mut all| all.remove(0))
        .map_err(|error| error.to_string())
}

#[test]
fn parameters_and_body_become_arguments_and_go_where_they_belong() {
    let operation = one(
        json!({
            "operationId": "pets.update ü",
            "summary": "Update a pet.",
            "parameters": [
                { "name": "tags", "in": "query", "explode": false, "schema": { "type": "array", "items": { "type": "string" } } },
                { "name": "filter[x]", "in": "query", "description": "filters", "schema": { "type": "string", "default": "a" } },
                { "name": "id", "in": "query", "schema": { "type": "string" } },
                { "name": "X-Trace", "in": "header", "schema": { "type": "string" } },
                { "name": "Authorization", "in": "header", "required": true, "schema": { "type": "string" } },
                { "name": "session", "in": "cookie", "schema": { "type": "string" } },
            ],
            "requestBody": { "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Pet" } } } },
        }),
        "put",
    )
    .unwrap();
    assert_eq!((operation.name.as_str(), operation.title.as_deref()), ("pets.update", Some("Update a pet.")));
    let expected = json!({
        "type": "object",
        "properties": {
            "tags": { "type": "array", "items": { "type": "string" } },
            "filter_x": { "type": "string", "default": "a", "description": "filters" },
            "id": { "type": "string" },
            "X-Trace": { "type": "string" },
            "path_id": { "type": "integer" },
            "body": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": { "type": ["string", "null"] },
                    "age": { "type": "number", "exclusiveMinimum": 0 },
                    "parent": {},
                    "secret": { "type": "string" },
                },
            },
        },
        "additionalProperties": false,
        "required": ["path_id", "body"],
    });
    assert_eq!(operation.arguments.schema(), expected);

    let base = crate::http::request::Base {
        url: Url::parse("https://api.example.com/v1").unwrap(),
        headers: impresario_outbound::HeaderMap::new(),
        query: Vec::new(),
    };
    let mut arguments = operation.arguments.defaults();
    let given = json!({ "tags": ["a", "b,c"], "path_id": 7, "X-Trace": "t", "body": { "name": "Rex" } });
    arguments.extend(given.as_object().unwrap().clone());
    let request = operation.plan.fill(&base, &arguments).unwrap();
    assert_eq!(request.url.as_str(), "https://api.example.com/v1/pets/7?tags=a,b%2Cc&filter%5Bx%5D=a");
    assert_eq!(
        (&request.headers["x-trace"], &*request.body),
        (&"t".parse().unwrap(), &br#"{"name":"Rex"}"#[..])
    );
}

#[test]
fn what_leads_out_of_the_document_or_round_in_it_is_refused() {
    let body = |schema: &str| json!({ "requestBody": { "content": { "application/json": { "schema": { "$ref": schema } } } } });
    for (schema, problem) in [
        ("http://127.0.0.1:1/a.json", "leads out of the document"),
        ("#/components/schemas/Out", "leads out of the document"),
        ("#/components/schemas/File", "leads out of the document"),
        ("other.yaml#/a", "leads out of the document"),
        ("#/components/schemas/None", "nothing stands at"),
    ] {
        let error = one(body(schema), "post").unwrap_err();
        assert!(error.contains(problem) && error.contains("exclude"), "{schema}: {error}");
    }
    assert!(one(body("#/components/schemas/Loop"), "post").is_ok(), "there anything goes");
    let round = json!({ "parameters": [{ "$ref": "#/components/schemas/Loop" }] });
    assert!(one(round, "get").unwrap_err().contains("lead to each other"));
}

#[test]
fn schemas_have_bounds() {
    let body = |schema: &Value| json!({ "requestBody": { "content": { "application/json": { "schema": schema } } } });
    let mut deep = json!({ "type": "string" });
    (0..30).for_each(|_| deep = json!({ "items": deep }));
    assert!(one(body(&deep), "post").unwrap_err().contains("deeper than 16"));
    let wide: JsonObject = (0..600).map(|n| (format!("p{n}"), json!({ "type": "string" }))).collect();
    assert!(one(body(&json!({ "properties": wide })), "post").unwrap_err().contains("more than 500"));
}

#[test]
fn what_can_not_be_said_is_refused_by_name() {
    let parameter = |parameter: Value| one(json!({ "operationId": "it", "parameters": [parameter] }), "get");
    for (wrong, problem) in [
        (json!({ "name": "m", "in": "query", "style": "weird" }), "the style weird"),
        (json!({ "name": "m", "in": "cookie", "required": true }), "\"cookie\""),
        (json!({ "name": "id", "in": "path", "style": "matrix" }), "the style matrix"),
        (json!({ "name": "Host", "in": "header" }), "client's own"),
    ] {
        let error = parameter(wrong.clone()).unwrap_err();
        assert!(error.contains("operation it") && error.contains(problem), "{wrong}: {error}");
    }
    let upload = json!({ "requestBody": { "required": true, "content": { "multipart/form-data": {} } } });
    assert!(one(upload, "post").unwrap_err().contains("multipart/form-data"));
    let error = read(&json!({ "/a/{b}": { "get": {} } }), json!({})).unwrap_err();
    assert!(error.message.contains("`{b}`"), "{error}");
}

#[test]
fn operations_are_chosen_and_renamed() {
    let operation = |id: &str, tag: &str| json!({ "operationId": id, "tags": [tag] });
    let paths = json!({
        "/a": { "get": operation("listA", "one"), "post": operation("createA", "one") },
        "/b": { "get": operation("listB", "two"), "delete": operation("deleteB", "two") },
        "/c/d": { "get": {} },
    });
    let names = |settings: Value| {
        read(&paths, settings)
            .map(|all| all.into_iter().map(|operation| operation.name).collect::<Vec<_>>())
            .map_err(|error| error.to_string())
    };
    for (settings, expected) in [
        (json!({}), vec!["listA", "listB", "get_c_d"]),
        (json!({ "include": ["list*"] }), vec!["listA", "listB"]),
        (json!({ "include": ["tag:two"], "methods": ["get", "DELETE"] }), vec!["listB", "deleteB"]),
        (json!({ "exclude": ["tag:one", "get_*"] }), vec!["listB"]),
        (json!({ "include": ["listA"], "rename": { "listA": "find_a" } }), vec!["find_a"]),
    ] {
        assert_eq!(names(settings.clone()).unwrap(), expected, "{settings}");
    }
    for (settings, problem) in [
        (json!({ "max": 2 }), "operations.max: 3 operations are more than 2"),
        (json!({ "include": ["createA"] }), "none of the document's 5 operations is chosen"),
        (json!({ "include": ["nope"] }), "operations.include: \"nope\""),
        (json!({ "exclude": ["tag:nope"] }), "operations.exclude: \"tag:nope\""),
        (json!({ "rename": { "nope": "x" } }), "operations.rename: \"nope\""),
        (json!({ "rename": { "listA": "listB" } }), "two operations are called listB"),
        (json!({ "methods": ["FETCH"] }), "operations.methods"),
    ] {
        let error = names(settings.clone()).unwrap_err();
        assert!(error.contains(problem), "{settings}: {error}");
    }
}

#[test]
fn output_schemas_are_taken_over_when_that_is_asked_for() {
    let responses = json!({ "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Pet" } } } } });
    let paths = json!({ "/pets": { "get": { "responses": responses } } });
    assert!(read(&paths, json!({})).unwrap()[0].output_schema.is_none());
    let with = read(&paths, json!({ "output_schemas": true })).unwrap().remove(0).output_schema.unwrap();
    assert_eq!(with["required"], json!(["id", "name"]));
    assert!(with["properties"].get("secret").is_none(), "only we write it");
}

#[test]
fn documents_are_read_as_json_and_as_yaml_and_others_are_refused() {
    let yaml = "openapi: '3.1.0'\nservers:\n  - url: /v2\npaths:\n  /a:\n    get:\n      operationId: a\n";
    let from = Url::parse("https://docs.example.com/api/openapi.yaml").unwrap();
    let document = Document::parse(yaml, Some(from)).unwrap();
    assert_eq!(document.server().unwrap(), "https://docs.example.com/v2");
    assert_eq!(document.operations(&Operations::default()).unwrap()[0].name, "a");
    assert!(Document::parse(yaml, None).unwrap().server().is_err());
    let server =
        Document::parse(&super::tests::document(&json!({})).to_string(), None).unwrap().server().unwrap();
    assert_eq!(server, "https://eu.example.com/v1");
    for (text, problem) in [
        ("{\"openapi\": \"2.0\"}", "only 3.0 and 3.1"),
        ("swagger: '2.0'", "Swagger 2"),
        ("a: b", "no `openapi`"),
        ("{", "no JSON"),
        ("a: [", "no YAML"),
        ("", "no"),
    ] {
        let error = Document::parse(text, None).unwrap_err();
        assert!(error.contains(problem), "{text}: {error}");
    }
}
