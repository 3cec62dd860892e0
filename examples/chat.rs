//! A small chat program that never loses a word: `cargo run --example chat -- FOLDER`.
//!
//! It keeps its sessions in FOLDER, offers to go on with the last one, and saves what waits when it is
//! told to stop. Kill it at any moment and start it again.

#![expect(clippy::print_stdout, reason = "a chat program talks")]

use std::io::BufRead;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use annals::platform::Environment;
use annals::repository::LiveSession;
use annals::repository::OpenOptions;
use annals::repository::Repository;
use annals::repository::StartOffer;
use annals::session::Content;
use annals::session::Message;
use annals::session::Record;

/// The name of this agent: only its own sessions are offered.
const AGENT: &str = "example-chat";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(|| "chat.git".into(), PathBuf::from);
    let environment = Environment::from_process()?;
    // Opening commits what a program that died had not: nothing else is needed for recovery.
    let mut repository =
        Repository::open(&OpenOptions { store: Some(folder), environment, create: true })?;
    let live = Arc::new(begin(&mut repository)?);
    stop_on_signals(Arc::clone(&live))?;

    while let Some(line) = ask("you › ")? {
        // On the disk when `append` returns; a thread of the session's own commits it soon after.
        live.append(vec![Message::new("user", &line).into()])?;
        let answer = answer(&line);
        println!("bot › {answer}");
        let mut message = Message::new("assistant", &answer);
        message.model = Some("parrot-1".to_owned());
        live.append(vec![message.into()])?;
    }
    let head = live.close_within(Duration::from_secs(5))?;
    println!("Saved {} messages as {}.", head.counts.messages, head.id.short());
    Ok(())
}

/// The session to go on with, or a new one.
fn begin(repository: &mut Repository) -> annals::Result<LiveSession> {
    let options = repository.live_options()?;
    let (head, why) = match repository.start_offer(AGENT)? {
        StartOffer::Interrupted { head, .. } => (head, "was interrupted"),
        StartOffer::Last(head) => (head, "was the last one"),
        StartOffer::Nothing | StartOffer::Stopped(_) => return repository.create(AGENT, &options),
    };
    let name = head.title.or(head.preview).unwrap_or_default();
    println!("“{name}” {why}, with {} messages.", head.counts.messages);
    if !matches!(ask("Go on with it? [y/N] "), Ok(Some(answer)) if answer == "y") {
        return repository.create(AGENT, &options);
    }
    match repository.resume(head.id, &options) {
        Ok((live, restored)) => {
            for message in restored.records.iter().filter_map(Record::as_message) {
                // This program says nothing but texts.
                if let Content::Text(text) = &message.content {
                    println!("{} › {text}", message.role);
                }
            }
            repository.clear_failed_starts(Some(head.id))?;
            Ok(live)
        }
        Err(error) => {
            println!("It cannot be opened: {error}");
            repository.mark_failed_start(head.id, &error.to_string())?;
            repository.create(AGENT, &options)
        }
    }
}

/// Saves what waits and goes when the process is told to stop.
#[cfg(unix)]
fn stop_on_signals(live: Arc<LiveSession>) -> std::io::Result<()> {
    use signal_hook::consts::SIGTERM;
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM])?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            // What is not done by then is in the journal, and committed at the next start.
            drop(live.close_within(Duration::from_secs(5)));
            signal_hook::low_level::exit(128 + SIGTERM);
        }
    });
    Ok(())
}

/// There are no such signals here.
#[cfg(not(unix))]
fn stop_on_signals(_: Arc<LiveSession>) -> std::io::Result<()> {
    Ok(())
}

/// Here a model would be asked.
fn answer(question: &str) -> String {
    format!("{question}? Tell me more.")
}

fn ask(prompt: &str) -> std::io::Result<Option<String>> {
    print!("{prompt}");
    std::io::stdout().flush()?;
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end().to_owned()))
}
