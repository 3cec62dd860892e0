//! A program that keeps its conversations with annals: `cargo run --example embed`.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use annals::platform::Environment;
use annals::repository::Edit;
use annals::repository::Filter;
use annals::repository::LiveOptions;
use annals::repository::OpenOptions;
use annals::repository::Page;
use annals::repository::Repository;
use annals::repository::SortKey;
use annals::repository::Update;
use annals::session::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut repository = Repository::open(&OpenOptions {
        store: Some(folder.path().join("store.git")),
        environment: Environment::from_process()?,
        create: true,
    })?;
    let live = repository.create("my-agent", &LiveOptions::default())?;
    // When `append` returns, the messages are on the disk; a thread commits them soon after.
    let question = Message::new("user", "Why is the last line dropped?");
    let answer = Message::new("assistant", "The reader stops at the last line feed.");
    live.append(vec![question.into(), answer.into()])?;
    live.update(Update::Edit(Edit::Rename("Parser drops a line".to_owned())))?;
    live.close()?;

    let page = Page { offset: 0, limit: 10 };
    let listing = repository.list(&Filter::default(), SortKey::Modified, false, page)?;
    for session in listing.sessions {
        let head = session.head;
        let title = head.title.unwrap_or_default();
        println!("{}  {title}  {} messages", head.id.short(), head.counts.messages);
    }
    Ok(())
}
