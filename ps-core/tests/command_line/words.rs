//! Commands that need no shell, and their words, by what they try. Invariant: every one of them is also given to the real
//! shell, with the same variables.

use crate::default_words::DEFAULTS;
use crate::first_words::FIRST;

/// A command and its words.
pub(crate) type Case = (&'static str, &'static [&'static str]);

/// Commands as Procfiles have them.
const EVERYDAY: &[Case] = &[
    ("node server.js", &["node", "server.js"]),
    ("env QUEUE=* rake work", &["env", "QUEUE=*", "rake", "work"]),
    ("bundle exec puma -p $PORT", &["bundle", "exec", "puma", "-p", "5000"]),
    (
        "bundle exec puma -p ${PORT:-3000} -e ${RACK_ENV:-development}",
        &["bundle", "exec", "puma", "-p", "5000", "-e", "development"],
    ),
    (
        "gunicorn app:app --bind 0.0.0.0:$PORT --workers=${WORKERS:-3}",
        &["gunicorn", "app:app", "--bind", "0.0.0.0:5000", "--workers=3"],
    ),
    (
        r#"java -Dserver.port="$PORT" $JAVA_OPTS -jar target/*.jar"#,
        &["java", "-Dserver.port=5000", "-jar", "target/*.jar"],
    ),
    (
        r#"php -S 0.0.0.0:$PORT -d "error_log=/dev/stderr""#,
        &["php", "-S", "0.0.0.0:5000", "-d", "error_log=/dev/stderr"],
    ),
    (
        "celery -A proj worker -Q high,low -c ${CONCURRENCY:-$X}",
        &["celery", "-A", "proj", "worker", "-Q", "high,low", "-c", "x"],
    ),
    (
        "python -c 'import os; print(os.environ[\"PORT\"])'",
        &["python", "-c", "import os; print(os.environ[\"PORT\"])"],
    ),
    (
        "sh -c 'cd app && exec ./run --port \"$PORT\"'",
        &["sh", "-c", "cd app && exec ./run --port \"$PORT\""],
    ),
    (
        r"find . -name '*.tmp' -exec rm {} \;",
        &["find", ".", "-name", "*.tmp", "-exec", "rm", "{}", ";"],
    ),
    ("date +%Y-%m-%d --utc 100%", &["date", "+%Y-%m-%d", "--utc", "100%"]),
    (
        "curl https://x.test/a?b=c#d -H 'X: y'",
        &["curl", "https://x.test/a?b=c#d", "-H", "X: y"],
    ),
    (
        r#"run --json "{\"a\": [1, 2]}" --raw '{"b": "$X"}'"#,
        &["run", "--json", "{\"a\": [1, 2]}", "--raw", "{\"b\": \"$X\"}"],
    ),
    ("a --json $JSON", &["a", "--json", "{\"a\":", "[1,", "2]}"]),
    ("a --json \"$JSON\"", &["a", "--json", "{\"a\": [1, 2]}"]),
];

/// Blanks between words.
const BLANKS: &[Case] = &[
    ("", &[]),
    ("  \t ", &[]),
    ("a", &["a"]),
    ("  node \t server.js  ", &["node", "server.js"]),
    ("a\tb\t\tc", &["a", "b", "c"]),
    ("a b\t", &["a", "b"]),
    ("a\u{b}b c\u{a0}d e\rf", &["a\u{b}b", "c\u{a0}d", "e\rf"]),
    ("a b\r", &["a", "b\r"]),
    ("a \r b", &["a", "\r", "b"]),
    ("a \u{3000} \u{2028}b", &["a", "\u{3000}", "\u{2028}b"]),
    ("a\u{c}b \u{85}", &["a\u{c}b", "\u{85}"]),
];

/// Single quotes, double quotes, backslashes.
const QUOTES: &[Case] = &[
    ("a ''", &["a", ""]),
    ("a \"\"''", &["a", ""]),
    ("a '' \"\" ''", &["a", "", "", ""]),
    ("a b''c \"\"d e''", &["a", "bc", "d", "e"]),
    ("a 'b c' \"d e\" f\\ g", &["a", "b c", "d e", "f g"]),
    ("a b' 'c\" \"d\\ e", &["a", "b c d e"]),
    ("'a'\"b\"c\\d", &["abcd"]),
    ("a 'it'\\''s'", &["a", "it's"]),
    ("a \"it's\"", &["a", "it's"]),
    ("a 'say \"hi\"'", &["a", "say \"hi\""]),
    ("a \"say \\\"hi\\\"\"", &["a", "say \"hi\""]),
    ("a 'b\nc'", &["a", "b\nc"]),
    ("a \"b\nc\td\"", &["a", "b\nc\td"]),
    ("a ' b ' \" c \" \\ d\\ ", &["a", " b ", " c ", " d "]),
    ("a \"b\\c\\\\d\"", &["a", "b\\c\\d"]),
    ("a 'b\\c'", &["a", "b\\c"]),
    ("a 'b\\' c", &["a", "b\\", "c"]),
    ("a b\\\\c \\n \\\"", &["a", "b\\c", "n", "\""]),
    (r"a \\ \\\\ \' '\'", &["a", r"\", r"\\", "'", r"\"]),
    (r#"a "\\" "\\\"" "\n\t\'""#, &["a", r"\", r#"\""#, r"\n\t\'"]),
    (r#"a "\a\ \!\*\é""#, &["a", r"\a\ \!\*\é"]),
    ("a \\\tb \\\rc", &["a", "\tb", "\rc"]),
    ("a ';' '&&' \"|\" \\> \\( '`'", &["a", ";", "&&", "|", ">", "(", "`"]),
    (
        "a \\; \\& \\| \\< \\) \\` \\# \\* \\!",
        &["a", ";", "&", "|", "<", ")", "`", "#", "*", "!"],
    ),
    ("a \"\\`\"", &["a", "`"]),
    ("a \"; & | < > ( ) # * ~ { } !\"", &["a", "; & | < > ( ) # * ~ { } !"]),
    ("a '$(b)' '`b`' \"\\$(b)\"", &["a", "$(b)", "`b`", "$(b)"]),
    ("é ü\\ö 'ü ö' \\é\"Á\"", &["é", "üö", "ü ö", "éÁ"]),
    (
        "a \u{1f600} '\u{1f600}'\\\u{1f600}",
        &["a", "\u{1f600}", "\u{1f600}\u{1f600}"],
    ),
    ("a \\ÀÁÂ \"ÃÄÅ\" 'ÆÇÈ'", &["a", "ÀÁÂ", "ÃÄÅ", "ÆÇÈ"]),
];

/// `$NAME` and `${NAME}` outside quotes.
const EXPANSIONS: &[Case] = &[
    ("a ${PORT}", &["a", "5000"]),
    ("a $UNSET b", &["a", "b"]),
    ("a $EMPTY", &["a"]),
    ("$UNSET", &[]),
    ("$UNSET $EMPTY ${UNSET} $BLANK", &[]),
    ("$UNSET$EMPTY a", &["a"]),
    ("$X y", &["x", "y"]),
    ("a $x$X$_x1", &["a", "smallxunder"]),
    (
        "a $PORT.x ${PORT}x $PORT-x $_x1",
        &["a", "5000.x", "5000x", "5000-x", "under"],
    ),
    ("a $PORTx", &["a"]),
    ("a $X_ $X1 ${X}_ ${X}1", &["a", "x_", "x1"]),
    ("a $X/$X:$X,$X@$X+$X%$X=$X", &["a", "x/x:x,x@x+x%x=x"]),
    ("a $X[0] $X{0} ${X}{0}", &["a", "x[0]", "x{0}", "x{0}"]),
    ("a $PORTé ${PORT}é é$PORT", &["a", "5000é", "5000é", "é5000"]),
    ("a $TWO", &["a", "a", "b"]),
    ("a x$TWO", &["a", "xa", "b"]),
    ("a ${TWO}y", &["a", "a", "by"]),
    ("a x${TWO}y", &["a", "xa", "by"]),
    ("a $TWO$TWO", &["a", "a", "ba", "b"]),
    ("a $TWO${EMPTY}$TWO", &["a", "a", "ba", "b"]),
    ("a $TWO-$TWO", &["a", "a", "b-a", "b"]),
    ("a x${WIDE}y", &["a", "x", "a", "b", "y"]),
    ("a $WIDE", &["a", "a", "b"]),
    ("a $WIDE$WIDE", &["a", "a", "b", "a", "b"]),
    ("a x$BLANK y", &["a", "x", "y"]),
    ("a x${BLANK}y", &["a", "x", "y"]),
    ("a $BLANK b", &["a", "b"]),
    ("a $BLANK$BLANK$LINES", &["a"]),
    ("a x${LINES}y$LINES", &["a", "x", "y"]),
    ("a $RETURN", &["a", "a\rb\u{b}c"]),
    ("a $ACCENTS", &["a", "é\u{a0}ü", "Á\u{3000}日"]),
    ("a $QUOTED", &["a", "'a", "b'", "\"c\"", "\\d"]),
    ("a $STAR ${GLOBS}", &["a", "*", "*.rb", "[a-z]?", "x*"]),
    ("a $DOLLAR ${DOLLAR}", &["a", "$PORT", "$PORT"]),
    ("a $TILDE $TILDE/x", &["a", "~", "~/x"]),
    ("a $HASH", &["a", "#", "x"]),
    ("a $SEMICOLON", &["a", ";", "b", "|", "c"]),
    ("a $BRACES x$BRACES", &["a", "{a,b}", "x{a,b}"]),
    ("$EQUALS a", &["A=1", "B=2", "a"]),
    ("$WORD true", &["while", "true"]),
];

/// Expansions beside and inside quotes.
const QUOTED_EXPANSIONS: &[Case] = &[
    ("a \"$UNSET\" b", &["a", "", "b"]),
    ("a \"$EMPTY\"\"$UNSET\"", &["a", ""]),
    ("a $EMPTY''", &["a", ""]),
    ("a ''$EMPTY", &["a", ""]),
    ("a ''$BLANK", &["a", ""]),
    ("a $BLANK''", &["a", ""]),
    ("a x$BLANK''", &["a", "x", ""]),
    ("a ''${BLANK}x", &["a", "", "x"]),
    ("a \"$TWO\"", &["a", "a b"]),
    ("a '$TWO'", &["a", "$TWO"]),
    ("a \\$TWO", &["a", "$TWO"]),
    ("a \"\\$TWO\"", &["a", "$TWO"]),
    (r#"a \\$X "\\$X" "\\\$X""#, &["a", r"\x", r"\x", r"\$X"]),
    ("a x\"$TWO\"y", &["a", "xa by"]),
    ("a \"$X\"y$X", &["a", "xyx"]),
    ("a \"$TWO\"y$TWO", &["a", "a bya", "b"]),
    ("a \"$TWO\"$TWO\"$TWO\"", &["a", "a ba", "ba b"]),
    ("a \"$WIDE\"", &["a", " a \t b\n"]),
    ("a \"x\"$WIDE'y'", &["a", "x", "a", "b", "y"]),
    ("a \"$BLANK\"$BLANK\"$BLANK\"", &["a", " \t ", " \t "]),
    ("a \"$LINES\"", &["a", "\n\n"]),
    ("a \"$QUOTED\"", &["a", "'a b' \"c\" \\d"]),
    ("a \"$STAR\" \"$DOLLAR\" \"$TILDE\"", &["a", "*", "$PORT", "~"]),
    ("a \"'$X'\" '\"$X\"'", &["a", "'x'", "\"$X\""]),
    ("a \"${X}y\" \"$X-y\" \"$Xy\"", &["a", "xy", "x-y", ""]),
    ("a --x=\"$TWO\" --y=$TWO", &["a", "--x=a b", "--y=a", "b"]),
    ("a \"$ACCENTS\"", &["a", "é\u{a0}ü Á\u{3000}日"]),
];

/// Letters that mean something elsewhere.
const LITERALS: &[Case] = &[
    ("a *.rb [ab]? {x} {}", &["a", "*.rb", "[ab]?", "{x}", "{}"]),
    (
        "a * ? [ ] [!a] [^b] a*b",
        &["a", "*", "?", "[", "]", "[!a]", "[^b]", "a*b"],
    ),
    (
        "a {} {a} a{b}c { } }{ {,",
        &["a", "{}", "{a}", "a{b}c", "{", "}", "}{", "{,"],
    ),
    ("a {'x,y'} \\{x,y} {x\\,y}", &["a", "{x,y}", "{x,y}", "{x,y}"]),
    (
        "a \\~ '~' x~ \"~/b\" ''~ $EMPTY~",
        &["a", "~", "~", "x~", "~/b", "~", "~"],
    ),
    ("a X='~' X=\\~ X=b~ ./~", &["a", "X=~", "X=~", "X=b~", "./~"]),
    (
        "a b# c#d '#' \\# \"#\" ''# $EMPTY#",
        &["a", "b#", "c#d", "#", "#", "#", "#", "#"],
    ),
    ("a # the rest; is > a comment", &["a"]),
    ("a # 'unfinished \"quotes $( `", &["a"]),
    ("# only a comment", &[]),
    ("a #", &["a"]),
    ("a b #c #d", &["a", "b"]),
    ("a\t#b", &["a"]),
    ("a $", &["a", "$"]),
    ("a \"$\" $. $% b$", &["a", "$", "$.", "$%", "b$"]),
    (
        "a $/ $, $: $= $+ $^ $} $] $é $\\a",
        &["a", "$/", "$,", "$:", "$=", "$+", "$^", "$}", "$]", "$é", "$a"],
    ),
    ("a \"$ $. $'\" \"b$\"c", &["a", "$ $. $'", "b$c"]),
    ("a X=1 --y=2 =3 = 4=", &["a", "X=1", "--y=2", "=3", "=", "4="]),
    ("a X=1=2 X==3 X+=4 X[0]=5", &["a", "X=1=2", "X==3", "X+=4", "X[0]=5"]),
    (
        "a % %1 5% %s @ a@b , : + - -- ^ _ .",
        &[
            "a", "%", "%1", "5%", "%s", "@", "a@b", ",", ":", "+", "-", "--", "^", "_", ".",
        ],
    ),
    ("a ! !b b!c !! \"!\"", &["a", "!", "!b", "b!c", "!!", "!"]),
    (
        "a if then { } ! for in do [[ ]] time",
        &["a", "if", "then", "{", "}", "!", "for", "in", "do", "[[", "]]", "time"],
    ),
    (
        "a cd exec export . : eval",
        &["a", "cd", "exec", "export", ".", ":", "eval"],
    ),
    ("a 1 2 0x1 1.5 -1", &["a", "1", "2", "0x1", "1.5", "-1"]),
];

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = Case> {
    let groups = [
        EVERYDAY,
        BLANKS,
        QUOTES,
        EXPANSIONS,
        QUOTED_EXPANSIONS,
        DEFAULTS,
        LITERALS,
        FIRST,
    ];
    groups.into_iter().flatten().copied()
}
