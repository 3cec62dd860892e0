//! From a time on the wall to instants, where clocks are moved.

use chrono::DateTime;
use chrono::MappedLocalTime;
use chrono::NaiveDate;
use chrono::NaiveDateTime;
use chrono::NaiveTime;
use chrono::Offset;
use chrono::TimeDelta;
use chrono::TimeZone;
use chrono::Utc;

/// The first instant of a day: the first midnight of two, and where the clocks skip midnight, the
/// first instant behind the gap.
pub(super) fn first_instant_of<Z: TimeZone>(day: NaiveDate, zone: &Z) -> Option<DateTime<Utc>> {
    let midnight = day.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&midnight) {
        MappedLocalTime::None => end_of_gap(midnight, zone),
        found => found.earliest().map(|it| it.with_timezone(&Utc)),
    }
}

/// The first and the last instant at which the clocks show a time. One that they skip is read
/// with the offset from before the gap.
pub(super) fn instants_of<Z: TimeZone>(
    local: NaiveDateTime,
    zone: &Z,
) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let utc = |it: DateTime<Z>| it.with_timezone(&Utc);
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(it) => Some((utc(it.clone()), utc(it))),
        MappedLocalTime::Ambiguous(first, last) => Some((utc(first), utc(last))),
        MappedLocalTime::None => {
            let before = end_of_gap(local, zone)?.checked_sub_signed(TimeDelta::seconds(1))?;
            let offset = zone.offset_from_utc_datetime(&before.naive_utc()).fix();
            let at = local.checked_sub_offset(offset)?.and_utc();
            Some((at, at))
        }
    }
}

/// The first instant whose local time is not before `local`, a time in a gap.
fn end_of_gap<Z: TimeZone>(local: NaiveDateTime, zone: &Z) -> Option<DateTime<Utc>> {
    // No zone is farther from UTC, and no gap is longer than a day.
    let reach = TimeDelta::hours(50);
    let mut before = local.checked_sub_signed(reach)?.and_utc().timestamp();
    let mut behind = local.checked_add_signed(reach)?.and_utc().timestamp();
    while behind - before > 1 {
        let middle = before + (behind - before) / 2;
        let shown = DateTime::from_timestamp(middle, 0)?.with_timezone(zone).naive_local();
        if shown < local { before = middle } else { behind = middle }
    }
    DateTime::from_timestamp(behind, 0)
}
