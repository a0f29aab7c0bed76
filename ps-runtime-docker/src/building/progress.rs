//! BuildKit's news as lines and steps. Steps run side by side, so a step's name stands before its output, and again after another has
//! spoken. Invariant: each step of the Dockerfile is told once, when it is done.

use std::collections::{BTreeMap, BTreeSet};

use ps_core::runtime::{BuildEvent, BuildStep, StepOrigin};

use super::trace::{Trace, Vertex};

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Digest -> name, of those that are shown.
    shown: BTreeMap<String, String>,
    done: BTreeSet<String>,
    /// Digest -> what it wrote since its last line end.
    begun_lines: BTreeMap<String, String>,
    /// Whose name stands above the next line.
    speaker: Option<String>,
}

impl Progress {
    /// What is new.
    pub(super) fn events(&mut self, trace: Trace) -> Vec<BuildEvent> {
        let mut events = Vec::new();
        let (done, others): (Vec<Vertex>, Vec<Vertex>) =
            trace.vertexes.into_iter().partition(|vertex| vertex.has_completed);
        for vertex in done.iter().chain(&others) {
            if is_shown(&vertex.name) {
                self.shown.insert(vertex.digest.clone(), vertex.name.clone());
            }
        }
        for vertex in others.iter().filter(|vertex| vertex.has_started) {
            self.speak(&vertex.digest, &mut events);
        }
        for output in trace.outputs {
            self.write(&output.digest, &String::from_utf8_lossy(&output.bytes), &mut events);
        }
        for vertex in &done {
            self.complete(vertex, &mut events);
        }
        events
    }

    /// Puts a step's name above what follows, unless it stands there.
    fn speak(&mut self, digest: &str, events: &mut Vec<BuildEvent>) {
        let Some(name) = self.shown.get(digest) else { return };
        if self.speaker.as_deref() != Some(digest) {
            events.push(BuildEvent::Line(name.clone()));
            self.speaker = Some(digest.to_owned());
        }
    }

    fn write(&mut self, digest: &str, piece: &str, events: &mut Vec<BuildEvent>) {
        let begun = self.begun_lines.entry(digest.to_owned()).or_default();
        begun.push_str(piece);
        let Some((whole, rest)) = begun.rsplit_once('\n') else {
            return;
        };
        let lines: Vec<String> = whole
            .split('\n')
            .map(|line| line.trim_end_matches('\r').to_owned())
            .collect();
        *begun = rest.to_owned();
        self.speak(digest, events);
        events.extend(lines.into_iter().map(BuildEvent::Line));
    }

    fn complete(&mut self, vertex: &Vertex, events: &mut Vec<BuildEvent>) {
        let rest = self.begun_lines.remove(&vertex.digest).filter(|rest| !rest.is_empty());
        if let Some(rest) = rest {
            self.speak(&vertex.digest, events);
            events.push(BuildEvent::Line(rest));
        }
        if vertex.has_failed || !is_step(&vertex.name) || !self.done.insert(vertex.digest.clone()) {
            return;
        }
        let origin = if vertex.is_cached {
            events.push(BuildEvent::Line(format!("{} (cached)", vertex.name)));
            self.speaker = None;
            StepOrigin::Cache
        } else {
            StepOrigin::Made
        };
        events.push(BuildEvent::Step(BuildStep {
            name: vertex.name.clone(),
            origin,
        }));
    }
}

/// Whether it is of interest: the Dockerfile's own instructions, and the last thing that takes time.
fn is_shown(name: &str) -> bool {
    name == "exporting to image" || (name.starts_with('[') && !name.starts_with("[internal]"))
}

/// An instruction that makes something. `FROM` makes nothing, and what only sets something is no step of BuildKit's.
fn is_step(name: &str) -> bool {
    let instruction = name.split_once("] ").map_or("", |(_, instruction)| instruction);
    is_shown(name) && !instruction.is_empty() && !instruction.starts_with("FROM ")
}

#[cfg(test)]
mod tests {
    use super::super::trace::Output;
    use super::*;

    fn vertex(name: &str) -> Vertex {
        Vertex {
            digest: format!("digest of {name}"),
            name: name.to_owned(),
            ..Vertex::default()
        }
    }

    fn started(name: &str) -> Vertex {
        Vertex {
            has_started: true,
            ..vertex(name)
        }
    }

    fn completed(name: &str) -> Vertex {
        Vertex {
            has_completed: true,
            ..started(name)
        }
    }

    fn cached(name: &str) -> Vertex {
        Vertex {
            is_cached: true,
            ..completed(name)
        }
    }

    fn output(name: &str, text: &str) -> Trace {
        let bytes = text.as_bytes().to_vec();
        let digest = vertex(name).digest;
        Trace {
            outputs: vec![Output { digest, bytes }],
            ..Trace::default()
        }
    }

    fn news(vertexes: Vec<Vertex>) -> Trace {
        Trace {
            vertexes,
            ..Trace::default()
        }
    }

    /// Lines as they are, steps as `name: origin`.
    fn told(traces: Vec<Trace>) -> Vec<String> {
        let mut progress = Progress::default();
        let events = traces.into_iter().flat_map(|trace| progress.events(trace));
        let text = |event| match event {
            BuildEvent::Line(line) => line,
            BuildEvent::Step(step) => format!("{}: {:?}", step.name, step.origin),
            BuildEvent::Built(id) => id.0,
        };
        events.map(text).collect()
    }

    #[test]
    fn a_step_is_told_once_and_its_name_stands_above_its_output() {
        let run = "[2/2] RUN true";
        let traces = vec![
            news(vec![completed("[internal] load remote build context")]),
            news(vec![vertex(run), completed("[1/2] FROM base")]),
            news(vec![started(run)]),
            output(run, "one\ntw"),
            output(run, "o"),
            news(vec![completed(run), completed(run)]),
        ];
        assert_eq!(told(traces), [run, "one", "two", "[2/2] RUN true: Made"]);
    }

    #[test]
    fn steps_side_by_side_are_told_apart() {
        let (one, two) = ("[a 2/2] RUN one", "[b 2/2] RUN two");
        let traces = vec![
            news(vec![started(one), started(two)]),
            output(one, "1\n"),
            output(one, "1\n"),
            output(two, "2\n"),
        ];
        assert_eq!(told(traces), [one, two, one, "1", "1", two, "2"]);
    }

    #[test]
    fn what_the_cache_answered_says_so() {
        let traces = vec![news(vec![cached("[2/2] COPY a b"), cached("[1/2] FROM base")])];
        assert_eq!(told(traces), ["[2/2] COPY a b (cached)", "[2/2] COPY a b: Cache"]);
    }

    #[test]
    fn a_step_that_failed_is_not_done() {
        let mut failed = completed("[2/2] RUN false");
        failed.has_failed = true;
        assert_eq!(told(vec![news(vec![failed])]), Vec::<String>::new());
    }
}
