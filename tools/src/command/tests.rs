//! What sections are refused, and what templates make of arguments.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn opened(settings: &Value) -> Result<Command, String> {
    let settings: Settings = serde_json::from_value(settings.clone()).map_err(|error| error.to_string())?;
    let opening = Opening { key: "packs.command.run".into(), directory: "/".into() };
    Command::open(&settings, &opening).map_err(|error| error.to_string())
}

#[test]
fn what_can_not_be_meant_is_refused_by_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("harmless");
    std::os::unix::fs::symlink("/bin/sh", &link).unwrap();
    let set_user_id = folder.path().join("set_user_id");
    std::fs::write(&set_user_id, "").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o4755);
    std::fs::set_permissions(&set_user_id, mode).unwrap();
    let echo = |rest: Value| {
        let mut settings = json!({"program": "/bin/echo"});
        settings.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        settings
    };
    let rows = [
        (json!({"program": "echo"}), "program: `echo` must be an absolute path"),
        (json!({"program": "./echo"}), "must be an absolute path"),
        (json!({"program": "/nowhere/echo"}), "program: `/nowhere/echo`: "),
        (json!({"program": "/etc/passwd"}), "is no file that may be executed"),
        (json!({"program": "/etc"}), "is no file that may be executed"),
        (json!({"program": "/bin/sh"}), "is a shell; name the program"),
        (json!({"program": link}), "is a shell"),
        (json!({"program": set_user_id}), "runs as somebody else (set-user-ID)"),
        (json!({}), "missing field `program`"),
        (echo(json!({"shell": true})), "unknown field `shell`"),
        (echo(json!({"argv": ["{file}"]})), "argv[0]: there is no parameter `file`; there are: "),
        (echo(json!({"argv": ["a", ["b", "{"]]})), "argv[1]: `{` has a brace without its other"),
        (echo(json!({"argv": ["}"]})), "argv[0]: `}` has a brace"),
        (
            echo(json!({"parameters": {"file": {}}})),
            "parameters.file: is used nowhere; write `{file}` in argv, or name it in stdin",
        ),
        (echo(json!({"parameters": {"fi le": {}}})), "parameters.fi le: a parameter's name has"),
        (
            echo(json!({"argv": ["x{all}"], "parameters": {"all": {"type": "array"}}})),
            "argv[0]: `{all}` must stand alone",
        ),
        (
            echo(json!({"argv": ["{a}"], "parameters": {"a": {"type": "integer", "pattern": "x"}}})),
            "parameters.a: pattern, minLength",
        ),
        (echo(json!({"argv": ["{a}"], "parameters": {"a": {"type": "text"}}})), "unknown variant `text`"),
        (
            echo(json!({"argv": ["{a}"], "parameters": {"a": {}}, "env": {"LD_PRELOAD": "{a}"}})),
            "env.LD_PRELOAD: `{a}` can't stand here: no parameter reaches the environment",
        ),
        (echo(json!({"env": {"A=B": "x"}})), "env.A=B: a name has neither"),
        (echo(json!({"stdin": "text"})), "stdin: there is no parameter `text`"),
        (
            echo(json!({"stdin": "a", "argv": ["{a}"], "parameters": {"a": {}}})),
            "stdin: `a` stands in argv already",
        ),
        (echo(json!({"directory": "nowhere"})), "directory: there is no directory /nowhere"),
        (echo(json!({"at_once": 0})), "at_once: must be at least 1"),
    ];
    for (settings, expected) in rows {
        let refused = opened(&settings).expect_err("must be refused");
        assert!(refused.contains(expected), "{settings}: {refused}");
    }
}

#[test]
fn a_tool_is_described_by_its_section() {
    let settings = json!({
        "program": "/bin/echo",
        "title": "Echo",
        "description": "Says it again.",
        "argv": ["{loud}", "--", "{text}", "{times}"],
        "parameters": {
            "text": {"description": "what to say", "pattern": "[a-z]+", "maxLength": 9},
            "times": {"type": "integer", "minimum": 1, "maximum": 3, "default": 1},
            "loud": {"type": "boolean", "flag": "--loud", "required": false},
        },
    });
    let tool = opened(&settings).unwrap().tool();
    assert_eq!(tool.name(), "run");
    let runtime = impresario_engine::Runtime::builder().tool(tool).lanes(1).start().unwrap();
    let definition = runtime.shared().registry.snapshot().tool("run").unwrap().definition.clone();
    assert_eq!(
        (definition.title.as_deref(), definition.description.as_deref()),
        (Some("Echo"), Some("Says it again."))
    );
    assert_eq!(
        definition.input_schema,
        json!({
            "type": "object",
            "properties": {
                "loud": {"type": "boolean"},
                "text": {"type": "string", "description": "what to say", "pattern": "^(?:[a-z]+)$", "maxLength": 9},
                "times": {"type": "integer", "minimum": 1, "maximum": 3, "default": 1},
            },
            "required": ["text"],
            "additionalProperties": false,
        })
    );
    let annotations = definition.annotations.unwrap();
    assert_eq!((annotations.read_only_hint, annotations.destructive_hint), (Some(false), Some(true)));
}

fn template(argv: &Value, parameters: &Value) -> Template {
    let argv: Vec<Argument> = serde_json::from_value(argv.clone()).unwrap();
    Template::read(&argv, &serde_json::from_value(parameters.clone()).unwrap(), 1 << 20).unwrap()
}

#[test]
fn a_template_becomes_items() {
    let parameters = json!({
        "text": {"required": false},
        "count": {"type": "integer", "default": 3},
        "ratio": {"type": "number", "required": false},
        "all": {"type": "boolean", "flag": "--all", "required": false},
        "plain": {"type": "boolean", "required": false},
        "files": {"type": "array", "required": false},
        "kind": {"enum": ["-a", "b"], "required": false},
        "free": {"allow_leading_dash": true, "required": false},
    });
    let check = |argv: Value, arguments: Value, expected: Result<&[&str], &str>| {
        let filled = template(&argv, &parameters).fill(arguments.as_object().unwrap());
        let expected = expected.map(|items| items.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(filled, expected.map_err(ToOwned::to_owned), "{argv} {arguments}");
    };
    check(json!(["-n", "{count}"]), json!({}), Ok(&["-n", "3"]));
    check(json!(["-n", "{count}"]), json!({"count": -5}), Ok(&["-n", "-5"]));
    check(json!(["-n{count}", "{ratio}"]), json!({"ratio": 0.5}), Ok(&["-n3", "0.5"]));
    check(json!(["a", "{text}", "b"]), json!({}), Ok(&["a", "b"]));
    check(json!(["a", "{text}", "b"]), json!({"text": null}), Ok(&["a", "b"]));
    check(json!(["a", "{text}"]), json!({"text": ""}), Ok(&["a", ""]));
    check(json!([["--text", "{text}"], "b"]), json!({}), Ok(&["b"]));
    check(json!([["--text", "{text}"], "b"]), json!({"text": "t"}), Ok(&["--text", "t", "b"]));
    check(json!(["{all}", "{plain}"]), json!({"all": true, "plain": true}), Ok(&["--all", "true"]));
    check(json!(["{all}", ["--x", "{all}"]]), json!({"all": false}), Ok(&[]));
    check(json!(["{files}", "end"]), json!({"files": ["a b", "c"]}), Ok(&["a b", "c", "end"]));
    check(json!([["--files", "{files}"]]), json!({"files": []}), Ok(&[]));
    check(json!(["{{text}}", "{{{text}}}"]), json!({"text": "t"}), Ok(&["{text}", "{t}"]));
    let dash =
        |name: &str| format!("`{name}` must not begin with `-`: the program would take it for an option");
    check(json!(["{text}"]), json!({"text": "-x"}), Err(&dash("text")));
    check(json!(["{files}"]), json!({"files": ["a", "-x"]}), Err(&dash("files")));
    check(json!(["{text}{free}"]), json!({"text": "", "free": "x"}), Ok(&["x"]));
    check(json!(["{free}{text}"]), json!({"text": "-x", "free": ""}), Err(&dash("text")));
    // A `--` that is left out, or stands behind, guards nothing.
    check(json!([["--", "{ratio}"], "{text}"]), json!({"text": "-x"}), Err(&dash("text")));
    check(json!(["{text}", "--"]), json!({"text": "-x"}), Err(&dash("text")));
    check(json!(["--", "{text}"]), json!({"text": "-x"}), Ok(&["--", "-x"]));
    check(json!(["--text={text}"]), json!({"text": "-x"}), Ok(&["--text=-x"]));
    check(json!(["{kind}", "{free}"]), json!({"kind": "-a", "free": "-x"}), Ok(&["-a", "-x"]));
    check(json!(["--", "{text}"]), json!({"text": "a\0"}), Err("`text` must not hold the character U+0000"));
}

proptest! {
    #[test]
    fn any_text_stays_one_item(text in any::<String>(), other in "[^-\0]{0,8}") {
        let parameters = json!({"text": {}, "other": {}});
        let template = template(&json!(["first", "--in={text}", "--", "{text}", "{other}", "last"]), &parameters);
        let arguments = Map::from_iter([("text".into(), json!(text)), ("other".into(), json!(other))]);
        match template.fill(&arguments) {
            Ok(argv) => {
                prop_assert!(!text.contains('\0'));
                let inside = format!("--in={text}");
                prop_assert_eq!(argv, ["first", &inside, "--", &text, &other, "last"]);
            }
            Err(_) => prop_assert!(text.contains('\0')),
        }
    }

    #[test]
    fn no_text_ever_becomes_an_option(text in "-{0,2}[a-z=]{0,4}", other in "-{0,2}[a-z=]{0,4}") {
        let template = template(&json!(["{text}{other}", "{other}"]), &json!({"text": {}, "other": {}}));
        let arguments = Map::from_iter([("text".into(), json!(text)), ("other".into(), json!(other))]);
        if let Ok(argv) = template.fill(&arguments) {
            prop_assert!(argv.iter().all(|item| !item.starts_with('-')), "{:?}", argv);
        }
    }
}
