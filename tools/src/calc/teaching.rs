//! A prompt for people who teach or learn arithmetic.

use impresario_engine::{McpError, PromptMessage, prompt};

/// How each level wants to be taught.
const LEVELS: [(&str, &str); 3] = [
    ("beginner", "Use everyday words and small whole numbers, and take one step at a time."),
    ("intermediate", "Use the usual terms, and show fractions and negative numbers as well."),
    ("advanced", "Be exact: state the laws it obeys, and say where they end."),
];

/// Explain an operation of arithmetic with an example and an exercise.
#[prompt(title = "Explain arithmetic")]
pub fn math_helper(
    /// the operation to explain: addition, subtraction, multiplication or division
    #[arg(complete = ["addition", "subtraction", "multiplication", "division"])]
    operation: &str,
    /// how much the reader knows: beginner (unless given), intermediate or advanced
    #[arg(complete = ["beginner", "intermediate", "advanced"])]
    level: Option<&str>,
) -> Result<Vec<PromptMessage>, McpError> {
    let level = level.unwrap_or("beginner");
    let Some((_, manner)) = LEVELS.iter().find(|(name, _)| *name == level) else {
        return Err(McpError::invalid_params(
            "the level is unknown; pass beginner, intermediate or advanced",
        ));
    };
    let task = format!("Explain {operation} to me. My level: {level}. {manner}");
    let ending = "Work through one example, then give me one exercise and wait for my answer.";
    Ok(vec![PromptMessage::user(format!("{task} {ending}"))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(operation: &str, level: Option<&str>) -> String {
        let messages = math_helper(operation, level).unwrap();
        messages[0].content.as_text().unwrap().to_owned()
    }

    #[test]
    fn the_prompt_names_the_operation_and_the_level() {
        for (level, expected) in [(None, "beginner"), (Some("advanced"), "advanced")] {
            let text = text_of("division", level);
            assert!(text.contains("division") && text.contains(expected), "{text}");
        }
        assert_ne!(text_of("addition", Some("beginner")), text_of("addition", Some("intermediate")));
    }

    #[test]
    fn an_unknown_level_is_told_the_known_ones() {
        let error = math_helper("addition", Some("expert")).unwrap_err();
        for (level, _) in LEVELS {
            assert!(error.message.contains(level), "{error}");
        }
    }
}
