//! Small statistics over lists that the caller sends along.

use impresario_engine::{Json, ToolError, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finite;

/// What to work out about a list of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Statistic {
    /// the arithmetic mean
    Average,
    /// how many numbers there are
    Count,
    /// all numbers added up
    Sum,
    /// the smallest number
    Min,
    /// the largest number
    Max,
    /// the number in the middle, or the mean of the two in the middle
    Median,
}

/// What was worked out; only what was asked for is there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Analysis {
    /// the arithmetic mean
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    /// how many numbers there are
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// all numbers added up
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum: Option<f64>,
    /// the smallest number
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// the largest number
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// the number in the middle
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median: Option<f64>,
    /// the threshold that the next member counts by
    pub threshold: f64,
    /// how many numbers are larger than the threshold
    pub above_threshold: usize,
}

/// Work out statistics of a list of numbers.
/// Any of average, count, sum, min, max and median. Also counts how many numbers lie above a threshold.
#[tool(title = "Analyze data", annotations(read_only, idempotent, open_world = false))]
pub fn analyze_data(
    /// the numbers, at least one
    data: Vec<f64>,
    /// what to work out
    #[schemars(length(min = 1))]
    operations: Vec<Statistic>,
    /// numbers above this one are counted
    #[arg(default = 0.5)]
    threshold: f64,
) -> Result<Json<Analysis>, ToolError> {
    if data.is_empty() {
        return Err(ToolError::from(
            "`data` is empty: there is nothing to analyze; pass at least one number",
        ));
    }
    let above_threshold = data.iter().filter(|number| **number > threshold).count();
    let mut analysis = Analysis { threshold, above_threshold, ..Analysis::default() };
    for operation in operations {
        match operation {
            Statistic::Average => analysis.average = Some(average(&data)?),
            Statistic::Count => analysis.count = Some(data.len()),
            Statistic::Sum => analysis.sum = Some(finite(data.iter().sum())?),
            Statistic::Min => analysis.min = data.iter().copied().reduce(f64::min),
            Statistic::Max => analysis.max = data.iter().copied().reduce(f64::max),
            Statistic::Median => analysis.median = Some(median(&data)),
        }
    }
    Ok(Json(analysis))
}

/// Of at least one number.
fn average(numbers: &[f64]) -> Result<f64, ToolError> {
    #[expect(clippy::cast_precision_loss, reason = "a list of 2^53 numbers does not fit into a message")]
    let count = numbers.len() as f64;
    Ok(finite(numbers.iter().sum::<f64>())? / count)
}

/// Of at least one number.
fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

/// One item of a data set.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
pub struct Item {
    /// what the item is called: a text or a whole number
    pub id: ItemId,
    /// its number
    pub value: f64,
    /// its category
    pub category: Group,
}

/// What an item is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ItemId {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

/// A category of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Group {
    /// the first
    A,
    /// the second
    B,
    /// the third
    C,
}

/// What to do with the items that pass the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Aggregate {
    /// add their values up
    Sum,
    /// the arithmetic mean of their values
    Average,
    /// how many there are
    Count,
}

/// Which items count. Without a member, that member lets everything pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    /// only items of this category
    pub category: Option<Group>,
    /// only items whose value is this or more
    pub min_value: Option<f64>,
}

impl Filter {
    fn passes(&self, item: &Item) -> bool {
        self.category.is_none_or(|category| item.category == category)
            && self.min_value.is_none_or(|min_value| item.value >= min_value)
    }
}

/// What came of the items that passed the filter.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Processed {
    /// what was done
    pub operation: Aggregate,
    /// what came of it
    pub result: f64,
    /// the ids of the items that passed the filter, in their order
    pub ids: Vec<ItemId>,
}

/// Sum up, average or count the items of a data set.
/// Takes all items, or those that pass a filter by category and smallest value. Returns the result and the
/// ids of the items it was made from.
#[tool(title = "Process data", annotations(read_only, idempotent, open_world = false))]
pub fn process_data(
    /// the items
    data: Vec<Item>,
    /// what to do with the values of the items
    operation: Aggregate,
    /// which items count; all of them if it is missing
    filter: Option<Filter>,
) -> Result<Json<Processed>, ToolError> {
    let filter = filter.unwrap_or_default();
    let chosen: Vec<Item> = data.into_iter().filter(|item| filter.passes(item)).collect();
    let values: Vec<f64> = chosen.iter().map(|item| item.value).collect();
    let result = match operation {
        Aggregate::Sum => finite(values.iter().sum())?,
        Aggregate::Average if values.is_empty() => {
            let text = "no item is left to average: `data` is empty, or the filter lets nothing pass; loosen the filter";
            return Err(ToolError::from(text));
        }
        Aggregate::Average => average(&values)?,
        #[expect(clippy::cast_precision_loss, reason = "2^53 items do not fit into a message")]
        Aggregate::Count => values.len() as f64,
    };
    Ok(Json(Processed { operation, result, ids: chosen.into_iter().map(|item| item.id).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Statistic; 6] = [
        Statistic::Average,
        Statistic::Count,
        Statistic::Sum,
        Statistic::Min,
        Statistic::Max,
        Statistic::Median,
    ];

    #[test]
    fn every_statistic_is_worked_out() {
        let expected = Analysis {
            average: Some(2.5),
            count: Some(4),
            sum: Some(10.0),
            min: Some(1.0),
            max: Some(4.0),
            median: Some(2.5),
            threshold: 3.0,
            above_threshold: 1,
        };
        assert_eq!(analyze_data(vec![4.0, 1.0, 3.0, 2.0], ALL.to_vec(), 3.0).unwrap().0, expected);
    }

    #[test]
    fn only_what_was_asked_for_is_told() {
        let analysis = analyze_data(vec![0.2, 0.5, 0.8], vec![Statistic::Count], 0.5).unwrap().0;
        let told = serde_json::to_value(analysis).unwrap();
        assert_eq!(told, serde_json::json!({"count": 3, "threshold": 0.5, "above_threshold": 1}));
    }

    #[test]
    fn the_median_is_the_middle() {
        let rows: [(&[f64], f64); 4] =
            [(&[7.0], 7.0), (&[3.0, 1.0, 2.0], 2.0), (&[4.0, 1.0], 2.5), (&[f64::MAX, f64::MAX], f64::MAX)];
        for (numbers, expected) in rows {
            assert_eq!(median(numbers), expected, "{numbers:?}");
        }
    }

    #[test]
    fn data_that_has_no_answer_says_why() {
        let rows = [(vec![], "`data` is empty"), (vec![f64::MAX, f64::MAX], "too large")];
        for (data, expected) in rows {
            let error = analyze_data(data, ALL.to_vec(), 0.5).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    fn items() -> Vec<Item> {
        let item = |id: &str, value, category| Item { id: ItemId::Text(id.into()), value, category };
        vec![item("a", 10.0, Group::A), item("b", 20.0, Group::B), item("c", 30.0, Group::A)]
    }

    #[test]
    fn a_filter_lets_pass_what_it_names() {
        let of_a = Filter { category: Some(Group::A), ..Filter::default() };
        let from_20 = Filter { min_value: Some(20.0), ..Filter::default() };
        let both = Filter { category: Some(Group::A), min_value: Some(20.0) };
        let rows = [
            (Aggregate::Sum, None, 60.0, 3),
            (Aggregate::Average, None, 20.0, 3),
            (Aggregate::Count, None, 3.0, 3),
            (Aggregate::Sum, Some(of_a), 40.0, 2),
            (Aggregate::Average, Some(from_20), 25.0, 2),
            (Aggregate::Count, Some(both), 1.0, 1),
            (Aggregate::Sum, Some(Filter { category: Some(Group::C), min_value: None }), 0.0, 0),
        ];
        for (operation, filter, result, chosen) in rows {
            let processed = process_data(items(), operation, filter).unwrap().0;
            assert_eq!((processed.result, processed.ids.len()), (result, chosen), "{operation:?} {filter:?}");
        }
    }

    #[test]
    fn nothing_has_no_average() {
        let none = Filter { category: Some(Group::C), min_value: None };
        let error = process_data(items(), Aggregate::Average, Some(none)).unwrap_err().to_string();
        assert!(error.contains("loosen the filter"), "{error}");
    }
}
