//! The body mass index: bounds in the schema, and structured output beside a text of its own.

use impresario_engine::{Content, IntoToolResult, Json, ToolError, ToolResult, tool};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::finite;

/// A body mass index and what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct BodyMass {
    /// kilograms per square metre, rounded to two digits
    pub bmi: f64,
    /// the WHO's category for adults
    pub category: Category,
}

/// The categories of the World Health Organization for adults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// below 18.5
    Underweight,
    /// from 18.5, below 25
    Normal,
    /// from 25, below 30
    Overweight,
    /// from 30
    Obese,
}

impl Category {
    fn of(bmi: f64) -> Self {
        match bmi {
            ..18.5 => Self::Underweight,
            18.5..25.0 => Self::Normal,
            25.0..30.0 => Self::Overweight,
            _ => Self::Obese,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Underweight => "underweight",
            Self::Normal => "normal",
            Self::Overweight => "overweight",
            Self::Obese => "obese",
        }
    }
}

impl IntoToolResult for BodyMass {
    /// One line for people in place of the JSON text.
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        let line = format!("BMI {:.2} ({})", self.bmi, self.category.as_str());
        Ok(ToolResult { content: vec![Content::text(line)], ..Json(self).into_tool_result()? })
    }

    fn output_schema() -> Option<Value> {
        Json::<Self>::output_schema()
    }
}

/// Calculate the body mass index (BMI) of an adult from weight and height.
/// Takes kilograms and metres. Also names the WHO category: underweight, normal, overweight or obese.
#[tool(title = "Body mass index", annotations(read_only, idempotent, open_world = false))]
pub fn calculate_bmi(
    /// weight in kilograms
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1000))]
    weight_kg: f64,
    /// height in metres, not centimetres: 1.75
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 3))]
    height_m: f64,
) -> Result<BodyMass, ToolError> {
    let bmi = finite((weight_kg / (height_m * height_m) * 100.0).round() / 100.0)?;
    // By what is shown, so that no one reads "25.00 (normal)".
    Ok(BodyMass { bmi, category: Category::of(bmi) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_the_index_and_its_category() {
        let rows = [
            (70.0, 1.75, "BMI 22.86 (normal)"),
            (50.0, 1.75, "BMI 16.33 (underweight)"),
            (74.0, 2.0, "BMI 18.50 (normal)"),
            (80.0, 1.75, "BMI 26.12 (overweight)"),
            (99.996, 2.0, "BMI 25.00 (overweight)"),
            (120.0, 2.0, "BMI 30.00 (obese)"),
        ];
        for (weight_kg, height_m, expected) in rows {
            let result = calculate_bmi(weight_kg, height_m).unwrap().into_tool_result().unwrap();
            assert_eq!(result.content, [Content::text(expected)], "{weight_kg} {height_m}");
        }
    }

    #[test]
    fn the_structured_output_has_both_parts() {
        let result = calculate_bmi(70.0, 1.75).unwrap().into_tool_result().unwrap();
        let expected = serde_json::json!({"bmi": 22.86, "category": "normal"});
        assert_eq!(result.structured_content, Some(expected));
    }

    #[test]
    fn a_body_of_no_height_is_refused() {
        assert!(calculate_bmi(70.0, 1e-200).unwrap_err().to_string().contains("too large"));
    }
}
