//! What a URI holds for each variable of a template.
//!
//! It reads URIs that clients wrote, so it must never take more than linear time: no regex, no backtracking.
//! It runs in two passes. From the end of the URI to its start, every step of the template notes at which
//! bytes it could begin so that the rest still matches; from the start to the end, each variable then takes
//! the longest text that leaves the rest matching.

use super::Variables;
use super::encoding::{decode, escaped_byte, has_valid_escapes};
use super::grammar::{Stops, Variable};
use super::steps::{Step, StepKind};

/// What the URI holds for each variable, or `None` when it is not of the template with these steps.
pub(super) fn matches(steps: &[Step], uri: &str) -> Option<Variables> {
    let bytes = uri.as_bytes();
    if !steps.first().is_none_or(|step| step.may_start(bytes)) || !has_valid_escapes(bytes) {
        return None;
    }
    let rows = rows(steps, bytes)?;
    let mut found = Variables::new();
    let mut at = 0;
    let mut index = 0;
    while let Some(step) = steps.get(index) {
        let next = &rows[index + 1];
        match (step.take(bytes, at, next, &mut found)?, step.skip_to) {
            (Some(end), _) => (at, index) = (end, index + 1),
            (None, Some(skip_to)) => index = skip_to,
            (None, None) => return None,
        }
    }
    Some(found)
}

/// Per step, and after the last: at which bytes of the URI it can begin so that the rest matches.
fn rows(steps: &[Step], bytes: &[u8]) -> Option<Vec<Vec<bool>>> {
    let mut end = vec![false; bytes.len() + 1];
    end[bytes.len()] = true;
    let mut rows = vec![Vec::new(); steps.len()];
    rows.push(end);
    for (index, step) in steps.iter().enumerate().rev() {
        let mut row = step.starts(bytes, &rows[index + 1]);
        if let Some(skip_to) = step.skip_to {
            row.iter_mut().zip(&rows[skip_to]).for_each(|(start, skipped)| *start |= skipped);
        }
        if !row.contains(&true) {
            return None;
        }
        rows[index] = row;
    }
    rows[0][0].then_some(rows)
}

impl Step {
    /// A quick look at the start of a URI, which refuses most URIs of other templates.
    fn may_start(&self, bytes: &[u8]) -> bool {
        match &self.kind {
            StepKind::Text { text, encoded } if self.skip_to.is_none() => {
                text_lengths(bytes, 0, text, encoded.as_deref()).next().is_some()
            }
            StepKind::Text { .. } | StepKind::Value { .. } | StepKind::Pairs { .. } => true,
        }
    }

    /// Where this step can begin, given where the next one can.
    fn starts(&self, bytes: &[u8], next: &[bool]) -> Vec<bool> {
        match &self.kind {
            StepKind::Text { text, encoded } => (0..=bytes.len())
                .map(|at| text_lengths(bytes, at, text, encoded.as_deref()).any(|length| next[at + length]))
                .collect(),
            StepKind::Value { variable, stops, .. } => {
                let chars_max = variable.prefix_chars.unwrap_or(usize::MAX);
                value_starts(bytes, *stops, chars_max, next)
            }
            StepKind::Pairs { first, separator, stops, variables } => {
                let pairs = PairRows::new(bytes, *separator, *stops, variables, next);
                (0..=bytes.len()).map(|at| bytes.get(at) == Some(first) && pairs.starts[at + 1]).collect()
            }
        }
    }

    /// Where this step ends when it begins here, taking as much as it can; `Some(None)` when it can't
    /// begin here and `None` when the URI is invalid.
    #[expect(clippy::option_option, reason = "absent and invalid are different answers")]
    fn take(&self, bytes: &[u8], at: usize, next: &[bool], found: &mut Variables) -> Option<Option<usize>> {
        match &self.kind {
            StepKind::Text { text, encoded } => {
                let mut lengths = text_lengths(bytes, at, text, encoded.as_deref());
                Some(lengths.find(|length| next[at + length]).map(|length| at + length))
            }
            StepKind::Value { variable, stops, joined_by } => {
                let chars_max = variable.prefix_chars.unwrap_or(usize::MAX);
                let Some(end) = value_end(bytes, at, *stops, chars_max, next).filter(|end| *end > at) else {
                    return Some(None);
                };
                let separator = (variable.explode && *joined_by != b',').then_some(*joined_by);
                found.0.push((variable.name.clone(), decode(&bytes[at..end], separator)?));
                Some(Some(end))
            }
            StepKind::Pairs { first, separator, stops, variables } => {
                if bytes.get(at) != Some(first) {
                    return Some(None);
                }
                let pairs = PairRows::new(bytes, *separator, *stops, variables, next);
                if !pairs.starts[at + 1] {
                    return Some(None);
                }
                pairs.take(bytes, at + 1, found).map(Some)
            }
        }
    }
}

/// The lengths of the text's forms that stand at that place.
fn text_lengths<'a>(
    bytes: &'a [u8],
    at: usize,
    text: &'a str,
    encoded: Option<&'a str>,
) -> impl Iterator<Item = usize> + 'a {
    let forms = [Some(text), encoded].into_iter().flatten();
    forms.filter(move |form| bytes[at..].starts_with(form.as_bytes())).map(str::len)
}

/// Where a value of one to `chars_max` characters can begin, given where what follows it can.
fn value_starts(bytes: &[u8], stops: Stops, chars_max: usize, next: &[bool]) -> Vec<bool> {
    let mut starts = vec![false; bytes.len() + 1];
    // How many characters there are to the nearest end, from each of the three next bytes.
    let mut ahead = [None; 3];
    for at in (0..=bytes.len()).rev() {
        let through = character_at(bytes, at, stops).and_then(|character| {
            let chars: Option<usize> = ahead[character.length - 1];
            chars.map(|chars| chars + usize::from(character.is_start))
        });
        starts[at] = through.is_some_and(|chars| chars <= chars_max);
        ahead = [if next[at] { Some(0) } else { through }, ahead[0], ahead[1]];
    }
    starts
}

/// The furthest end of a value that begins here, at most `chars_max` characters on.
fn value_end(bytes: &[u8], mut at: usize, stops: Stops, chars_max: usize, ends: &[bool]) -> Option<usize> {
    let mut end = ends[at].then_some(at);
    let mut chars = 0;
    while let Some(character) = character_at(bytes, at, stops) {
        chars += usize::from(character.is_start);
        if chars > chars_max {
            break;
        }
        at += character.length;
        if ends[at] {
            end = Some(at);
        }
    }
    end
}

/// A byte of a value, plain or percent-encoded.
struct Encoded {
    length: usize,
    /// Whether it starts a character; the other bytes of UTF-8 continue one.
    is_start: bool,
}

fn character_at(bytes: &[u8], at: usize, stops: Stops) -> Option<Encoded> {
    let byte = *bytes.get(at)?;
    if stops.holds(byte) {
        return None;
    }
    let (byte, length) = escaped_byte(bytes, at).map_or((byte, 1), |escaped| (escaped, 3));
    Some(Encoded { length, is_start: byte & 0xC0 != 0x80 })
}

/// Where the pieces of `name=value&name=value` can stand.
struct PairRows<'a> {
    variables: &'a [Variable],
    separator: u8,
    stops: Stops,
    /// Where a pair can begin.
    starts: Vec<bool>,
    /// Where a pair can end: before another, or before what follows them all.
    ends: Vec<bool>,
    /// Where what is left of a value can begin.
    values: Vec<bool>,
}

impl<'a> PairRows<'a> {
    fn new(bytes: &[u8], separator: u8, stops: Stops, variables: &'a [Variable], next: &[bool]) -> Self {
        let empty = vec![false; bytes.len() + 1];
        let (starts, ends, values) = (empty.clone(), empty.clone(), empty);
        let mut rows = Self { variables, separator, stops, starts, ends, values };
        for at in (0..=bytes.len()).rev() {
            rows.ends[at] = next[at] || rows.continues(bytes, at);
            let through = character_at(bytes, at, stops);
            rows.values[at] = rows.ends[at] || through.is_some_and(|c| rows.values[at + c.length]);
            rows.starts[at] = rows.name(bytes, at).is_some();
        }
        rows
    }

    fn continues(&self, bytes: &[u8], at: usize) -> bool {
        bytes.get(at) == Some(&self.separator) && self.starts[at + 1]
    }

    /// The variable whose pair begins here, and where its value does.
    fn name(&self, bytes: &[u8], at: usize) -> Option<(&'a Variable, usize)> {
        self.variables.iter().find_map(|variable| {
            let rest = bytes[at..].strip_prefix(variable.name.as_bytes())?;
            let value_at = bytes.len() - rest.len();
            match rest.first() {
                Some(b'=') => self.values[value_at + 1].then_some((variable, value_at + 1)),
                Some(_) | None => self.ends[value_at].then_some((variable, value_at)),
            }
        })
    }

    /// Takes all pairs, the first of which begins here.
    fn take(&self, bytes: &[u8], mut at: usize, found: &mut Variables) -> Option<usize> {
        let mut values: Vec<(&Variable, String)> = Vec::new();
        loop {
            let (variable, value_at) = self.name(bytes, at)?;
            let is_bare = bytes[value_at - 1] != b'=';
            let end = if is_bare {
                value_at
            } else {
                value_end(bytes, value_at, self.stops, usize::MAX, &self.ends)?
            };
            let value = decode(&bytes[value_at..end], None)?;
            if variable.prefix_chars.is_some_and(|chars_max| value.chars().count() > chars_max) {
                return None;
            }
            match values.iter_mut().find(|(known, _)| known.name == variable.name) {
                None => values.push((variable, value)),
                Some((_, joined)) if variable.explode => {
                    joined.push(',');
                    joined.push_str(&value);
                }
                Some(_) => return None,
            }
            if !self.continues(bytes, end) {
                found.0.extend(values.into_iter().map(|(variable, value)| (variable.name.clone(), value)));
                return Some(end);
            }
            at = end + 1;
        }
    }
}
