//! What is wrong with a configuration, as people are shown it: the line, and under it what is meant.

use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use textwrap::core::display_width;

use super::output::{self, harmless};
use crate::config::problem::{Problem, Problems};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const BOLD: Style = Style::new().bold();
const EDGE: Style = AnsiColor::BrightBlue.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default().bold();

/// Tells all of them on standard error: with their lines on a terminal, else in a line each.
pub(crate) fn tell(problems: &Problems) {
    if !std::io::stderr().is_terminal() {
        return output::tell(
            &problems.iter().map(|problem| format!("error: {}\n", one_line(problem))).collect::<String>(),
        );
    }
    for problem in problems.iter() {
        output::tell(&excerpt(problem));
    }
    let count = problems.iter().count();
    let many = if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") };
    output::tell(&format!("{ERROR}error:{ERROR:#} {BOLD}{many}; nothing was started or changed{BOLD:#}\n"));
}

fn one_line(problem: &Problem) -> String {
    harmless(&problem.to_string()).replace('\n', " ")
}

/// A problem with the line that it stands in.
fn excerpt(problem: &Problem) -> String {
    let message = harmless(problem.message.trim()).replace('\n', "; ");
    let mut text = format!("{ERROR}error:{ERROR:#} {BOLD}{message}{BOLD:#}\n");
    let number =
        problem.place.as_ref().and_then(|place| place.line_and_column()).map(|(line, _)| line.to_string());
    let margin = " ".repeat(number.as_deref().map_or(1, str::len));
    let edge = |sign: &str| format!("{EDGE}{margin} {sign}{EDGE:#}");
    if let Some(place) = &problem.place {
        text.push_str(&format!("{EDGE}{margin}-->{EDGE:#} {place}\n"));
    }
    if let (Some(number), Some((line, span))) =
        (number, problem.place.as_ref().and_then(|place| place.line()))
    {
        // A tab is as wide as what is printed for it.
        let shown = |part: &str| harmless(part).replace('\t', "    ");
        let (before, marked) = (shown(&line[..span.start]), shown(&line[span.clone()]));
        let carets = "^".repeat(display_width(&marked).max(1));
        let blank = " ".repeat(display_width(&before));
        text.push_str(&format!("{}\n{EDGE}{number} |{EDGE:#} {}\n", edge("|"), shown(line)));
        text.push_str(&format!("{} {blank}{ERROR}{carets}{ERROR:#}\n", edge("|")));
    }
    let notes = [("key", (!problem.key.is_empty()).then_some(&problem.key)), ("help", problem.help.as_ref())];
    for (word, note) in notes {
        if let Some(note) = note {
            text.push_str(&format!("{} {HELP}{word}:{HELP:#} {}\n", edge("="), harmless(note)));
        }
    }
    text.push('\n');
    text
}

/// Problems that a server has found, in a line each.
pub(crate) fn lines(problems: &Value) -> Vec<String> {
    let line = |problem: &Value| {
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        let place = match (problem["file"].as_str(), problem["line"].as_u64(), problem["column"].as_u64()) {
            (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column}"),
            (Some(file), ..) => file.to_owned(),
            (None, ..) => text("variable"),
        };
        let parts = [place, text("key"), text("message")];
        let told: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let help = text("help");
        format!("{}{}{help}", told.join(": "), if help.is_empty() { "" } else { "; " })
    };
    problems.as_array().into_iter().flatten().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::place::{Origin, Place, SourceFile};

    #[test]
    fn a_problem_is_shown_with_its_line_and_what_was_meant() {
        let text = "[server]\n\tnämé = 1 # here\n".to_owned();
        let start = text.find("nämé").unwrap();
        let file = SourceFile { path: "a.toml".into(), text };
        let place = Place::new(&Arc::new(Origin::File(file)), start..start + "nämé".len());
        let problem =
            Problem::new("unknown key `nämé`").at(&place).key("server.nämé").help("did you mean `name`?");
        let shown = anstream::adapter::strip_str(&excerpt(&problem)).to_string();
        let expected = "error: unknown key `nämé`\n --> a.toml:2:2\n  |\n2 |     nämé = 1 # here\n  |     ^^^^\n  \
                        = key: server.nämé\n  = help: did you mean `name`?\n\n";
        assert_eq!(shown, expected);
        assert_eq!(one_line(&problem), "a.toml:2:2: server.nämé: unknown key `nämé`; did you mean `name`?");
    }
}
