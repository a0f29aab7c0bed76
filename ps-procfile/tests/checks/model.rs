//! The format read as its grammar is written, slowly and in its own way. Invariant: it shares nothing with the crate, so that both
//! make the same mistake only when both misread the grammar.

#![expect(
    clippy::indexing_slicing,
    reason = "a check that is out of range fails as one that does not hold"
)]

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Names and commands of good lines, in file order.
    pub(crate) entries: Vec<(String, Vec<u8>)>,
    /// Kind and line of each error, in file order.
    pub(crate) errors: Vec<(&'static str, Option<usize>)>,
}

/// A character, or a byte that is part of none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letter {
    Char(char),
    Byte(u8),
}

/// Reads a whole file.
pub(crate) fn read(source: &[u8], strict: bool) -> Answer {
    let mut answer = Answer::default();
    if source.len() > 1_048_576 {
        answer.errors.push(("file_too_large", None));
        return answer;
    }
    let mut names: Vec<String> = Vec::new();
    let mut lines: Vec<&[u8]> = source.split(|&byte| byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let utf16 = source.starts_with(&[0xff, 0xfe]) || source.starts_with(&[0xfe, 0xff]);
    if utf16 && lines[0].len() <= 65_535 {
        answer.errors.push(("invalid_line", Some(1)));
        return answer;
    }
    for (index, line) in lines.into_iter().enumerate() {
        match read_line(line, strict, &mut names) {
            Ok(None) => {}
            Ok(Some(entry)) => answer.entries.push(entry),
            Err(kind) => answer.errors.push((kind, Some(index + 1))),
        }
    }
    if answer.entries.is_empty() && answer.errors.is_empty() {
        answer.errors.push(("no_entries", None));
    }
    answer
}

/// One line; `names` are those of the lines before.
fn read_line(line: &[u8], strict: bool, names: &mut Vec<String>) -> Result<Option<(String, Vec<u8>)>, &'static str> {
    if line.len() >= 65_536 {
        return Err("token_too_long");
    }
    let text = trimmed(&letters(line));
    if text.is_empty() || is_comment(&text) {
        return Ok(None);
    }
    let name: String = text
        .iter()
        .map_while(|letter| match letter {
            Letter::Char(char @ ('A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-')) => Some(*char),
            _ => None,
        })
        .collect();
    let mut rest = &text[name.len()..];
    while rest.first().is_some_and(|letter| is_blank(*letter)) {
        rest = &rest[1..];
    }
    if name.is_empty() || rest.len() < 2 || rest[0] != Letter::Char(':') {
        return Err("invalid_line");
    }
    let label = |char: char| matches!(char, 'a'..='z' | '0'..='9');
    let is_label =
        name.starts_with(label) && name.ends_with(label) && name.chars().all(|char| label(char) || char == '-');
    if strict && !is_label {
        return Err("invalid_name");
    }
    if name.len() >= 64 {
        return Err("name_too_long");
    }
    if names.contains(&name) {
        return Err("duplicate");
    }
    names.push(name.clone());
    read_command(&rest[1..]).map(|command| Some((name, command)))
}

fn read_command(rest: &[Letter]) -> Result<Vec<u8>, &'static str> {
    let first = rest.iter().position(|letter| !is_blank(*letter)).unwrap_or(rest.len());
    let rest = &rest[first..];
    let cut = |mark: &[Letter]| {
        (0..rest.len())
            .filter(|&at| is_blank(rest[at]) && rest[at + 1..].starts_with(mark) && rest.len() > at + 1 + mark.len())
            .max()
    };
    let slash = Letter::Char('/');
    let end = cut(&[Letter::Char('#')])
        .or_else(|| cut(&[slash, slash]))
        .unwrap_or(rest.len());
    let command = trimmed(&rest[..end]);
    if is_comment(&command) {
        return Err("comment_in_place");
    }
    if command.is_empty() {
        return Err("empty_command");
    }
    Ok(bytes(&command))
}

fn is_comment(text: &[Letter]) -> bool {
    let text: Vec<_> = text.iter().take(2).collect();
    matches!(
        text[..],
        [Letter::Char('#'), ..] | [Letter::Char('/'), Letter::Char('/')]
    )
}

fn is_blank(letter: Letter) -> bool {
    matches!(letter, Letter::Char(' ' | '\t' | '\n' | '\u{c}' | '\r'))
}

fn trimmed(text: &[Letter]) -> Vec<Letter> {
    let is_space = |letter: &&Letter| matches!(letter, Letter::Char(char) if char.is_whitespace());
    let start = text.iter().take_while(is_space).count();
    let end = text[start..].iter().rev().take_while(is_space).count();
    text[start..text.len() - end].to_vec()
}

pub(crate) fn letters(mut line: &[u8]) -> Vec<Letter> {
    let mut letters = Vec::with_capacity(line.len());
    while let Some(&byte) = line.first() {
        let read = (1..=line.len().min(4)).find_map(|length| std::str::from_utf8(&line[..length]).ok());
        let (letter, length) = match read.and_then(|text| text.chars().next()) {
            Some(char) => (Letter::Char(char), char.len_utf8()),
            None => (Letter::Byte(byte), 1),
        };
        letters.push(letter);
        line = &line[length..];
    }
    letters
}

fn bytes(text: &[Letter]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for letter in text {
        match letter {
            Letter::Char(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Letter::Byte(byte) => bytes.push(*byte),
        }
    }
    bytes
}
