//! What is told of the rounds, and whether they were good.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::bench::reboot::play::Played;

/// How many wrong answers and faults are told.
const TOLD: usize = 10;

/// What became of one side, and what is wrong with that.
#[derive(Debug)]
pub(crate) struct Judged {
    played: Played,
    /// What would have to be mended.
    faults: Vec<String>,
}

impl Judged {
    /// psctl must show no wrong answer and no fault.
    pub(crate) fn psctl(played: Played) -> Self {
        let mut faults = played.faults.clone();
        if played.tally.wrong > 0 {
            faults.push(format!("{} answers were wrong", played.tally.wrong));
        }
        if played.tally.right == 0 {
            faults.push("no answer was right".to_owned());
        }
        Self { played, faults }
    }

    /// The control must show wrong answers.
    pub(crate) fn control(played: Played) -> Self {
        let mut faults = played.faults.clone();
        if played.tally.wrong == 0 {
            faults.push("the control shows no wrong answer, so this harness cannot see any".to_owned());
        }
        Self { played, faults }
    }

    /// Whether it is as it should be.
    pub(crate) fn is_good(&self) -> bool {
        self.faults.is_empty()
    }
}

/// A table for people, and what was wrong.
pub(crate) fn as_table(judged: &[Judged]) -> String {
    let mut text = format!(
        "{:8} {:>6} {:>9} {:>9} {:>7} {:>7}  seconds to all back",
        "", "rounds", "requests", "right", "wrong", "lost"
    );
    for Judged { played, faults } in judged {
        let tally = &played.tally;
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\n{:8} {:>6} {:>9} {:>9} {:>7} {:>7}  median {:.1}, worst {:.1}; cut amid a boot {}, amid a restore {}",
            played.name,
            played.rounds,
            tally.requests(),
            tally.right,
            tally.wrong,
            tally.lost,
            played.back.median().as_secs_f64(),
            played.back.worst().as_secs_f64(),
            played.cut_boots,
            played.cut_restores,
        );
        for fault in faults.iter().take(TOLD) {
            let _ = write!(text, "\n  {}: {fault}", played.name);
        }
        let is_telling = !faults.is_empty() || tally.wrong > 0;
        for wrong in tally.wrong_answers.iter().take(if is_telling { 3 } else { 0 }) {
            let _ = write!(
                text,
                "\n  {}: round {}, after {:.1} s: {} was answered `{}`",
                played.name,
                wrong.round,
                wrong.after.as_secs_f64(),
                wrong.host,
                wrong.body
            );
        }
    }
    text
}

/// The same for programs.
pub(crate) fn as_json(seed: u64, judged: &[Judged]) -> String {
    let sides: Vec<Value> = judged.iter().map(side_as_json).collect();
    json!({ "seed": seed, "sides": sides }).to_string()
}

fn side_as_json(Judged { played, faults }: &Judged) -> Value {
    let tally = &played.tally;
    let wrong = tally.wrong_answers.iter().take(TOLD).map(|wrong| {
        json!({
            "round": wrong.round,
            "seconds": wrong.after.as_secs_f64(),
            "host": wrong.host,
            "body": wrong.body,
        })
    });
    json!({
        "name": played.name,
        "rounds": played.rounds,
        "requests": tally.requests(),
        "right": tally.right,
        "wrong": tally.wrong,
        "lost": tally.lost,
        "median_seconds": played.back.median().as_secs_f64(),
        "worst_seconds": played.back.worst().as_secs_f64(),
        "cut_boots": played.cut_boots,
        "cut_restores": played.cut_restores,
        "faults": faults,
        "wrong_answers": wrong.collect::<Vec<_>>(),
    })
}
