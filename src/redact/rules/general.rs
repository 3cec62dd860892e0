//! Secrets of no one service: keys, tokens, headers, URLs, and whatever a name calls secret.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;

use crate::redact::assign::Class;
use crate::redact::checks::is_code;
use crate::redact::checks::is_password;
use crate::redact::checks::is_placeholder;
use crate::redact::checks::is_random;
use crate::redact::checks::is_token_with_digits;
use crate::redact::places;
use crate::redact::rules::Find;
use crate::redact::rules::GIVEN;
use crate::redact::rules::Rule;
use crate::redact::rules::any;

/// Reads base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Rules for secrets of no one service.
pub(super) const RULES: &[Rule] = &[
    Rule { name: GIVEN, keywords: &[], find: Find::Given, check: any },
    // RFC 7468, RFC 4880: keys in text armour.
    Rule {
        name: "private-key",
        keywords: &["PRIVATE KEY"],
        find: Find::Scan(places::find_key_block),
        check: any,
    },
    // The same in base64 once more, as in files of environment variables.
    Rule::token("private-key", &["LS0tLS1CRUdJTi"], r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]{40,}")
        .checked(holds_private_key),
    // RFC 7519: header and payload are JSON objects in base64url.
    Rule::token(
        "jwt",
        &["eyJ"],
        r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
    ),
    Rule::token("jwt", &["ZXlK"], r"ZXlK[A-Za-z0-9+/]{60,}={0,2}").checked(holds_jwt),
    // RFC 6750, RFC 7617: credentials in an Authorization header.
    Rule::phrase("bearer-token", &["bearer "], r"(?i)bearer +([^\s\x22'`\\,;<>]{16,8192})")
        .checked(is_random),
    Rule::phrase("basic-auth", &["basic "], r"(?i)basic +([A-Za-z0-9+/_-]{8,}={0,2})")
        .checked(holds_login),
    // Docker's config.json.
    Rule::phrase("basic-auth", &["auth\""], r#"(?i)auth" ?: ?"([A-Za-z0-9+/_-]{8,}={0,2})""#)
        .checked(holds_login),
    Rule::phrase(
        "curl-login",
        &["-u ", "--user ", "--user="],
        r#"(?:-u|--user)[ =]+["']?([^\s:"'$]{0,64}:[^\s"']{4,128})"#,
    )
    .checked(is_login),
    // The format of .netrc, and of `machine` lines elsewhere.
    Rule::phrase(
        "netrc",
        &["machine "],
        r"(?i)machine\s+\S{1,200}\s+login\s+\S{1,200}\s+password\s+(\S{3,200})",
    )
    .checked(is_not_placeholder),
    // RFC 6265.
    Rule::phrase("cookie", &["cookie: "], r#"(?i)cookie: +([^\r\n"'\\]{16,4096})"#)
        .checked(holds_session),
    // crypt(5): bcrypt and the SHA families.
    Rule::token("password-hash", &["$2a$", "$2b$", "$2y$"], r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}"),
    Rule::token(
        "password-hash",
        &["$5$", "$6$"],
        r"\$[56]\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43,86}",
    ),
    Rule {
        name: "url-password",
        keywords: &["://"],
        find: Find::Scan(places::find_url_password),
        check: any,
    },
    Rule::assigned("password", &["pass", "pwd", "_pw"], Class::Password),
    Rule::assigned(
        "secret",
        &[
            "secret",
            "token",
            "credential",
            "key",
            "_pat",
            "jwt",
            "hmac",
            "bearer",
            "cookie",
            "webhook",
        ],
        Class::Secret,
    ),
    Rule::assigned("key", &["key", "auth", "cookie"], Class::Key),
];

fn is_not_placeholder(value: &[u8]) -> bool {
    !is_placeholder(value) && !is_code(value)
}

/// Whether the value is `user:password`.
fn is_login(value: &[u8]) -> bool {
    let colon = memchr::memchr(b':', value).map_or(value.len(), |colon| colon + 1);
    let password = &value[colon..];
    is_password(password) || is_random(password)
}

fn decoded(value: &[u8]) -> Vec<u8> {
    let plain: Vec<u8> = value
        .iter()
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    BASE64.decode(plain).unwrap_or_default()
}

/// Whether the value is `user:password` in base64.
fn holds_login(value: &[u8]) -> bool {
    let login = decoded(value);
    let is_text = std::str::from_utf8(&login).is_ok_and(|text| !text.chars().any(char::is_control));
    let mut parts = login.splitn(2, |byte| *byte == b':');
    let (user, password) = (parts.next(), parts.next().unwrap_or_default());
    is_text && user.is_some() && password.len() >= 3 && is_not_placeholder(password)
}

fn holds_private_key(value: &[u8]) -> bool {
    let head = &value[..value.len().min(128) / 4 * 4];
    memchr::memmem::find(&decoded(head), b"PRIVATE KEY").is_some()
}

fn holds_jwt(value: &[u8]) -> bool {
    let text = decoded(value);
    text.starts_with(b"eyJ") && memchr::memmem::find(&text, b".eyJ").is_some()
}

/// Whether a header's value has a part that looks like the key to a session.
fn holds_session(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| matches!(byte, b'=' | b';' | b' ' | b','));
    parts.any(|part| is_random(part) && is_token_with_digits(part))
}
