//! The YAML at the head of a `SKILL.md`, as JSON.

use serde_json::Value;

/// What a front matter says, and what must be in it.
#[derive(Debug, PartialEq)]
pub(super) struct FrontMatter {
    pub(super) name: String,
    pub(super) description: String,
    /// All of it.
    pub(super) whole: Value,
}

/// Reads the front matter of a `SKILL.md` in a folder of that name.
///
/// # Errors
/// What is wrong with it, for whoever wrote it.
pub(super) fn read(bytes: &[u8], folder: &str, bytes_max: usize) -> Result<FrontMatter, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("it is not UTF-8: {error}"))?;
    let yaml = yaml_of(text).ok_or("it must begin with front matter between two lines of `---`")?;
    if yaml.len() > bytes_max {
        return Err(format!("its front matter is longer than {bytes_max} bytes"));
    }
    let whole: Value = serde_saphyr::from_str_with_options(yaml, core_schema())
        .map_err(|error| format!("its front matter is no YAML: {error}"))?;
    let text = |member: &str, chars_max: usize| {
        let value = whole.get(member).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let value = value.ok_or_else(|| format!("its front matter must have a `{member}`, some text"))?;
        if value.chars().count() > chars_max {
            return Err(format!("its `{member}` is longer than {chars_max} characters"));
        }
        Ok(value.to_owned())
    };
    let (name, description) = (text("name", 64)?, text("description", 1_024)?);
    if !is_name(&name) {
        return Err("its `name` must be lower-case letters, digits and single hyphens between them".into());
    }
    if name != folder {
        return Err(format!("its `name` must be that of its folder, `{folder}`"));
    }
    Ok(FrontMatter { name, description, whole })
}

/// YAML 1.2 as other readers take it: `yes` and `1_000` are words. References are bounded by the library's own budget.
fn core_schema() -> serde_saphyr::Options {
    serde_saphyr::options! { strict_booleans: true, underscored_numbers_as_strings: true }
}

/// What stands between the first line and the next line of `---`.
fn yaml_of(text: &str) -> Option<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = text.strip_prefix("---")?;
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))?;
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        if bare.strip_prefix("---").is_some_and(|rest| rest.trim_end_matches([' ', '\t']).is_empty()) {
            return Some(&rest[..at]);
        }
        at += line.len();
    }
    None
}

/// The naming rules of Agent Skills.
fn is_name(name: &str) -> bool {
    let is_of_it = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&name.len())
        && name.bytes().all(is_of_it)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(text: &str, expected: Result<Value, &str>) {
        match (read(text.as_bytes(), "pdf", 1_000), expected) {
            (Ok(read), Ok(expected)) => assert_eq!(read.whole, expected, "{text}"),
            (Err(said), Err(expected)) => assert!(said.contains(expected), "{text}: {said}"),
            (read, expected) => panic!("{text}: {read:?}, not {expected:?}"),
        }
    }

    #[test]
    fn yaml_is_read_as_json() {
        let whole = json!({"name": "pdf", "description": "Reads PDF"});
        for text in [
            "---\nname: pdf\ndescription: Reads PDF\n---\nbody",
            "---\r\nname: pdf\r\ndescription: \"Reads PDF\"\r\n---\r\n",
            "\u{feff}---\nname: pdf\ndescription: >-\n  Reads\n  PDF\n--- \n---\n",
            "---\nname: 'pdf'\ndescription: Reads PDF # why not\n---",
        ] {
            check(text, Ok(whole.clone()));
        }
        let rich = "---\nname: pdf\ndescription: d\nlicense: MIT\nmetadata:\n  version: 1.0\n  when: 2026-01-02\n  on: yes\n  many: 1_000\n  ten: 010\n  \
                    list: [1, two, null, true]\n---\n";
        let metadata = json!({"version": 1.0, "when": "2026-01-02", "on": "yes", "many": "1_000", "ten": 10.0, "list": [1, "two", null, true]});
        check(rich, Ok(json!({"name": "pdf", "description": "d", "license": "MIT", "metadata": metadata})));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let bomb = "---\nname: pdf\ndescription: d\na: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c \
                    [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f \
                    [*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f]\n---\n";
        let long = format!("---\nname: pdf\ndescription: {}\n---\n", "x".repeat(1_025));
        let rows = [
            ("", "must begin"),
            ("name: pdf", "must begin"),
            ("---\nname: pdf\ndescription: d\n", "must begin"),
            ("----\nname: pdf\n---\n", "must begin"),
            ("---\n---\n", "`name`"),
            ("---\nname: pdf\n---\n", "`description`"),
            ("---\nname: pdf\ndescription: ' '\n---\n", "`description`"),
            ("---\nname: 7\ndescription: d\n---\n", "`name`"),
            ("---\nname: PDF\ndescription: d\n---\n", "lower-case"),
            ("---\nname: p--f\ndescription: d\n---\n", "lower-case"),
            ("---\nname: -pdf\ndescription: d\n---\n", "lower-case"),
            ("---\nname: ../pdf\ndescription: d\n---\n", "lower-case"),
            ("---\nname: other\ndescription: d\n---\n", "its folder, `pdf`"),
            ("---\nname: [pdf\ndescription: d\n---\n", "no YAML"),
            ("---\nname: pdf\nname: pdf\ndescription: d\n---\n", "no YAML"),
            ("---\n- name\n---\n", "`name`"),
            (bomb, "no YAML"),
            (&long, "longer than"),
        ];
        for (text, expected) in rows {
            check(text, Err(expected));
        }
        assert!(read(b"---\nname: \xff\n---\n", "pdf", 1_000).unwrap_err().contains("UTF-8"));
        assert!(read(long.as_bytes(), "pdf", 100).unwrap_err().contains("longer than 100 bytes"));
    }
}
