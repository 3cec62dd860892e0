//! A program that keeps its conversations with annals: `cargo run --example embed`.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use annals::platform::Environment;
use annals::repository::Edit;
use annals::repository::Filter;
use annals::repository::OpenOptions;
use annals::repository::Page;
use annals::repository::Repository;
use annals::repository::SortKey;
use annals::session::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut repository = Repository::open(&OpenOptions {
        store: Some(folder.path().join("store.git")),
        environment: Environment::from_process()?,
        create: true,
    })?;
    let id = repository.create("my-agent")?.head.id;
    // Each append is a commit: when it returns, the messages are on the disk.
    let question = Message::new("user", "Why is the last line dropped?");
    let answer = Message::new("assistant", "The reader stops at the last line feed.");
    repository.append(id, vec![question.into(), answer.into()])?;
    repository.edit(id, &[Edit::Rename("Parser drops a line".to_owned())])?;

    let page = Page { offset: 0, limit: 10 };
    let listing = repository.list(&Filter::default(), SortKey::Modified, false, page)?;
    for session in listing.sessions {
        let head = session.head;
        let title = head.title.unwrap_or_default();
        println!("{}  {title}  {} messages", head.id.short(), head.counts.messages);
    }
    Ok(())
}
