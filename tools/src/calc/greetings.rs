//! A greeting for everybody: the smallest resource template, with completion.

use impresario_engine::{CompletionRequest, resource};

/// Names that are suggested; any other is greeted as well.
const SUGGESTED: [&str; 6] = ["Ada", "Alan", "Barbara", "Edsger", "Grace", "Katherine"];

/// A greeting for the person of that name.
#[resource(
    uri = "greeting://{name}",
    title = "Greeting",
    mime_type = "text/plain",
    cache(ttl = "1h", scope = "public")
)]
pub fn greeting(
    #[arg(complete = |request: CompletionRequest| suggested(&request.value))] name: &str,
) -> String {
    format!("Hello, {name}!")
}

/// The suggested names that start with what was typed, in small letters or large.
fn suggested(typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    let fits = |name: &&str| name.to_lowercase().starts_with(&typed);
    SUGGESTED.into_iter().filter(fits).map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anybody_is_greeted() {
        assert_eq!(greeting("Ada"), "Hello, Ada!");
        assert_eq!(greeting("Åse Øst"), "Hello, Åse Øst!");
    }

    #[test]
    fn names_are_suggested_in_either_case() {
        let rows: [(&str, &[&str]); 4] =
            [("", &SUGGESTED), ("A", &["Ada", "Alan"]), ("ba", &["Barbara"]), ("x", &[])];
        for (typed, expected) in rows {
            assert_eq!(suggested(typed), expected, "{typed}");
        }
    }
}
