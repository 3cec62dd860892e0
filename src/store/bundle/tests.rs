use chrono::DateTime;
use proptest::prelude::*;

use super::*;
use crate::redact::Clean;
use crate::session::Head;
use crate::session::HeadFold;
use crate::session::Message;
use crate::session::Record;

fn session(texts: &[&str]) -> Clean<(Head, Vec<Record>)> {
    let records: Vec<Record> = texts.iter().map(|text| Message::new("user", text).into()).collect();
    let id = SessionId::made_of("test", &texts.concat());
    Clean::stored((HeadFold::of_stream(id, &records).head().clone(), records))
}

fn bundle(sessions: &[Clean<(Head, Vec<Record>)>]) -> Vec<u8> {
    let text = |text: &str| Clean::stored(text.to_owned());
    let words = BundleText {
        manifest: text("bundle: 1\n"),
        readme: text("# Sessions\n"),
        subject: text("x"),
        at: DateTime::UNIX_EPOCH,
    };
    render_bundle(&words, sessions).expect("it is made")
}

fn records(bundle: &Bundle, number: usize) -> Vec<Record> {
    let mut records = Vec::new();
    let read = bundle.each_chunk(&bundle.sessions()[number], &mut |mut chunk| {
        records.append(&mut chunk);
        Ok::<_, BundleError>(())
    });
    read.expect("it reads");
    records
}

#[test]
fn a_bundle_gives_back_what_was_put_in_and_the_same_bytes_each_time() {
    let long = "x".repeat(300_000);
    let sessions = [session(&["Why?", "--- \n a: b"]), session(&[&long, &long])];
    let bytes = bundle(&sessions);
    assert_eq!(bytes, bundle(&sessions));
    let read = Bundle::parse(&bytes).expect("our own");
    assert_eq!(read.manifest(), "bundle: 1\n");
    for (number, held) in read.sessions().iter().enumerate() {
        let given = sessions.iter().find(|it| it.0.id == held.id()).expect("it was given");
        assert_eq!(read.head(held).expect("a head"), given.0);
        assert_eq!(records(&read, number), given.1);
    }
}

#[test]
fn all_that_stands_in_it_can_be_searched() {
    let read = Bundle::parse(&bundle(&[session(&["a word to find"])])).expect("our own");
    let holds =
        |word: &str| read.texts().any(|text| memchr::memmem::find(text, word.as_bytes()).is_some());
    for word in ["a word to find", "refs/heads/main", "# Sessions", "share: x", "session.yaml"] {
        assert!(holds(word), "{word}");
    }
    assert!(!holds("another word"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn a_bundle_with_a_changed_byte_is_refused_and_never_panics(
        at in any::<prop::sample::Index>(),
        mask in 1_u8..,
        cut in any::<prop::sample::Index>(),
    ) {
        let good = bundle(&[session(&["Why is the last line dropped?", "It has no end."])]);
        let mut changed = good.clone();
        changed[at.index(good.len())] ^= mask;
        prop_assert!(Bundle::parse(&changed).is_err());
        prop_assert!(Bundle::parse(&good[..cut.index(good.len())]).is_err());
    }

    #[test]
    fn no_bytes_behind_a_header_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let header = format!("# v2 git bundle\n{} HEAD\n\nPACK\0\0\0\x02\0\0\0\x02", "0".repeat(40));
        let mut pack = [header.as_bytes(), &body].concat();
        let start = header.len() - 12;
        let checksum = sha1_smol::Sha1::from(&pack[start..]).digest().bytes();
        pack.extend_from_slice(&checksum);
        prop_assert!(Bundle::parse(&pack).is_err());
    }
}
