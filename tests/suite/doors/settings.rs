//! Settings: files that people write by hand, and that annals changes in place.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use annals::config;
use annals::config::KnownPlace;
use annals::config::Machine;
use annals::config::MachineEdit;
use annals::config::Section;
use annals::config::Settings;
use annals::repository::check_settings;

use crate::doors::in_scratch;
use crate::doors::text_of;

const HOME: &str = "/home/kim";

/// `config.toml`
pub(crate) fn config(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    in_scratch(|folder| {
        let home = Path::new(HOME);
        let path = folder.join("annals/config.toml");
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder is made");
        fs::write(&path, text).expect("it is written");
        let before = Settings::load(folder, home);
        drop(check_settings(&before));
        let lines = text.split('\n').count();
        for key in config::KEYS {
            assert!(before.line_of(key).is_none_or(|line| (1..=lines).contains(&line)));
        }
        if config::set(folder, home, "save.interval", "77").is_err() {
            assert_eq!(fs::read_to_string(&path).expect("it is there"), text, "it stays as it is");
            return;
        }
        let after = Settings::load(folder, home);
        if after.check(Section::Save).is_ok() {
            assert_eq!(after.save_interval.value, Duration::from_secs(77), "it is set");
        }
        assert_eq!(others(&after), others(&before), "and nothing else");
        config::unset(folder, home, "save.interval").expect("what was set can be unset");
        let unset = Settings::load(folder, home);
        assert_eq!(unset.save_interval, Settings::default().save_interval, "the default holds");
        assert_eq!(others(&unset), others(&before), "and nothing else changed");
    });
}

/// What the settings say beside the interval of saves, and what of them can be used.
fn others(settings: &Settings) -> Vec<String> {
    let shown = config::KEYS.iter().filter(|key| !key.name.starts_with("save."));
    shown.map(|key| format!("{} {:?}", key.name, key.value(settings))).collect()
}

/// `machine.toml`
pub(crate) fn machine(bytes: &[u8]) {
    in_scratch(|folder| {
        let path = folder.join("machine.toml");
        fs::write(&path, bytes).expect("it is written");
        let before = Machine::load(folder);
        let seen = chrono::DateTime::from_timestamp(1_795_000_000, 0);
        let place = KnownPlace {
            repository: "example.org/new".into(),
            folder: PathBuf::from("/new"),
            seen,
        };
        if Machine::change(folder, &[MachineEdit::Seen(place.clone())]).is_err() {
            assert_eq!(fs::read(&path).expect("it is there"), bytes, "it stays as it is");
            return;
        }
        let after = Machine::load(folder);
        assert!(after.places.contains(&place), "{after:?}");
        assert_eq!(after.moved, before.moved);
        assert_eq!(after.store, before.store);
        for known in before.places.iter().filter(|it| it.folder != place.folder) {
            let is_other = known.repository != place.repository;
            assert!(!is_other || after.places.contains(known), "{known:?} is known still");
        }
    });
}
