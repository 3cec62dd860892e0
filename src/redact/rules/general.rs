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
use crate::redact::checksums;
use crate::redact::manifest;
use crate::redact::places;
use crate::redact::rules::Find;
use crate::redact::rules::GIVEN;
use crate::redact::rules::Opened;
use crate::redact::rules::Rule;
use crate::redact::rules::Scan;
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
    Rule::found("service-key", keywords, Find::Scan(scan))
}

/// Rules for secrets of no one service.
pub(super) const RULES: &[Rule] = &[
    // Source: a person names the value.
    Rule::found(GIVEN, &[], Find::Given),
    // Keys in text armour.
    // Source: RFC 7468, RFC 4880, OpenSSH's PROTOCOL.key.
    Rule::found("private-key", &["PRIVATE KEY"], Find::Scan(places::find_key_block)),
    // The same in base64 once more, as in files of environment variables.
    // Source: RFC 4648 over RFC 7468; kingfisher pem.
    Rule::token("private-key", &["LS0tLS1CRUdJTi"], r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]{40,}")
        .checked(holds_private_key)
        .opened(open_base64),
    // Secret manifests of Kubernetes: base64 in `data`, plain text in `stringData`.
    // Source: Kubernetes, "Secrets": `data` in base64, `stringData` as it stands.
    Rule::found("kubernetes-secret", &["kind: secret", "kind: 'secret", "kind: \"secret", "kind\": \"secret", "kind\":\"secret"], Find::Group(manifest::find_secrets))
        .opened(open_value),
    // Keys of wallets, and of Nostr.
    // Source: BIP 32, "Serialization format"; SLIP-0132.
    Rule::token(
        "wallet-key",
        &["xprv", "yprv", "zprv", "tprv", "uprv", "vprv"],
        r"[xyztuv]prv[1-9A-HJ-NP-Za-km-z]{107}\b",
    )
    .summed(checksums::holds_base58),
    // Source: NIP-19, "bech32-encoded entities".
    Rule::token("nostr-key", &["nsec1"], r"nsec1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{58}\b")
        .summed(checksums::holds_bech32),
    // Header and payload are JSON objects in base64url.
    // Source: RFC 7519.
    Rule::token(
        "jwt",
        &["eyJ"],
        r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
    ),
    // Source: RFC 7519 in base64 once more; gitleaks jwt-base64.
    Rule::token("jwt", &["ZXlK"], r"ZXlK[A-Za-z0-9+/]{60,}={0,2}").checked(holds_jwt)
        .opened(open_base64),
    // Credentials in an Authorization header.
    // Source: RFC 6750.
    Rule::phrase("bearer-token", &["bearer "], r"(?i)bearer +([^\s\x22'`\\,;<>]{10,8192})")
        .checked(is_command_password),
    // Source: RFC 7617.
    Rule::phrase("basic-auth", &["basic "], r"(?i)basic +([A-Za-z0-9+/_-]{8,}={0,2})")
        .checked(holds_login)
        .opened(open_login),
    // Source: Docker, "docker login", the file config.json.
    Rule::phrase("basic-auth", &["auth\""], r#"(?i)auth" ?: ?"([A-Za-z0-9+/_-]{8,}={0,2})""#)
        .checked(holds_login)
        .opened(open_login),
    // Source: curl(1), `--user`; gitleaks curl-auth-user.
    Rule::phrase(
        "curl-login",
        &[" -u", "--user ", "--user="],
        r#"(?: -u|--user)[ =]*["']?([^\s:"'$]{0,64}["']?:["']?[^\s"'\\]{0,128})"#,
    )
    .checked(is_login)
        .opened(open_pair),
    // The format of .netrc, and of `machine` lines elsewhere.
    // Source: netrc(5), ftp(1).
    Rule::phrase(
        "netrc",
        &["machine "],
        r"(?i)machine\s+\S{1,200}\s+login\s+\S{1,200}\s+password\s+(\S{3,200})",
    )
    .checked(is_not_placeholder),
    // Source: RFC 6265.
    Rule::phrase("cookie", &["cookie: "], r#"(?i)cookie: +([^\r\n"'\\]{16,4096})"#)
        .checked(holds_session)
        .opened(open_cookies),
    // Source: Django, "SECRET_KEY", the template of a new project.
    Rule::token("django-key", &["django-insecure-"], r#"django-insecure-[^\s"'`<>\\]{20,100}"#),
    // crypt(5): bcrypt and the SHA families.
    // Source: crypt(5), bcrypt; kingfisher hashes.
    Rule::token("password-hash", &["$2a$", "$2b$", "$2x$", "$2y$"], r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}"),
    // Source: crypt(5), MD5; Apache, "Password formats".
    Rule::token("password-hash", &["$1$", "$apr1$"], r"\$(?:1|apr1)\$[./A-Za-z0-9]{4,8}\$[./A-Za-z0-9]{22}"),
    // Source: crypt(5), yescrypt, scrypt; Cisco types 8 and 9.
    Rule::token("password-hash", &["$8$", "$9$", "$y$", "$7$"], r"\$[89]\$[./A-Za-z0-9]{8,16}\$[./A-Za-z0-9]{43}|\$[y7]\$[./A-Za-z0-9]{1,20}\$[./A-Za-z0-9]{10,60}\$[./A-Za-z0-9]{43}"),
    // Source: RFC 9106 in the PHC string format.
    Rule::token("password-hash", &["$argon2"], r"\$argon2i?d?\$[a-z0-9=,$]{6,60}\$[A-Za-z0-9+/]{8,90}\$[A-Za-z0-9+/]{20,100}"),
    // Source: Django, "Password management": PBKDF2.
    Rule::token("password-hash", &["pbkdf2_sha256$"], r"pbkdf2_sha256\$\d{3,8}\$[A-Za-z0-9+/=]{8,40}\$[A-Za-z0-9+/=]{40,50}"),
    // Source: the formats of John the Ripper and hashcat for Kerberos 5; kingfisher hashes.
    Rule::token("kerberos-hash", &["$krb5"], r"\$krb5[a-z]{2,6}\$\d\d?\$[^\s\x22']{40,4000}"),
    // Source: crypt(5), SHA-256 and SHA-512; kingfisher hashes.
    Rule::token(
        "password-hash",
        &["$5$", "$6$"],
        r"\$[56]\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43,86}",
    ),
    // Source: RFC 3986, section 3.2.1.
    Rule::found("url-password", &["://"], Find::Scan(places::find_url_password)),
    // Source: BIP 39; its checksum is not asked for, see docs/redaction.md.
    Rule::found("mnemonic", &["mnemonic", "phrase", "seed"], Find::Scan(places::find_mnemonic)),
    // Source: the key URI format of authenticator programs (otpauth).
    Rule::phrase(
        "totp-secret",
        &["otpauth://"],
        r"(?i)otpauth://[^\s\x22'<>]{0,300}?[?&]secret=([A-Z2-7]{16,})",
    ),
    // Passwords on the command lines of programs that take them there.
    // Source: the manuals of these programs.
    Rule::phrase(
        "command-password",
        &["mysql ", "mysqldump ", "mysqladmin ", "mariadb ", "sshpass ", "redis-cli ", "sqlcmd ", "psexec ", "docker login ", "ldapsearch ", "smbclient ", "xfreerdp "],
        r#"(?i)(?:(?:mysql(?:dump|admin)?|mariadb) [^\n|;]{0,120}?-p|sshpass -p ?|redis-cli [^\n|;]{0,120}?-a |sqlcmd [^\n|;]{0,120}?-P ?|(?:psexec|docker login) [^\n|;]{0,120}?-p |ldapsearch [^\n|;]{0,120}?-w |smbclient [^\n|;]{0,120}?%|xfreerdp [^\n|;]{0,120}?/p:)['"]?([^\s'"]{6,128})"#,
    )
    .checked(is_command_password),
    // Source: the tables of `services`, row by row.
    SERVICE_KEYS[0],
    // Source: the tables of `services`, row by row.
    SERVICE_KEYS[1],
    // Source: the tables of `services`, row by row.
    SERVICE_KEYS[2],
    // Source: the tables of `services`, row by row.
    SERVICE_KEYS[3],
    // Source: names, see `assign`.
    Rule::assigned("password", &["pass", "pwd", "_pw", "kennwort", "pswd"], Class::Password),
    // Source: names, see `assign`.
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
    // Source: names, see `assign`.
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

/// A secret in base64.
fn open_base64(value: &[u8]) -> Opened {
    Opened { secrets: vec![decoded(value)], text: Vec::new() }
}

/// A value of a manifest, in base64 or as it stands: a password, or a text that holds some.
fn open_value(value: &[u8]) -> Opened {
    let text = decoded(value);
    let is_text = std::str::from_utf8(&text).is_ok_and(|text| !text.contains('\0'));
    if text.is_empty() || !is_text {
        return Opened { secrets: Vec::new(), text: value.to_vec() };
    }
    let word = text.trim_ascii();
    let is_secret = !is_address(word) && (is_password(word) || is_random(word) || is_mixed(word));
    Opened { secrets: is_secret.then(|| word.to_vec()).into_iter().collect(), text }
}

/// Whether the value is the address of a host, with a port or not.
fn is_address(value: &[u8]) -> bool {
    let is_part =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:".contains(byte);
    value.contains(&b'.') && value.iter().all(is_part)
}

/// Whether the value is one word with capitals, small letters and digits in it, as no name has them.
fn is_mixed(value: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| value.iter().any(is);
    let is_word = |byte: &u8| byte.is_ascii_graphic() && !b"/\\<>{}".contains(byte);
    has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
        && value.iter().all(is_word)
}

/// `user:password` in base64.
fn open_login(value: &[u8]) -> Opened {
    open_pair(&decoded(value))
}

/// `user:password`, also with quotes round either.
fn open_pair(login: &[u8]) -> Opened {
    let colon = memchr::memchr(b':', login).map_or(login.len(), |colon| colon + 1);
    let password = login[colon..].trim_ascii();
    let password = password.strip_prefix(b"\"").or(password.strip_prefix(b"'")).unwrap_or(password);
    Opened { secrets: vec![password.to_vec()], text: Vec::new() }
}

/// The parts of a header that are the keys to sessions.
fn open_cookies(value: &[u8]) -> Opened {
    let parts = value.split(|byte| matches!(byte, b'=' | b';' | b' ' | b','));
    let secrets = parts.filter(|part| is_session(part)).map(<[u8]>::to_vec).collect();
    Opened { secrets, text: Vec::new() }
}

fn is_session(part: &[u8]) -> bool {
    is_random(part) && is_token_with_digits(part)
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
    parts.any(is_session)
}
