//! Requests, or events, over time as bars that the server draws: pure, from counted hours to what a template writes.
//!
//! The picture holds no text, so it may be stretched to any width; numbers and times stand beside it as text, and all of
//! them in a table.

use store::{
    activity::{HOUR, HourOfTraffic, Traffic, hour_of},
    destinations::HourOfDelivery,
};
use time::OffsetDateTime;

const DAY: i64 = 24 * HOUR;
/// Size of the drawing, in units of its own.
pub(crate) const WIDTH: u32 = 720;
/// See [`WIDTH`].
pub(crate) const HEIGHT: u32 = 160;
/// Share of its place that a bar takes.
const FILLED: f64 = 0.72;
/// A part that is there is never too low to be seen.
const LEAST: f64 = 2.0;

/// What a plot counts, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// Begins the ids of its elements.
    pub(crate) id: &'static str,
    /// `Requests`.
    pub(crate) title: &'static str,
    /// `request`.
    pub(crate) one: &'static str,
    /// What the others are: `answered`.
    pub(crate) fine: &'static str,
    /// After "of which 3": `failed`.
    pub(crate) failed: &'static str,
    /// In the key.
    pub(crate) failed_key: &'static str,
    /// Over a column.
    pub(crate) failed_column: &'static str,
}

const REQUESTS: Words = Words {
    id: "plot",
    title: "Requests",
    one: "request",
    fine: "answered",
    failed: "failed",
    failed_key: "failed",
    failed_column: "Failed",
};

const DELIVERIES: Words = Words {
    id: "deliveries",
    title: "Events delivered",
    one: "event",
    fine: "in time",
    failed: "came late or not at all",
    failed_key: "late or given up",
    failed_column: "Late or given up",
};

/// How much time a plot shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Span {
    /// 24 hours.
    #[default]
    Day,
    /// 7 days.
    Week,
    /// 30 days.
    Month,
}

impl Span {
    /// All, in the order in which they are offered.
    pub(crate) const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// From the parameter `span` of an address; anything else is a day.
    pub(crate) fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|span| span.word() == word).unwrap_or_default()
    }

    /// In an address.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// For people, after "the last".
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Day => "24 hours",
            Self::Week => "7 days",
            Self::Month => "30 days",
        }
    }

    fn bars(self) -> i64 {
        match self {
            Self::Day => 24,
            Self::Week => 7,
            Self::Month => 30,
        }
    }

    /// Length of the time of one bar.
    fn step(self) -> i64 {
        if self == Self::Day { HOUR } else { DAY }
    }

    /// Every so many bars have their time beneath.
    fn labelled(self) -> i64 {
        match self {
            Self::Day => 6,
            Self::Week => 1,
            Self::Month => 7,
        }
    }

    /// The beginning of the first bar and the end of the last one, which `now` lies in (all in milliseconds).
    pub(crate) fn bounds(self, now: i64) -> (i64, i64) {
        let step = self.step();
        let end = if self == Self::Day { hour_of(now) } else { now - now.rem_euclid(DAY) } + step;
        (end - self.bars() * step, end)
    }
}

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    /// `14:00 to 15:00`, `Thu 26 Nov`.
    pub(crate) name: String,
    /// RFC 3339, for `<time>`.
    pub(crate) iso: String,
    /// What stands beneath; mostly empty.
    pub(crate) label: String,
    pub(crate) requests: i64,
    pub(crate) failures: i64,
    /// Left edge and width.
    pub(crate) x: String,
    pub(crate) width: String,
    /// Upper edge and height of what failed, which stands below; no height: nothing failed.
    pub(crate) failed: Option<(String, String)>,
    /// The same of the rest.
    pub(crate) fine: Option<(String, String)>,
}

/// A plot, ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plot {
    pub(crate) words: Words,
    pub(crate) span: Span,
    pub(crate) bars: Vec<Bar>,
    /// The number at the top of the axis, and half of it.
    pub(crate) top: i64,
    pub(crate) middle: Option<i64>,
    /// All together.
    pub(crate) total: Traffic,
    /// In one sentence, for who does not see it.
    pub(crate) description: String,
}

impl Plot {
    /// Of counted hours; those outside of the span are left out.
    pub(crate) fn new(span: Span, hours: &[HourOfTraffic], now: i64) -> Self {
        Self::of(REQUESTS, span, hours, now)
    }

    /// Of events that were delivered.
    pub(crate) fn of_deliveries(span: Span, hours: &[HourOfDelivery], now: i64) -> Self {
        let hours: Vec<HourOfTraffic> = hours
            .iter()
            .map(|HourOfDelivery { hour, counts }| {
                let (requests, client_errors) = (counts.ended(), counts.missed());
                HourOfTraffic {
                    hour: *hour,
                    traffic: Traffic { requests, client_errors, ..Traffic::default() },
                }
            })
            .collect();
        Self::of(DELIVERIES, span, &hours, now)
    }

    fn of(words: Words, span: Span, hours: &[HourOfTraffic], now: i64) -> Self {
        let (start, end) = span.bounds(now);
        let step = span.step();
        let count = usize::try_from(span.bars()).unwrap_or_default();
        let mut sums = vec![Traffic::default(); count];
        let mut total = Traffic::default();
        for hour in hours.iter().filter(|hour| (start..end).contains(&hour.hour)) {
            let position = usize::try_from((hour.hour - start) / step).unwrap_or_default();
            if let Some(sum) = sums.get_mut(position) {
                sum.add(&hour.traffic);
                total.add(&hour.traffic);
            }
        }
        let highest = sums.iter().map(|sum| sum.requests).max().unwrap_or_default();
        let top = round_up(highest);
        let bars = sums.iter().enumerate().map(|(position, sum)| bar(span, start, position, sum, top));
        let bars: Vec<Bar> = bars.collect();
        let description = description(&words, span, &bars, &total);
        Self { words, span, top, middle: (top % 2 == 0).then_some(top / 2), total, description, bars }
    }

    /// Was there any request?
    pub(crate) fn is_empty(&self) -> bool {
        self.total.requests == 0
    }
}

fn bar(span: Span, start: i64, position: usize, sum: &Traffic, top: i64) -> Bar {
    let index = i64::try_from(position).unwrap_or_default();
    let at = start + index * span.step();
    let place = f64::from(WIDTH) / span.bars() as f64;
    let (requests, failures) = (sum.requests, sum.failures().min(sum.requests));
    let height = |number: i64| {
        if number <= 0 { 0.0 } else { (number as f64 / top as f64 * f64::from(HEIGHT)).max(LEAST) }
    };
    let failed = height(failures);
    let fine = height(requests - failures).min(f64::from(HEIGHT) - failed);
    let edge = |from_below: f64, height: f64| {
        (height > 0.0).then(|| (number(f64::from(HEIGHT) - from_below - height), number(height)))
    };
    Bar {
        name: name(span, at),
        iso: scim_core::timestamp::to_rfc3339(at),
        label: if index % span.labelled() == 0 { label(span, at) } else { String::new() },
        requests,
        failures,
        x: number(place * (index as f64 + (1.0 - FILLED) / 2.0)),
        width: number(place * FILLED),
        failed: edge(0.0, failed),
        fine: edge(failed, fine),
    }
}

/// With one digit after the point at most, which is finer than any screen.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The next of 4, 10, 20, 40, 50, 100, 200, … that is not less.
fn round_up(highest: i64) -> i64 {
    if highest <= 4 {
        return 4;
    }
    let mut power = 1_i64;
    loop {
        for step in [1, 2, 4, 5] {
            let top = power.saturating_mul(step);
            if top >= highest && top > 4 {
                return top;
            }
        }
        power = power.saturating_mul(10);
    }
}

fn instant(at: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn day(at: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let at = instant(at);
    let month = MONTHS.get(usize::from(u8::from(at.month())).saturating_sub(1)).copied().unwrap_or("Jan");
    format!("{} {month}", at.day())
}

fn label(span: Span, at: i64) -> String {
    if span == Span::Day { format!("{:02}:00", instant(at).hour()) } else { day(at) }
}

fn name(span: Span, at: i64) -> String {
    match span {
        Span::Day => {
            format!("{}, {:02}:00 to {:02}:00", day(at), instant(at).hour(), instant(at + HOUR).hour())
        }
        Span::Week | Span::Month => day(at),
    }
}

fn description(words: &Words, span: Span, bars: &[Bar], total: &Traffic) -> String {
    if total.requests == 0 {
        return format!("No {}s in the last {}.", words.one, span.title());
    }
    let busiest = bars.iter().max_by_key(|bar| bar.requests);
    let busiest = busiest.map(|bar| format!(" The most, {}, came on {}.", bar.requests, bar.name));
    format!(
        "{} in the last {}, of which {} {}.{} Times are UTC.",
        crate::chrome::count(u64::try_from(total.requests).unwrap_or_default(), words.one),
        span.title(),
        total.failures(),
        words.failed,
        busiest.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use store::destinations::Delivered;

    use super::*;

    /// 26 Nov 2026, 10:20 UTC.
    const NOW: i64 = 1_795_688_400_000;

    fn hour(ago: i64, requests: i64, client_errors: i64, server_errors: i64) -> HourOfTraffic {
        let traffic = Traffic { requests, client_errors, server_errors, duration_us: 0 };
        HourOfTraffic { hour: hour_of(NOW) - ago * HOUR, traffic }
    }

    #[test]
    fn a_day_is_24_hours_and_ends_with_the_current_one() {
        let plot = Plot::new(Span::Day, &[hour(24, 9, 0, 0), hour(23, 1, 0, 0), hour(0, 40, 3, 1)], NOW);
        assert_eq!((plot.bars.len(), plot.top, plot.middle), (24, 40, Some(20)));
        assert_eq!((plot.bars[0].requests, plot.bars[23].requests, plot.bars[23].failures), (1, 40, 4));
        assert_eq!((plot.total.requests, plot.total.failures()), (41, 4), "what came before is left out");
        assert_eq!(plot.bars[23].name, "26 Nov, 10:00 to 11:00");
        assert_eq!(plot.bars[23].iso, "2026-11-26T10:00:00.000Z");
        let labels: Vec<&str> =
            plot.bars.iter().map(|bar| bar.label.as_str()).filter(|label| !label.is_empty()).collect();
        assert_eq!(labels, ["11:00", "17:00", "23:00", "05:00"]);
        assert!(plot.description.starts_with("41 requests in the last 24 hours, of which 4 failed."));
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let plot = Plot::new(Span::Week, &[hour(0, 2, 0, 0), hour(10, 3, 0, 0), hour(11, 5, 0, 0)], NOW);
        assert_eq!((plot.bars.len(), plot.bars[6].requests, plot.bars[5].requests), (7, 5, 5));
        assert_eq!((plot.bars[6].name.as_str(), plot.bars[0].label.as_str()), ("26 Nov", "20 Nov"));
        assert_eq!(Plot::new(Span::Month, &[], NOW).bars.len(), 30);
        let (start, end) = Span::Month.bounds(NOW);
        assert_eq!((end - start, end % DAY), (30 * DAY, 0));
    }

    #[test]
    fn bars_stand_on_the_ground_and_what_failed_is_seen() {
        let plot = Plot::new(Span::Day, &[hour(0, 1000, 1, 0), hour(1, 500, 500, 0), hour(2, 0, 0, 0)], NOW);
        let [.., empty, failed, most] = plot.bars.as_slice() else { panic!("24 bars") };
        assert_eq!(
            most.failed,
            Some(("158".into(), "2".into())),
            "one in a thousand, as high as can be seen"
        );
        assert_eq!(most.fine, Some(("0".into(), "158".into())), "inside of the picture");
        assert_eq!((failed.failed.clone(), failed.fine.clone()), (Some(("80".into(), "80".into())), None));
        assert_eq!((empty.failed.clone(), empty.fine.clone()), (None, None));
        assert_eq!((most.x.as_str(), most.width.as_str()), ("694.2", "21.6"));
    }

    #[test]
    fn deliveries_that_were_late_or_given_up_are_striped() {
        let counts = Delivered { delivered: 9, late: 2, dead: 1, ..Delivered::default() };
        let plot = Plot::of_deliveries(Span::Day, &[HourOfDelivery { hour: hour_of(NOW), counts }], NOW);
        assert_eq!((plot.bars[23].requests, plot.bars[23].failures), (10, 3));
        assert!(
            plot.description
                .starts_with("10 events in the last 24 hours, of which 3 came late or not at all.")
        );
        assert_eq!(Plot::of_deliveries(Span::Day, &[], NOW).description, "No events in the last 24 hours.");
    }

    #[test]
    fn nothing_is_told_as_nothing() {
        let plot = Plot::new(Span::Week, &[], NOW);
        assert!(plot.is_empty() && plot.top == 4 && plot.middle == Some(2));
        assert_eq!(plot.description, "No requests in the last 7 days.");
        assert_eq!(Span::of("30d"), Span::Month);
        assert_eq!(Span::of("x"), Span::Day);
    }

    #[test]
    fn the_axis_ends_at_a_round_number() {
        for (highest, top) in
            [(0, 4), (4, 4), (5, 5), (6, 10), (11, 20), (21, 40), (41, 50), (51, 100), (999, 1000)]
        {
            assert_eq!(round_up(highest), top, "{highest}");
        }
        assert!(round_up(i64::MAX) > 0);
    }
}
