//! How fast files are read, beside the `procfile` crate on inputs that both accept: `cargo bench -p ps-procfile`. Invariant: an input is
//! made before the clock runs, and every answer is looked at.

use std::fmt::Write as _;

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use ps_procfile::{FILE_LIMIT, Procfile, Rules};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const FIVE: &str = "\
# the site
web: bundle exec puma -C config/puma.rb -p $PORT
worker: bundle exec sidekiq -q default
clock: bundle exec clockwork clock.rb
assets: bin/webpack --watch
release: rails db:migrate
";

/// 1,000 entries of about 50 bytes.
fn thousand() -> String {
    let mut file = String::new();
    for number in 0..1000 {
        let _ = writeln!(file, "worker{number}: bundle exec rake jobs:work QUEUE=q{number}");
    }
    file
}

/// 1 MiB of comments of 64 bytes each, and one entry.
fn comments() -> String {
    let mut file = String::from("web: x\n");
    let comment = format!(
        "# {}\n",
        "what this is for ".repeat(4).trim_end().get(..61).unwrap_or_default()
    );
    while file.len() + comment.len() <= FILE_LIMIT {
        file.push_str(&comment);
    }
    file
}

/// Fifteen lines of nearly 64 KiB each.
fn long_lines() -> String {
    let mut file = String::new();
    for number in 0..15 {
        let _ = writeln!(file, "worker{number}: run{}", " --with an/argument".repeat(3400));
    }
    file
}

/// 1 MiB that is wrong in every line.
fn garbage() -> String {
    "x\n".repeat(FILE_LIMIT / 2)
}

fn bench_ours(bencher: Bencher<'_, '_>, file: &str, rules: Rules) {
    let read = || Procfile::parse_with(divan::black_box(file.as_bytes()), rules).is_ok();
    bencher.counter(BytesCount::of_str(file)).bench(read);
}

fn bench_theirs(bencher: Bencher<'_, '_>, file: &str) {
    let read = || procfile::parse(divan::black_box(file)).is_ok_and(|found| found.contains_key("web"));
    bencher.counter(BytesCount::of_str(file)).bench(read);
}

mod strict {
    use super::{Bencher, FIVE, Rules, bench_ours, comments, garbage, long_lines, thousand};

    #[divan::bench]
    fn five_entries(bencher: Bencher<'_, '_>) {
        bench_ours(bencher, FIVE, Rules::Strict);
    }

    #[divan::bench]
    fn thousand_entries(bencher: Bencher<'_, '_>) {
        bench_ours(bencher, &thousand(), Rules::Strict);
    }

    #[divan::bench]
    fn mebibyte_of_comments(bencher: Bencher<'_, '_>) {
        bench_ours(bencher, &comments(), Rules::Strict);
    }

    #[divan::bench]
    fn lines_of_64_kib(bencher: Bencher<'_, '_>) {
        bench_ours(bencher, &long_lines(), Rules::Strict);
    }

    #[divan::bench]
    fn mebibyte_of_garbage(bencher: Bencher<'_, '_>) {
        bench_ours(bencher, &garbage(), Rules::Strict);
    }
}

mod relaxed {
    use super::{Bencher, FIVE, Rules, bench_ours, thousand};

    #[divan::bench]
    fn five_entries(bencher: Bencher<'_, '_>) {
        bench_ours(bencher, FIVE, Rules::Relaxed);
    }

    #[divan::bench]
    fn thousand_entries(bencher: Bencher<'_, '_>) {
        bench_ours(bencher, &thousand(), Rules::Relaxed);
    }
}

mod procfile_crate {
    use super::{Bencher, FIVE, bench_theirs, comments, long_lines, thousand};

    #[divan::bench]
    fn five_entries(bencher: Bencher<'_, '_>) {
        bench_theirs(bencher, FIVE);
    }

    #[divan::bench]
    fn thousand_entries(bencher: Bencher<'_, '_>) {
        bench_theirs(bencher, &thousand());
    }

    #[divan::bench]
    fn mebibyte_of_comments(bencher: Bencher<'_, '_>) {
        bench_theirs(bencher, &comments());
    }

    #[divan::bench]
    fn lines_of_64_kib(bencher: Bencher<'_, '_>) {
        bench_theirs(bencher, &long_lines());
    }
}
