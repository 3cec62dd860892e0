//! Values as bars: one in a row of a table, many as a line of columns.

use chrono::NaiveDate;
use chrono::TimeDelta;

/// Columns of an eighth to the whole of a line.
const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Rows of an eighth to the whole of a letter.
const PARTS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// A bar of a value, in letters; the largest value has `width` of them.
pub(super) fn bar(value: u64, most: u64, width: u64) -> String {
    let eighths = scaled(value, most, width * 8);
    let whole = usize::try_from(eighths / 8).unwrap_or_default();
    let mut bar: String = std::iter::repeat_n(PARTS[7], whole).collect();
    if let Some(rest) = usize::try_from(eighths % 8).ok().and_then(|rest| rest.checked_sub(1)) {
        bar.push(PARTS[rest]);
    }
    bar
}

/// `value` on a scale on which `most` is `full`; what is not nothing is seen.
fn scaled(value: u64, most: u64, full: u64) -> u64 {
    if value == 0 || most == 0 {
        return 0;
    }
    let scaled = u128::from(value) * u128::from(full) / u128::from(most);
    u64::try_from(scaled).unwrap_or(full).clamp(1, full)
}

/// Values by day, as so many columns as there is room for: each stands for as many days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Series {
    /// The first day.
    pub(super) first: NaiveDate,
    /// The last day.
    pub(super) last: NaiveDate,
    /// How many days a column stands for.
    pub(super) step: i64,
    /// The sum of each column, or the level at its end.
    pub(super) values: Vec<u64>,
}

impl Series {
    /// From a day, or an earlier one that has a value, up to today; none: no day has one.
    pub(super) fn of(
        values: &[(NaiveDate, u64)],
        (from, today): (NaiveDate, NaiveDate),
        room: usize,
    ) -> Option<Self> {
        let first = from.min(values.first()?.0);
        let last = values.last().map_or(today, |(last, _)| today.max(*last));
        let days = (last - first).num_days() + 1;
        let room = i64::try_from(room.max(1)).unwrap_or(i64::MAX);
        let step = days.div_euclid(room) + i64::from(days % room > 0);
        let count = days.div_euclid(step) + i64::from(days % step > 0);
        // Whole columns up to the last day.
        let first = last - TimeDelta::days(count * step - 1);
        let mut sums = vec![0_u64; usize::try_from(count).unwrap_or_default()];
        for (date, value) in values {
            let place = usize::try_from((*date - first).num_days().div_euclid(step)).ok();
            if let Some(sum) = place.and_then(|place| sums.get_mut(place)) {
                *sum = sum.saturating_add(*value);
            }
        }
        Some(Self { first, last, step, values: sums })
    }

    /// As [`Self::of`], of what holds until it changes: a column is as high as it was at its end.
    pub(super) fn of_levels(
        values: &[(NaiveDate, u64)],
        span: (NaiveDate, NaiveDate),
        room: usize,
    ) -> Option<Self> {
        let mut series = Self::of(values, span, room)?;
        let (mut rest, mut level, mut end) = (values.iter().peekable(), 0, series.first);
        for column in &mut series.values {
            end += TimeDelta::days(series.step);
            while let Some((_, value)) = rest.next_if(|(date, _)| *date < end) {
                level = *value;
            }
            *column = level;
        }
        Some(series)
    }

    /// The largest value.
    pub(super) fn most(&self) -> u64 {
        self.values.iter().copied().max().unwrap_or(0)
    }

    /// The days of each column: its first.
    pub(super) fn dates(&self) -> impl Iterator<Item = NaiveDate> {
        let (first, step) = (self.first, self.step);
        (0..).zip(&self.values).map(move |(place, _)| first + TimeDelta::days(place * step))
    }

    /// A letter a column.
    pub(super) fn spark(&self) -> String {
        let most = self.most();
        let letter = |value: &u64| match usize::try_from(scaled(*value, most, 8)) {
            Ok(height @ 1..) => EIGHTHS[height - 1],
            _ => '·',
        };
        self.values.iter().map(letter).collect()
    }

    /// What the columns are.
    pub(super) fn caption(&self) -> String {
        let each = match self.step {
            1 => "a day".to_owned(),
            days => format!("{days} days"),
        };
        format!("{} to {}, {each} each; the most on the right", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(number: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day") + TimeDelta::days(number)
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        assert_eq!([0, 1, 50, 100].map(|value| bar(value, 100, 2)), ["", "▏", "█", "██"]);
        assert_eq!(bar(7, 0, 2), "");
        assert_eq!(bar(u64::MAX, u64::MAX, 3), "███");
    }

    #[test]
    fn a_line_has_a_column_a_day_and_nothing_is_a_dot() {
        let series = Series::of(&[(day(1), 1), (day(3), 8)], (day(0), day(4)), 10)
            .expect("there are values");
        assert_eq!((series.spark().as_str(), series.step), ("·▁·█·", 1));
        assert_eq!(Series::of(&[], (day(0), day(3)), 10), None);
        let ahead =
            Series::of(&[(day(9), 1)], (day(9), day(3)), 10).expect("the clock was set back");
        assert_eq!(ahead.spark(), "█");
    }

    #[test]
    fn a_level_holds_until_it_changes() {
        let values = [(day(1), 4), (day(2), 8), (day(5), 2)];
        let each = Series::of_levels(&values, (day(0), day(6)), 10).expect("there are values");
        assert_eq!(each.values, [0, 4, 8, 8, 8, 2, 2]);
        let pairs = Series::of_levels(&values, (day(0), day(5)), 3).expect("there are values");
        assert_eq!((pairs.values, pairs.step), (vec![4, 8, 2], 2));
    }

    proptest! {
        #[test]
        fn no_value_is_lost_and_no_line_too_long(
            values in prop::collection::btree_map(0_i64..2_000, 0_u64..1_000, 1..50),
            from in 0_i64..2_000,
            today in 0_i64..2_000,
            room in 1_usize..100,
        ) {
            let values: Vec<(NaiveDate, u64)> =
                values.into_iter().map(|(number, value)| (day(number), value)).collect();
            let series = Series::of(&values, (day(from), day(today)), room).expect("there are values");
            prop_assert!(series.values.len() <= room);
            let sum: u64 = values.iter().map(|(_, value)| value).sum();
            prop_assert_eq!(series.values.iter().sum::<u64>(), sum);
            prop_assert_eq!(series.dates().count(), series.values.len());
            prop_assert!(series.first <= values[0].0 && series.last >= day(today));
        }
    }
}
