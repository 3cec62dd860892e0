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
use crate::redact::manifest;
use crate::redact::places;
use crate::redact::rules::Find;
use crate::redact::rules::GIVEN;
use crate::redact::rules::Rule;
use crate::redact::rules::Scan;
use crate::redact::rules::any;
use crate::redact::services::BUSINESS;
use crate::redact::services::DATA;
use crate::redact::services::INFRASTRUCTURE;
use crate::redact::services::MESSAGES;
use crate::redact::services::find;
use crate::redact::services::names;

/// Reads base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Keys that stand behind the name of their service, one rule for each table of services.
const SERVICE_KEYS: [Rule; 4] = [
    behind_name(&names::<{ BUSINESS.len() }>(BUSINESS), |text, hit| find(BUSINESS, text, hit)),
    behind_name(&names::<{ DATA.len() }>(DATA), |text, hit| find(DATA, text, hit)),
    behind_name(&names::<{ INFRASTRUCTURE.len() }>(INFRASTRUCTURE), |text, hit| {
        find(INFRASTRUCTURE, text, hit)
    }),
    behind_name(&names::<{ MESSAGES.len() }>(MESSAGES), |text, hit| find(MESSAGES, text, hit)),
];

const fn behind_name(keywords: &'static [&'static str], scan: Scan) -> Rule {
    Rule { name: "service-key", keywords, find: Find::Scan(scan), check: any }
}

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
    // Secret manifests of Kubernetes: base64 in `data`, plain text in `stringData`.
    Rule {
        name: "kubernetes-secret",
        keywords: &["kind: secret", "kind: 'secret", "kind: \"secret", "kind\": \"secret", "kind\":\"secret"],
        find: Find::Group(manifest::find_secrets),
        check: any,
    },
    // RFC 7519: header and payload are JSON objects in base64url.
    Rule::token(
        "jwt",
        &["eyJ"],
        r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
    ),
    Rule::token("jwt", &["ZXlK"], r"ZXlK[A-Za-z0-9+/]{60,}={0,2}").checked(holds_jwt),
    // RFC 6750, RFC 7617: credentials in an Authorization header.
    Rule::phrase("bearer-token", &["bearer "], r"(?i)bearer +([^\s\x22'`\\,;<>]{10,8192})")
        .checked(is_command_password),
    Rule::phrase("basic-auth", &["basic "], r"(?i)basic +([A-Za-z0-9+/_-]{8,}={0,2})")
        .checked(holds_login),
    // Docker's config.json.
    Rule::phrase("basic-auth", &["auth\""], r#"(?i)auth" ?: ?"([A-Za-z0-9+/_-]{8,}={0,2})""#)
        .checked(holds_login),
    Rule::phrase(
        "curl-login",
        &[" -u", "--user ", "--user="],
        r#"(?: -u|--user)[ =]*["']?([^\s:"'$]{0,64}["']?:["']?[^\s"'\\]{0,128})"#,
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
    // Django's own template of a new project.
    Rule::token("django-key", &["django-insecure-"], r#"django-insecure-[^\s"'`<>\\]{20,100}"#),
    // crypt(5): bcrypt and the SHA families.
    Rule::token("password-hash", &["$2a$", "$2b$", "$2x$", "$2y$"], r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}"),
    Rule::token("password-hash", &["$1$", "$apr1$"], r"\$(?:1|apr1)\$[./A-Za-z0-9]{4,8}\$[./A-Za-z0-9]{22}"),
    Rule::token("password-hash", &["$8$", "$9$", "$y$", "$7$"], r"\$[89]\$[./A-Za-z0-9]{8,16}\$[./A-Za-z0-9]{43}|\$[y7]\$[./A-Za-z0-9]{1,20}\$[./A-Za-z0-9]{10,60}\$[./A-Za-z0-9]{43}"),
    Rule::token("password-hash", &["$argon2"], r"\$argon2i?d?\$[a-z0-9=,$]{6,60}\$[A-Za-z0-9+/]{8,90}\$[A-Za-z0-9+/]{20,100}"),
    Rule::token("password-hash", &["pbkdf2_sha256$"], r"pbkdf2_sha256\$\d{3,8}\$[A-Za-z0-9+/=]{8,40}\$[A-Za-z0-9+/=]{40,50}"),
    Rule::token("kerberos-hash", &["$krb5"], r"\$krb5[a-z]{2,6}\$\d\d?\$[^\s\x22']{40,4000}"),
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
    Rule {
        name: "mnemonic",
        keywords: &["mnemonic", "phrase", "seed"],
        find: Find::Scan(places::find_mnemonic),
        check: any,
    },
    // The key URI of authenticator programs.
    Rule::phrase(
        "totp-secret",
        &["otpauth://"],
        r"(?i)otpauth://[^\s\x22'<>]{0,300}?[?&]secret=([A-Z2-7]{16,})",
    ),
    // Passwords on the command lines of programs that take them there.
    Rule::phrase(
        "command-password",
        &["mysql ", "mysqldump ", "mysqladmin ", "mariadb ", "sshpass ", "redis-cli ", "sqlcmd ", "psexec ", "docker login ", "ldapsearch ", "smbclient ", "xfreerdp "],
        r#"(?i)(?:(?:mysql(?:dump|admin)?|mariadb) [^\n|;]{0,120}?-p|sshpass -p ?|redis-cli [^\n|;]{0,120}?-a |sqlcmd [^\n|;]{0,120}?-P ?|(?:psexec|docker login) [^\n|;]{0,120}?-p |ldapsearch [^\n|;]{0,120}?-w |smbclient [^\n|;]{0,120}?%|xfreerdp [^\n|;]{0,120}?/p:)['"]?([^\s'"]{6,128})"#,
    )
    .checked(is_command_password),
    SERVICE_KEYS[0],
    SERVICE_KEYS[1],
    SERVICE_KEYS[2],
    SERVICE_KEYS[3],
    Rule::assigned("password", &["pass", "pwd", "_pw", "kennwort", "pswd"], Class::Password),
    Rule::assigned(
        "secret",
        &[
            "secret",
            "token",
            "cred",
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

/// Whether the value is a password rather than a flag or a variable.
fn is_command_password(value: &[u8]) -> bool {
    is_password(value) || is_random(value)
}

/// Whether the value is `user:password`.
fn is_login(value: &[u8]) -> bool {
    let colon = memchr::memchr(b':', value).map_or(value.len(), |colon| colon + 1);
    let password = match &value[colon..] {
        b"" | b"'" | b"\"" => &value[..colon.saturating_sub(1)],
        password => password,
    };
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
