//! Reads as much of an nginx file as is needed to find directives: `include` and `pid`. Invariant: never fails; in a file that nginx
//! would refuse it finds less, and nginx says why.

use std::ops::Range;

/// A directive that ends with `;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directive {
    /// Its first word.
    pub(crate) name: String,
    /// The other words, without their quotes.
    pub(crate) arguments: Vec<String>,
    /// How many blocks it stands in.
    pub(crate) depth: usize,
    /// Where it stands, with its `;`.
    pub(crate) span: Range<usize>,
}

/// The directives of a file, in order, of whatever block.
pub(crate) fn directives(text: &str) -> Vec<Directive> {
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
    };
    let mut found = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    while let Some((at, token)) = reader.next() {
        match token {
            Token::Word(word) => {
                if words.is_empty() {
                    start = at;
                }
                words.push(word);
            }
            Token::End => {
                let mut words = std::mem::take(&mut words).into_iter();
                if let Some(name) = words.next() {
                    found.push(Directive {
                        name,
                        arguments: words.collect(),
                        depth,
                        span: start..reader.at,
                    });
                }
            }
            Token::Open => {
                let is_code = words.first().is_some_and(|word| word.ends_with("_by_lua_block"));
                words.clear();
                if is_code {
                    reader.skip_block();
                } else {
                    depth += 1;
                }
            }
            Token::Close => {
                words.clear();
                depth = depth.saturating_sub(1);
            }
        }
    }
    found
}

enum Token {
    Word(String),
    End,
    Open,
    Close,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<(usize, Token)> {
        loop {
            match self.peek()? {
                b'#' => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                byte if byte.is_ascii_whitespace() => self.at += 1,
                _ => break,
            }
        }
        let start = self.at;
        let token = match self.peek()? {
            b';' => Token::End,
            b'{' => Token::Open,
            b'}' => Token::Close,
            quote @ (b'"' | b'\'') => {
                self.at += 1;
                return Some((start, Token::Word(self.quoted(quote))));
            }
            _ => return Some((start, Token::Word(self.bare()))),
        };
        self.at += 1;
        Some((start, token))
    }

    fn quoted(&mut self, quote: u8) -> String {
        let mut word = Vec::new();
        while let Some(byte) = self.peek() {
            self.at += 1;
            match (byte, self.peek()) {
                (b'\\', Some(next)) if next == b'\\' || next == b'"' || next == b'\'' => {
                    word.push(next);
                    self.at += 1;
                }
                _ if byte == quote => break,
                _ => word.push(byte),
            }
        }
        String::from_utf8_lossy(&word).into_owned()
    }

    fn bare(&mut self) -> String {
        let start = self.at;
        while let Some(byte) = self.peek() {
            let is_variable = byte == b'{' && self.at > start && self.bytes.get(self.at - 1) == Some(&b'$');
            match byte {
                b'{' if is_variable => {
                    while self.peek().is_some_and(|byte| byte != b'}') {
                        self.at += 1;
                    }
                    self.at += 1;
                }
                b'\\' => self.at += 2,
                b';' | b'{' => break,
                _ if byte.is_ascii_whitespace() => break,
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.bytes.len());
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        String::from_utf8_lossy(word).into_owned()
    }

    /// Goes on behind the `}` of a block whose `{` was read, whatever is in it.
    fn skip_block(&mut self) {
        let mut depth = 1_usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let shown = directives(text).into_iter();
        shown
            .map(|directive| {
                format!(
                    "{} {} {}",
                    directive.depth,
                    directive.name,
                    directive.arguments.join("|")
                )
            })
            .collect()
    }

    #[test]
    fn directives_are_found_in_every_block() {
        let text = "user www-data; # pid no;\npid /run/nginx.pid;\nhttp {\n  include /etc/a/*.conf;\n  server {include \"b c\";}\n}\ninclude 'x\\'y';";
        assert_eq!(
            shown(text),
            [
                "0 user www-data",
                "0 pid /run/nginx.pid",
                "1 include /etc/a/*.conf",
                "2 include b c",
                "0 include x'y"
            ]
        );
    }

    #[test]
    fn a_span_is_the_directive_with_its_semicolon() {
        let text = "a;\n  include  x ;b;";
        let found = directives(text);
        assert_eq!(&text[found[1].span.clone()], "include  x ;");
    }

    #[test]
    fn variables_and_expressions_are_words() {
        assert_eq!(
            shown("map ${a}b $c { ~^\\{x;y z; }\nserver_name ~^(?<n>.+)$;"),
            ["1 ~^\\{x ", "1 y z", "0 server_name ~^(?<n>.+)$"]
        );
    }

    #[test]
    fn code_blocks_are_skipped() {
        assert_eq!(
            shown("content_by_lua_block { local t = {'include x;'} }\ninclude y;"),
            ["0 include y"]
        );
    }

    #[test]
    fn a_broken_file_ends_the_search() {
        for text in ["include \"a", "a {{{", "}}}", "a ${", "a \\", "", "\u{e4} \u{1f600}; b"] {
            let _ = directives(text);
        }
    }
}
