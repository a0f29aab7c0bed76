//! Counts tests out of what test programs print. A program that announced its tests but never told a result counts as
//! one failure, so that a crash cannot look like success.

/// What all test programs of a run told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TestTally {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed, and programs that died.
    pub(crate) failed: u64,
    /// Tests that were not run.
    pub(crate) skipped: u64,
    announced: u64,
    finished: u64,
}

impl TestTally {
    /// Takes one line of output into account.
    pub(crate) fn read_line(&mut self, line: &str) {
        if is_announcement(line) {
            self.announced += 1;
        } else if let Some([passed, failed, skipped]) = parse_result(line) {
            self.finished += 1;
            self.passed += passed;
            self.failed += failed;
            self.skipped += skipped;
        }
    }

    /// Programs that began and told no result.
    pub(crate) fn died(&self) -> u64 {
        self.announced.saturating_sub(self.finished)
    }

    /// The final counts, given whether cargo was content: what it calls a failure is never reported as none.
    pub(crate) fn close(mut self, cargo_succeeded: bool) -> Self {
        self.failed += self.died();
        self.announced = self.finished;
        if !cargo_succeeded {
            self.failed = self.failed.max(1);
        }
        self
    }

    /// Whether the run may count as good: something ran and nothing failed.
    pub(crate) fn is_good(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

impl std::fmt::Display for TestTally {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// `running 3 tests`, alone on its line.
fn is_announcement(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    matches!(words.as_slice(), ["running", count, "test" | "tests"] if count.parse::<u64>().is_ok())
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s`.
fn parse_result(line: &str) -> Option<[u64; 3]> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |word: &str| {
        let field = counts.split(';').find(|field| field.trim_end().ends_with(word))?;
        field.split_whitespace().next()?.parse().ok()
    };
    Some([count("passed")?, count("failed")?, count("ignored")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> TestTally {
        let mut tally = TestTally::default();
        for line in lines {
            tally.read_line(line);
        }
        tally
    }

    #[test]
    fn results_of_all_programs_are_added_up() {
        let lines = [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "running 1 test",
            "test result: FAILED. 4 passed; 2 failed; 1 ignored; 0 measured; 7 filtered out; finished in 1.00s",
        ];
        let closed = tally(&lines).close(false);
        assert_eq!(closed.to_string(), "7 passed, 2 failed, 1 skipped");
        assert!(!closed.is_good());
    }

    #[test]
    fn a_program_that_dies_counts_as_a_failure() {
        let closed = tally(&[
            "running 3 tests",
            "running 0 tests",
            "test result: ok. 0 passed; 0 failed; 0 ignored;",
        ]);
        assert_eq!(closed.close(true).failed, 1);
    }

    #[test]
    fn a_run_that_cargo_calls_failed_has_a_failure() {
        assert_eq!(
            TestTally::default().close(false).to_string(),
            "0 passed, 1 failed, 0 skipped"
        );
    }

    #[test]
    fn nothing_run_is_not_good() {
        assert!(!TestTally::default().close(true).is_good());
        let one = tally(&[
            "running 1 test",
            "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured",
        ]);
        assert!(one.close(true).is_good());
    }

    #[test]
    fn talk_about_results_is_not_a_result() {
        let closed = tally(&[
            "a test result: ok. 9 passed; 0 failed; 0 ignored",
            "running 2 laps",
            "test result: none",
        ]);
        assert_eq!(closed, TestTally::default());
    }
}
