//! `query_table`: a question as data. Its tables and columns are looked up, its operators come from a closed set, and
//! its values are bound.

use std::fmt::Write as _;
use std::sync::Arc;

use impresario_engine::{ToolError, ToolResult, ToolSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::Source;
use super::catalogue::{Column, Table};
use super::guard::quoted;
use super::limits::{Cut, Limits, answer_schema};
use super::question::Query;
use super::tokens::Dialect;
use super::value::Argument;

/// Conditions of one question at most.
const CONDITIONS_MAX: usize = 32;

/// Values of one `in` at most.
const VALUES_MAX: usize = 100;

/// Rows of a page, unless the call says otherwise.
const LIMIT: usize = 100;

/// What is asked of a table.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Question {
    /// the table's name, as list_tables says it
    table: String,
    /// the columns to read; all without it
    #[serde(default)]
    columns: Vec<String>,
    /// what must be true of each row, all of it
    #[serde(default)]
    conditions: Vec<Condition>,
    /// the columns to sort by, the most important first; by the primary key without it
    #[serde(default)]
    order: Vec<Order>,
    /// how many rows at most; 100 without it
    limit: Option<usize>,
    /// how many rows to leave out before the first: next_offset of the page before
    #[serde(default)]
    offset: usize,
}

/// Something that must be true of a row.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Condition {
    /// the column's name
    column: String,
    /// how its value compares
    #[serde(default)]
    operator: Operator,
    /// what it is compared with: a list for `in` and `not in`, nothing for `is null` and `is not null`
    value: Option<Value>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
enum Operator {
    #[default]
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = "like")]
    Like,
    #[serde(rename = "not like")]
    NotLike,
    #[serde(rename = "in")]
    In,
    #[serde(rename = "not in")]
    NotIn,
    #[serde(rename = "is null")]
    IsNull,
    #[serde(rename = "is not null")]
    IsNotNull,
}

/// A column to sort by.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Order {
    /// the column's name
    column: String,
    /// the largest first
    #[serde(default)]
    descending: bool,
}

impl Operator {
    /// As it stands in SQL.
    fn sql(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Like => "LIKE",
            Self::NotLike => "NOT LIKE",
            Self::In => "IN",
            Self::NotIn => "NOT IN",
            Self::IsNull => "IS NULL",
            Self::IsNotNull => "IS NOT NULL",
        }
    }
}

/// The tool.
pub(super) fn tool(source: &Arc<Source>) -> ToolSpec {
    let asked = Arc::clone(source);
    ToolSpec::new(source.tool_name("query_table"), move |question: Question, _ctx| {
        let source = Arc::clone(&asked);
        async move { answer(&source, question).await }
    })
    .title("Query a table")
    .description(
        "Read rows of one table: choose columns, conditions, order and a page. All conditions must be true. \
         describe_table names the columns.",
    )
    .annotations(super::reading())
    .output_schema(answer_schema())
    .timeout(source.call_timeout())
}

async fn answer(source: &Source, question: Question) -> Result<ToolResult, ToolError> {
    let table = source.table(&question.table).await?;
    let rows_max = source.limits.rows_max;
    let limit = question.limit.unwrap_or(LIMIT.min(rows_max));
    if !(1..=rows_max).contains(&limit) {
        return Err(ToolError::new(format!("`limit` must be from 1 to {rows_max}, got {limit}")));
    }
    if i64::try_from(question.offset).is_err() {
        return Err(ToolError::from("`offset` is too large: take the next_offset of the page before"));
    }
    let query = built(&table, &question, limit, source.database.dialect())?;
    let limits = Limits { rows_max: limit, ..source.limits };
    let rows = source.database.read(query, &limits).await?;
    let next = (rows.cut.is_some() && !rows.rows.is_empty()).then(|| question.offset + rows.rows.len());
    let by_rows = rows.cut == Some(Cut::Rows);
    let mut answer = rows.into_answer(&limits);
    if let Some(next) = next {
        answer["next_offset"] = next.into();
        if by_rows {
            answer["note"] = format!("there are more rows: call again with offset {next}").into();
        }
    }
    Ok(ToolResult::structured(answer))
}

/// The statement, with the values of its placeholders.
fn built(table: &Table, question: &Question, limit: usize, dialect: Dialect) -> Result<Query, ToolError> {
    let mut builder = Builder { dialect, arguments: Vec::new() };
    let columns = if question.columns.is_empty() {
        table.quoted_columns()
    } else {
        let named: Result<Vec<_>, _> = question
            .columns
            .iter()
            .map(|name| table.column(name).map(|column| quoted(&column.name)))
            .collect();
        named?.join(", ")
    };
    let mut sql = format!("SELECT {columns} FROM {}", table.quoted);
    if question.conditions.len() > CONDITIONS_MAX {
        return Err(ToolError::new(format!("`conditions` are more than {CONDITIONS_MAX}: leave some out")));
    }
    for (at, condition) in question.conditions.iter().enumerate() {
        let condition =
            builder.condition(table, condition).map_err(|wrong| format!("`conditions[{at}]`: {wrong}"))?;
        let _ = write!(sql, " {} {condition}", if at == 0 { "WHERE" } else { "AND" });
    }
    let mut order = Vec::new();
    for Order { column, descending } in &question.order {
        let column = table.column(column).map_err(|wrong| format!("`order`: {wrong}"))?;
        order.push(format!("{}{}", quoted(&column.name), if *descending { " DESC" } else { "" }));
    }
    if order.is_empty() {
        // Pages of rows without an order could overlap.
        order =
            table.columns.iter().filter(|column| column.primary_key).map(|key| quoted(&key.name)).collect();
    }
    if !order.is_empty() {
        let _ = write!(sql, " ORDER BY {}", order.join(", "));
    }
    let _ = write!(sql, " LIMIT {} OFFSET {}", limit + 1, question.offset);
    Ok(Query { sql, arguments: builder.arguments })
}

/// Conditions as text, with their values beside it.
struct Builder {
    dialect: Dialect,
    arguments: Vec<Argument>,
}

impl Builder {
    fn condition(&mut self, table: &Table, condition: &Condition) -> Result<String, String> {
        let column = table.column(&condition.column)?;
        let (name, operator) = (quoted(&column.name), condition.operator);
        let sql = operator.sql();
        match (operator, &condition.value) {
            (Operator::IsNull | Operator::IsNotNull, None | Some(Value::Null)) => Ok(format!("{name} {sql}")),
            (Operator::IsNull | Operator::IsNotNull, Some(_)) => {
                Err(format!("{sql} takes no value: leave it out"))
            }
            (Operator::In | Operator::NotIn, Some(Value::Array(values))) => {
                if values.is_empty() || values.len() > VALUES_MAX {
                    return Err(format!("{sql} takes 1 to {VALUES_MAX} values, got {}", values.len()));
                }
                let places: Result<Vec<_>, _> =
                    values.iter().map(|value| self.bound(value, column)).collect();
                Ok(format!("{name} {sql} ({})", places?.join(", ")))
            }
            (Operator::In | Operator::NotIn, _) => Err(format!("{sql} takes a list of values")),
            (Operator::Like | Operator::NotLike, Some(Value::String(pattern))) => {
                self.arguments.push(Argument::Text(pattern.clone()));
                let place = self.dialect.placeholder(self.arguments.len(), "text");
                Ok(format!("CAST({name} AS text) {sql} {place}"))
            }
            (Operator::Like | Operator::NotLike, _) => {
                Err(format!("{sql} takes a text, in which % stands for any text and _ for any letter"))
            }
            (_, None | Some(Value::Null)) => {
                Err("nothing compares with null: use `is null` or `is not null`".into())
            }
            (_, Some(value)) => Ok(format!("{name} {sql} {}", self.bound(value, column)?)),
        }
    }

    /// The placeholder of a value.
    fn bound(&mut self, value: &Value, column: &Column) -> Result<String, String> {
        let argument = Argument::new(value, &column.cast)
            .map_err(|wrong| format!("the value of {} {wrong}", column.name))?;
        self.arguments.push(argument);
        Ok(self.dialect.placeholder(self.arguments.len(), &column.cast))
    }
}

#[cfg(test)]
mod tests;
