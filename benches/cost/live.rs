//! What `append` of a live session takes, beside a bare append and flush of the same bytes.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;
use std::time::Instant;

use annals::repository::LiveOptions;
use annals::session::Message;
use annals::session::Record;
use anyhow::Result;

use crate::homes;
use crate::homes::Corpus;
use crate::homes::Shelf;
use crate::meter;
use crate::meter::Report;
use crate::meter::Target;

/// Bytes of the session that is committed meanwhile.
const SESSION_BYTES: usize = 20_000_000;
const APPENDS: usize = 3000;
/// Bytes of a message, at most.
const MESSAGE_BYTES: usize = 4096;

/// Messages are appended one after the other, each beside the bare append of as many bytes, while
/// every 25th of them makes a thread commit a session of 20 MB.
pub(crate) fn append(corpus: &Corpus, report: &mut Report) -> Result<()> {
    report.heading("append: a message of up to 4 KiB into a live session of 20 MB");
    let shelf = Shelf::new()?;
    let mut file = File::create(shelf.transcript(&homes::session_name(0)))?;
    corpus.lines(SESSION_BYTES, &mut |line| Ok(file.write_all(line)?))?;
    meter::run(&mut shelf.annals(&["capture"]))?;
    let mut repository = shelf.open()?;
    let id = repository.resolve(&homes::session_name(0), None)?.id;
    let options = LiveOptions { records: 25, ..LiveOptions::default() };
    let (live, _) = repository.resume(id, &options)?;
    let bare_path = shelf.folder.path().join("bare");
    let mut bare_file = OpenOptions::new().append(true).create(true).open(bare_path)?;
    let (mut bare, mut appended) = (Vec::new(), Vec::new());
    for text in texts(corpus)?.iter().cycle().take(APPENDS) {
        let start = Instant::now();
        bare_file.write_all(text.as_bytes())?;
        bare_file.sync_data()?;
        bare.push(start.elapsed());
        let record: Record = Message::new("user", text).into();
        let start = Instant::now();
        live.append(vec![record])?;
        appended.push(start.elapsed());
    }
    let saved = live.status().last_save.is_some();
    anyhow::ensure!(saved, "nothing was committed meanwhile");
    live.close()?;
    for (share, name) in [(0.5, "half"), (0.99, "99 %")] {
        let [bare, own] = [&mut bare, &mut appended].map(|times| within(times, share));
        report.row(&format!("{name} of the bare ones end within"), Target::None, bare, "ms");
        report.row(&format!("{name} of `append` end within"), Target::None, own, "ms");
        let target = if share > 0.9 { Target::AtMost(3.0) } else { Target::None };
        report.row("  of the bare ones", target, own / bare, "times");
    }
    Ok(())
}

/// Texts of real sessions, cut to the size of a message.
fn texts(corpus: &Corpus) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    corpus.lines(4_000_000, &mut |line| {
        let text = String::from_utf8_lossy(line);
        texts.push(text.chars().take(MESSAGE_BYTES / 2).collect());
        Ok(())
    })?;
    Ok(texts)
}

/// The time within which that share of them ended, in milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a length is within it"
)]
fn within(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let place = (times.len() as f64 * share) as usize;
    times.get(place).copied().unwrap_or_default().as_secs_f64() * 1000.0
}
