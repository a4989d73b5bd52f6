//! A line of little bars for a terminal: how something went over time, in one row.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// `values` as at most `width` bars from zero to the largest; neighbours are joined by `join` where there are more.
pub(crate) fn line(values: &[f64], width: usize, join: fn(f64, f64) -> f64) -> String {
    let joined = fit(values, width, join);
    let largest = joined.iter().copied().fold(0.0, f64::max);
    joined.iter().map(|value| bar(*value, largest)).collect()
}

fn fit(values: &[f64], width: usize, join: fn(f64, f64) -> f64) -> Vec<f64> {
    if values.len() <= width || width == 0 {
        return values.iter().copied().take(width).collect();
    }
    (0..width)
        .map(|at| {
            let (from, to) = (at * values.len() / width, (at + 1) * values.len() / width);
            values[from..to].iter().copied().reduce(join).unwrap_or(0.0)
        })
        .collect()
}

fn bar(value: f64, largest: f64) -> char {
    if value <= 0.0 || largest <= 0.0 {
        return BARS[0];
    }
    let step = (value / largest * BARS.len() as f64).ceil() as usize;
    BARS[step.clamp(1, BARS.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_begin_at_zero() {
        assert_eq!(line(&[0.0, 1.0, 4.0, 8.0], 10, f64::max), "▁▁▄█");
        assert_eq!(line(&[5.0, 5.0], 10, f64::max), "██");
        assert_eq!(line(&[0.0, 0.0], 10, f64::max), "▁▁");
        assert_eq!(line(&[], 10, f64::max), "");
    }

    #[test]
    fn more_values_than_columns_are_joined() {
        assert_eq!(line(&[1.0, 8.0, 1.0, 1.0, 4.0, 2.0], 3, f64::max), "█▁▄");
        assert_eq!(line(&[1.0; 100], 7, f64::max).chars().count(), 7);
    }
}
