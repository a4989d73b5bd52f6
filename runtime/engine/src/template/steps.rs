//! From a template to the steps of its matching.
//!
//! A template that would not say where a value ends is refused here, when it is registered, so that matching
//! never has to try one way and then another.

use super::encoding::encode_into;
use super::grammar::{Expression, Part, Problem, Stops, Variable};

/// One step of matching; a template is a row of them.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) kind: StepKind,
    /// The step that may come instead, when this one and those up to it may be absent.
    pub(super) skip_to: Option<usize>,
}

#[derive(Debug, Clone)]
pub(super) enum StepKind {
    /// This very text, or (when it has characters outside of ASCII) the same percent-encoded.
    Text { text: String, encoded: Option<String> },
    /// At least one character of a variable's value.
    Value { variable: Variable, stops: Stops, joined_by: u8 },
    /// `?name=value&name=value`, with at least one pair.
    Pairs { first: u8, separator: u8, stops: Stops, variables: Vec<Variable> },
}

pub(super) fn compile(parts: &[Part]) -> Result<Vec<Step>, Problem> {
    let mut steps = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Literal(text) => {
                let mut encoded = String::new();
                encode_into(&mut encoded, text, true);
                let encoded = Some(encoded).filter(|encoded| encoded != text);
                let kind = StepKind::Text { text: text.clone(), encoded };
                steps.push(Step { kind, skip_to: None });
            }
            Part::Expression(expression) => {
                let stops = expression.stops_before(&parts[index + 1..])?;
                expression.compile_into(&mut steps, stops)?;
            }
        }
    }
    Ok(steps)
}

impl Expression {
    /// What ends this expression's values, given the parts that follow. Expressions that may be absent
    /// let those behind them come next, so everything up to the next text counts.
    fn stops_before(&self, following: &[Part]) -> Result<Stops, Problem> {
        let mut stops = self.operator.stops();
        let explodes = self.variables.iter().any(|variable| variable.explode);
        for part in following {
            let Part::Expression(next) = part else { break };
            let ambiguous = || {
                let (this, name) = (&self.variables[0].name, &next.variables[0].name);
                let advice = "put text between the two";
                (next.at_byte, format!("nothing says where `{this}` ends and `{name}` begins; {advice}"))
            };
            let first = next.operator.first().ok_or_else(ambiguous)?;
            let by_name = self.operator.is_named() && first == self.operator.separator();
            let separates = explodes && first == self.operator.separator();
            if by_name || (stops.holds(first) && !separates) {
                continue;
            }
            if separates || !self.operator.yields_to(first) {
                return Err(ambiguous());
            }
            stops = stops.with(first);
        }
        Ok(stops)
    }

    fn compile_into(&self, steps: &mut Vec<Step>, stops: Stops) -> Result<(), Problem> {
        let separator = self.operator.separator();
        if let (Some(first), true) = (self.operator.first(), self.operator.is_named()) {
            let kind = StepKind::Pairs { first, separator, stops, variables: self.variables.clone() };
            steps.push(Step { kind, skip_to: Some(steps.len() + 1) });
            return Ok(());
        }
        let is_list = self.variables.len() > 1;
        let length = self.variables.len() * 2 - usize::from(self.operator.first().is_none());
        let skip_to = Some(steps.len() + length);
        for (index, variable) in self.variables.iter().enumerate() {
            if variable.explode && index + 1 < self.variables.len() {
                let advice = "put it last";
                return Err((
                    variable.at_byte,
                    format!("nothing says where `{}*` ends; {advice}", variable.name),
                ));
            }
            if let Some(between) = if index == 0 { self.operator.first() } else { Some(separator) } {
                let text = char::from(between).to_string();
                steps.push(Step { kind: StepKind::Text { text, encoded: None }, skip_to });
            }
            let stops = match (variable.explode, is_list) {
                (true, _) => stops.without(separator),
                (false, true) => stops.with(separator),
                (false, false) => stops,
            };
            let kind = StepKind::Value { variable: variable.clone(), stops, joined_by: separator };
            steps.push(Step { kind, skip_to: None });
        }
        Ok(())
    }
}
