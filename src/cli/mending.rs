//! Damage of the store in words: that it is read all the same; what a repair would do, or did, a line
//! for each step, and what it says of its losses.

use crate::cli::brief;
use crate::repository::Gap;
use crate::repository::LostSession;
use crate::repository::Place;
use crate::repository::RepairStep;
use crate::repository::SalvagedSession;
use crate::repository::SettingsFault;
use crate::repository::StoreDamage;
use crate::session::SessionId;

/// That a store is read though it is damaged.
pub(crate) fn read_on(damage: &StoreDamage) -> String {
    let StoreDamage { cause, stands_in } = damage;
    let shown = stands_in.as_ref().map_or_else(String::new, |revision| {
        format!(" What is shown is revision {}, without what came later.", revision.short())
    });
    format!(
        "The store is damaged, and only what can be read is shown: {cause}.{shown} \
        `annals doctor --repair` mends it."
    )
}

/// A step, as one sentence; `would`: it is only planned.
pub(crate) fn step(step: &RepairStep, would: bool) -> String {
    let (would_do, did, rest) = match step {
        RepairStep::Modes(paths) => {
            let names = paths.iter().map(|path| path.display().to_string());
            let names = names.collect::<Vec<_>>().join(", ");
            ("close", "Closed", format!("to others: {names}"))
        }
        RepairStep::Lock(lock) => {
            ("remove", "Removed", format!("a lock of a git that died: {}", lock.path.display()))
        }
        RepairStep::Settings(_)
        | RepairStep::PackedRefs
        | RepairStep::PackIndex(_)
        | RepairStep::LostPack(_)
        | RepairStep::Derived(_) => of_git(step),
        RepairStep::Objects(name, count) => {
            ("take", "Took", format!("{} from {name}", brief::count(*count, "object")))
        }
        RepairStep::Main(main) => {
            let (revision, by) = (main.revision.short(), &main.by);
            let lost = main.instead_of.as_ref().map_or_else(String::new, |lost| {
                format!(
                    "; what revision {} held since is lost, and nobody can say what that was",
                    lost.short()
                )
            });
            let rest =
                format!("main, which led nowhere, to revision {revision}, named by {by}{lost}");
            ("lead", "Led", rest)
        }
        RepairStep::Head => ("have", "Had", "HEAD name main, where it named nothing".to_owned()),
        RepairStep::Ref(name) => {
            ("take away", "Took away", format!("a ref that leads nowhere: {name}"))
        }
        RepairStep::TopFiles => ("make", "Made", "annals.yaml and .gitattributes again".to_owned()),
        RepairStep::Revision => {
            ("put", "Put", "sessions where the index knows them in the lost revision".to_owned())
        }
        RepairStep::Folder(name) => {
            let name = if name.is_empty() { "the top folder" } else { name };
            ("take", "Took", format!("{name} as the newest older revision has it"))
        }
        RepairStep::Session(session) => {
            let name = named(session.session, session.title.as_deref());
            ("put", "Put", format!("{name} together again: {}", losses(session)))
        }
        RepairStep::Tombstone(id) => {
            ("make", "Made", format!("the tombstone of session {id} again"))
        }
        RepairStep::Packs(_) => {
            ("pack", "Packed", "the store anew, without what is damaged".to_owned())
        }
        RepairStep::Index(fault) => ("make", "Made", format!("the index anew: {fault}")),
    };
    if would { format!("Would {would_do} {rest}") } else { format!("{did} {rest}") }
}

/// A step that mends what is git's alone: how it would be done, was done, and to what.
fn of_git(step: &RepairStep) -> (&'static str, &'static str, String) {
    match step {
        RepairStep::Settings(SettingsFault::Missing(names)) => {
            ("set", "Set", format!("what git's settings of the store lack: {}", names.join(", ")))
        }
        RepairStep::PackedRefs => ("take", "Took", "out of packed-refs what is no ref".to_owned()),
        RepairStep::PackIndex(fault) => {
            ("make", "Made", format!("the index of a pack again: {}", fault.path.display()))
        }
        RepairStep::LostPack(fault) => {
            let pack = fault.path.with_extension("pack");
            ("put", "Put", format!("aside a pack that is damaged: {}", pack.display()))
        }
        RepairStep::Derived(fault) => {
            let path = fault.path.display();
            ("put", "Put", format!("aside what git makes again by itself: {path}"))
        }
        _ => {
            let rest =
                "git's settings of the store again; remotes that they named are to be added anew";
            ("make", "Made", rest.to_owned())
        }
    }
}

/// Where the losses of a step lie, a line each.
pub(crate) fn places(step: &RepairStep) -> Vec<String> {
    let RepairStep::Session(session) = step else { return Vec::new() };
    let gaps = session.gaps.iter().map(gap);
    let files =
        session.lost_files.iter().map(|file| format!("{} lacks {}", place(&file.place), file.name));
    gaps.chain(files).collect()
}

/// A session of which nothing can be read.
pub(crate) fn lost(lost: &LostSession) -> String {
    let name = named(lost.session, lost.title.as_deref());
    let messages = lost.messages.map(|it| format!(" ({})", brief::count(it, "message")));
    let (messages, faults) = (messages.unwrap_or_default(), lost.faults.join("; "));
    format!("Nothing of {name}{messages} can be read; it stays as it is: {faults}")
}

fn losses(session: &SalvagedSession) -> String {
    let there = brief::count(session.messages, "message");
    let files = match session.lost_files.len() as u64 {
        0 => String::new(),
        count => format!(", {} of messages lost", brief::count(count, "large text or picture")),
    };
    match session.lost {
        _ if !session.is_losing() => format!("nothing is lost, {there}"),
        Some(0) if session.gaps.is_empty() => format!("{there}{files}"),
        Some(0) => format!("{there}; what is lost is no message{files}"),
        Some(1) => format!("1 message is lost, {there} are there{files}"),
        Some(lost) => format!("{lost} messages are lost, {there} are there{files}"),
        None => format!("messages are lost, nobody can say how many; {there} are there{files}"),
    }
}

fn gap(gap: &Gap) -> String {
    match (&gap.after, &gap.before) {
        (Some(after), Some(before)) => {
            format!("lost between {} and {}", place(after), place(before))
        }
        (Some(after), None) => format!("lost behind {}, the last", place(after)),
        (None, Some(before)) => format!("lost before {}", place(before)),
        (None, None) => "all is lost".to_owned(),
    }
}

fn place(place: &Place) -> String {
    let at = place.at.as_ref().map(|at| format!(", {at}")).unwrap_or_default();
    format!("record {} ({}{at})", place.number, place.key)
}

fn named(id: SessionId, title: Option<&str>) -> String {
    match title {
        Some(title) => format!("session {} “{}”", id.short(), brief::fit(title, 40)),
        None => format!("session {}", id.short()),
    }
}
