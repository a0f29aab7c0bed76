//! Times of several runs, and what is told of them.

use std::fmt;
use std::time::Duration;

/// Times of one thing.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    /// One more.
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
        self.0.sort_unstable();
    }

    /// The middle one; zero when there is none.
    pub(crate) fn median(&self) -> Duration {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }

    /// The longest one; zero when there is none.
    pub(crate) fn worst(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

impl fmt::Display for Samples {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |time: Option<&Duration>| time.copied().unwrap_or_default().as_secs_f64() * 1000.0;
        let (min, max) = (shown(self.0.first()), shown(self.0.last()));
        let median = shown(Some(&self.median()));
        let digits = usize::from(median < 100.0);
        write!(
            formatter,
            "median {median:.digits$} ms (min {min:.digits$}, max {max:.digits$}, {} runs)",
            self.0.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_in_any_order() {
        let mut samples = Samples::default();
        for milliseconds in [9, 1, 5] {
            samples.add(Duration::from_millis(milliseconds));
        }
        assert_eq!(samples.median(), Duration::from_millis(5));
        assert_eq!(samples.to_string(), "median 5.0 ms (min 1.0, max 9.0, 3 runs)");
    }
}
