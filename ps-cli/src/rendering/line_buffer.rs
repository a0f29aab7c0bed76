//! Chunks of several replicas' output as whole lines, each with its replica in front.

use std::collections::BTreeMap;

use ps_core::names::Replica;
use ps_core::runtime::OutputChannel;

/// Keeps the beginnings of lines until their ends arrive.
#[derive(Debug, Default)]
pub struct LineBuffer {
    begun: BTreeMap<(Replica, bool), Vec<u8>>,
}

impl LineBuffer {
    /// Takes a chunk and gives the lines that it completes, with their ends.
    ///
    /// ```
    /// use ps_cli::rendering::line_buffer::LineBuffer;
    /// use ps_core::runtime::OutputChannel::Out;
    /// let mut lines = LineBuffer::default();
    /// let web = "web.1".parse()?;
    /// assert!(lines.push(&web, Out, b"hel").is_empty());
    /// assert_eq!(lines.push(&web, Out, b"lo\n"), [b"web.1 | hello\n".to_vec()]);
    /// # Ok::<(), ps_core::names::NameError>(())
    /// ```
    pub fn push(&mut self, replica: &Replica, channel: OutputChannel, bytes: &[u8]) -> Vec<Vec<u8>> {
        let begun = self
            .begun
            .entry((replica.clone(), channel == OutputChannel::Err))
            .or_default();
        begun.extend_from_slice(bytes);
        let mut lines = Vec::new();
        while let Some(end) = begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = begun.drain(..=end).collect();
            lines.push(with_prefix(replica, &line));
        }
        lines
    }

    /// The lines that never ended, with an end.
    pub fn rest(self) -> Vec<Vec<u8>> {
        let begun = self.begun.into_iter().filter(|(_, line)| !line.is_empty());
        begun
            .map(|((replica, _), line)| [with_prefix(&replica, &line), b"\n".to_vec()].concat())
            .collect()
    }
}

fn with_prefix(replica: &Replica, line: &[u8]) -> Vec<u8> {
    [format!("{replica} | ").as_bytes(), line].concat()
}
