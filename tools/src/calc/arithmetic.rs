//! Adding, and the four operations on two numbers.

use impresario_engine::{Json, ToolError, resource, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finite;

/// What to do with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Operation {
    /// a + b
    Add,
    /// a - b
    Subtract,
    /// a × b
    Multiply,
    /// a ÷ b
    Divide,
}

/// Add two numbers and return their sum.
#[tool(title = "Add", annotations(read_only, idempotent, open_world = false))]
pub async fn add(
    /// first addend
    a: f64,
    /// second addend
    b: f64,
) -> f64 {
    a + b
}

/// Add, subtract, multiply or divide two numbers.
/// Returns the result as a number. Dividing by zero is an error.
#[tool(title = "Calculate", annotations(read_only, idempotent, open_world = false))]
pub fn calculate(
    /// what to do with the two numbers
    operation: Operation,
    /// left operand: the number to start from, or to divide
    a: f64,
    /// right operand: the number to add, to subtract, to multiply with, or to divide by
    b: f64,
) -> Result<f64, ToolError> {
    finite(match operation {
        Operation::Add => a + b,
        Operation::Subtract => a - b,
        Operation::Multiply => a * b,
        Operation::Divide if b == 0.0 => {
            let text =
                format!("can't divide {a} by zero: division by zero has no result; pass a `b` other than 0");
            return Err(ToolError::from(text));
        }
        Operation::Divide => a / b,
    })
}

/// The operations that the tool `calculate` knows, as a JSON list of names.
#[resource(
    uri = "calc://operations",
    title = "Operations",
    mime_type = "application/json",
    cache(ttl = "1h", scope = "public")
)]
pub fn operations() -> Json<[Operation; 4]> {
    Json([Operation::Add, Operation::Subtract, Operation::Multiply, Operation::Divide])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sum_is_written_without_needless_digits() {
        for (a, b, expected) in
            [(2.0, 3.0, "5"), (2.0, 3.5, "5.5"), (-1.0, 1.0, "0"), (0.1, 0.2, "0.30000000000000004")]
        {
            assert_eq!(add(a, b).await.to_string(), expected, "{a} + {b}");
        }
    }

    #[test]
    fn each_operation_does_what_its_name_says() {
        let rows = [
            (Operation::Add, 7.0, 2.0, 9.0),
            (Operation::Subtract, 7.0, 2.0, 5.0),
            (Operation::Multiply, 7.0, 2.0, 14.0),
            (Operation::Divide, 7.0, 2.0, 3.5),
            (Operation::Divide, 0.0, 2.0, 0.0),
        ];
        for (operation, a, b, expected) in rows {
            assert_eq!(calculate(operation, a, b).unwrap(), expected, "{operation:?} {a} {b}");
        }
    }

    #[test]
    fn what_has_no_result_says_why() {
        let rows = [
            (Operation::Divide, 7.0, 0.0, "can't divide 7 by zero"),
            (Operation::Divide, 0.0, -0.0, "can't divide 0 by zero"),
            (Operation::Multiply, 1e300, 1e300, "too large"),
            (Operation::Divide, 1e300, 1e-300, "too large"),
        ];
        for (operation, a, b, expected) in rows {
            let error = calculate(operation, a, b).unwrap_err().to_string();
            assert!(error.contains(expected), "{operation:?} {a} {b}: {error}");
        }
    }

    #[test]
    fn the_list_of_operations_is_in_the_words_of_the_tool() {
        let list = serde_json::to_string(&operations().0).unwrap();
        assert_eq!(list, r#"["add","subtract","multiply","divide"]"#);
    }
}
