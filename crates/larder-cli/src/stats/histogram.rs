//! How values of one kind are spread.

use serde::Serialize;

/// The widest bar, in characters.
const WIDEST: u64 = 40;

/// Counts in ranges.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Histogram {
    ranges: Vec<Range>,
}

#[derive(Clone, Debug, Serialize)]
struct Range {
    /// What belongs here.
    range: &'static str,
    /// The largest number that belongs here.
    #[serde(skip)]
    most: u64,
    entries: u64,
}

impl Histogram {
    /// Ranges by their names and the largest number of each, in ascending order; the last takes all else.
    pub(crate) fn new(ranges: &[(&'static str, u64)]) -> Self {
        let ranges = ranges.iter().map(|&(range, most)| Range { range, most, entries: 0 }).collect();
        Self { ranges }
    }

    pub(crate) fn count(&mut self, number: u64) {
        let last = self.ranges.len() - 1;
        let at = self.ranges.iter().position(|range| number <= range.most).unwrap_or(last);
        self.ranges[at].entries += 1;
    }

    /// The ranges, their counts, and a bar for each.
    pub(crate) fn rows(&self) -> impl Iterator<Item = [String; 3]> {
        let most = self.ranges.iter().map(|range| range.entries).max().unwrap_or(0);
        self.ranges
            .iter()
            .map(move |range| [range.range.to_owned(), range.entries.to_string(), bar(range.entries, most)])
    }
}

/// A bar in eighths of a character, so that few beside many are still seen.
fn bar(count: u64, most: u64) -> String {
    const EIGHTHS: [char; 8] = ['█', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    if count == 0 {
        return String::new();
    }
    let eighths = u128::from(count) * u128::from(WIDEST * 8) / u128::from(most);
    let eighths = usize::try_from(eighths).unwrap_or_default().max(1);
    let mut bar = EIGHTHS[0].to_string().repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_counted_in_the_range_that_holds_it() {
        let mut histogram = Histogram::new(&[("0", 0), ("1-10", 10), ("more", u64::MAX)]);
        for number in [0, 1, 10, 11, u64::MAX] {
            histogram.count(number);
        }
        let counts: Vec<_> = histogram.rows().map(|[_, count, _]| count).collect();
        assert_eq!(counts, ["1", "2", "2"]);
    }

    #[test]
    fn bars_are_in_proportion_and_never_empty_for_something() {
        assert_eq!(bar(0, 8), "");
        assert_eq!(bar(8, 8).chars().count(), 40);
        assert_eq!(bar(4, 8).chars().count(), 20);
        assert_eq!(bar(1, u64::MAX), "▏");
    }
}
