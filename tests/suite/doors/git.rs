//! What git tells those whom it calls: its hooks, and its merge strategy.

use std::fs;

use annals::ErrorKind;
use annals::repository::GitCall;
use annals::repository::answer_git;

use crate::doors::text_of;
use crate::doors::typed::store_folder;

/// The name of a call, its arguments with spaces between, and what is told on lines of their own.
/// `MAIN` stands for the newest revision.
pub(crate) fn calls(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    let (environment, main) = store_folder();
    let before = fs::read_to_string(&main).expect("it is there");
    let text = text.replace("MAIN", before.trim());
    let (first, input) = text.split_once('\n').unwrap_or((&text, ""));
    let mut words = first.split(' ').map(str::to_owned);
    let Some(call) = words.next().and_then(|name| GitCall::parse(&name)) else { return };
    let arguments: Vec<String> = words.filter(|word| !word.contains('\0')).collect();
    match answer_git(&environment, call, &arguments, input) {
        Ok(refusals) => {
            for refusal in refusals {
                assert!(!refusal.cause.is_empty() && !refusal.place.is_empty(), "{refusal:?}");
            }
        }
        Err(error) => {
            assert_ne!(error.kind(), ErrorKind::Internal, "{error:?}");
        }
    }
    assert_eq!(fs::read_to_string(&main).expect("it is there"), before, "main stays where it is");
}
