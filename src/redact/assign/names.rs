//! What names say of the values assigned to them.

use crate::redact::assign::Class;

/// Endings of names that hold passwords.
const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "pwd",
    "pswd",
    "pass",
    "pw",
];

/// Endings of names that hold other secrets.
const SECRETS: &[&str] = &[
    "secret",
    "secrets",
    "token",
    "apikey",
    "apikeys",
    "secretkey",
    "accesskey",
    "privatekey",
    "privkey",
    "authkey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "accountkey",
    "servicekey",
    "rolekey",
    "sharedkey",
    "hostapikey",
    "hmackey",
    "licensekey",
    "credential",
    "credentials",
    "creds",
    "jwt",
    "bearer",
    "sessioncookie",
    "authcookie",
    "anonkey",
    "clientkey",
    "sdkkey",
    "appkey",
    "consumerkey",
    "deploykey",
    "storagekey",
    "subscriptionkey",
    "presharedkey",
    "hmac",
    "webhookurl",
];

/// Words that make the name of a secret of a `key` behind them: `API key: …`.
const BEFORE_KEY: &[&str] = &[
    "api",
    "secret",
    "access",
    "private",
    "auth",
    "account",
    "storage",
    "signing",
    "encryption",
    "master",
    "service",
    "admin",
    "app",
    "application",
    "license",
    "consumer",
    "client",
    "deploy",
    "shared",
    "subscription",
];

/// Endings of names that may hold secrets.
const KEYS: &[&str] = &["key", "auth", "authorization", "cookie"];

/// More letters than the longest ending has, with a neutral one behind it.
const LONGEST_ENDING: usize = 40;

/// Endings that say nothing about what stands before them.
const NEUTRAL: &[&str] = &[
    "value", "base64", "base", "b64", "raw", "string", "prod", "live", "dev", "test", "staging",
    "old", "new",
];

/// Names that end like secrets and hold none.
const HARMLESS: &[&str] = &[
    "pagetoken",
    "nexttoken",
    "continuationtoken",
    "synctoken",
    // Tokens of a grammar.
    "matchingtoken",
    "openingtoken",
    "closingtoken",
    "bypass",
    "compass",
    "publickey",
    "primarykey",
    "foreignkey",
    "cachekey",
    "sortkey",
    "partitionkey",
    "idempotencykey",
    "rowkey",
    "columnkey",
    "groupkey",
    "routingkey",
    "objectkey",
    "hotkey",
    "mapkey",
    "lookupkey",
    "uniquekey",
    "indexkey",
    "itemkey",
    "eventkey",
    "recordkey",
    "registrykey",
    "lockkey",
    "configkey",
    "featurekey",
    "statekey",
    "querykey",
    "metakey",
    "paramkey",
    "fieldkey",
    "hashkey",
    "sha",
    "oauth",
    "monkey",
    "turkey",
    "hostkey",
    "knownkey",
    "fromkey",
    "messagekey",
    "requestkey",
    "sessionkey",
    "deploymentkey",
    "projectkey",
    "issuekey",
    "pubkey",
    "verifykey",
    "dedupkey",
    "dedupekey",
    "bundlekey",
    "threadkey",
    "translationkey",
    "filekey",
    "pathkey",
    "taskkey",
];

/// What the name says of its value.
pub(in crate::redact) fn class_of(name: &[u8]) -> Option<Class> {
    let mut buffer = [0; LONGEST_ENDING];
    let plain = plain_ending(name, &mut buffer);
    let ends = |endings: &[&str]| endings.iter().any(|ending| plain.ends_with(ending.as_bytes()));
    if ends(HARMLESS) {
        None
    } else if ends(PASSWORDS) {
        Some(Class::Password)
    } else if ends(SECRETS) || plain == b"pat" || name.to_ascii_lowercase().ends_with(b"_pat") {
        Some(Class::Secret)
    } else if plain.len() > 3 && ends(KEYS) {
        Some(Class::Key)
    } else {
        None
    }
}

/// What a name of two words says, of which `name` is the second.
pub(super) fn class_of_words(before: &[u8], name: &[u8]) -> Option<Class> {
    let is_key = name.eq_ignore_ascii_case(b"key") || name.eq_ignore_ascii_case(b"keys");
    let head = before.strip_suffix(b" ").filter(|_| is_key)?;
    let letters = head.iter().rev().take(16).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = &head[head.len() - letters..];
    let is_known = |known: &&str| word.eq_ignore_ascii_case(known.as_bytes());
    BEFORE_KEY.iter().any(is_known).then_some(Class::Secret)
}

/// The last letters of a name in lower case, without joints, numbers and neutral endings.
fn plain_ending<'b>(name: &[u8], buffer: &'b mut [u8; LONGEST_ENDING]) -> &'b [u8] {
    let letters = name.iter().rev().filter(|byte| byte.is_ascii_alphanumeric());
    let mut start = buffer.len();
    for letter in letters.take(LONGEST_ENDING) {
        start -= 1;
        buffer[start] = letter.to_ascii_lowercase();
    }
    let mut plain = &buffer[start..];
    for ending in NEUTRAL {
        plain =
            plain.strip_suffix(ending.as_bytes()).filter(|head| !head.is_empty()).unwrap_or(plain);
    }
    while let [head @ .., b'0'..=b'9'] = plain {
        plain = head;
    }
    plain
}
