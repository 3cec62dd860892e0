//! Addresses of remotes: which ones may be given to git at all.

use std::fmt;

/// What makes of an address one whose content is encrypted.
const GCRYPT: &str = "gcrypt::";

/// An address that git may be given: https, ssh, a path, `file://`, http on this machine, and
/// `gcrypt::` before one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

/// Why an address may not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is empty, or holds a control character, or git would take it for an option.
    #[error("{0:?} is no address of a repository")]
    Odd(String),
    /// Its transport is not among those that are allowed.
    #[error("{0} is no way to reach a remote; use https, ssh, a path, or gcrypt:: before these")]
    Transport(String),
    /// It holds a password, which would stand in a file.
    #[error("the address holds a password; leave it out, and let git's credential helper keep it")]
    Password,
    /// What is said over http can be read by everybody on the way.
    #[error("http is not safe outside this machine; use https")]
    Unsafe,
}

impl Address {
    /// The address that a text gives; a path must be absolute, or begin with `./` or `../`.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let address = text.trim();
        let shown = Self::without_secrets(address);
        let odd = || AddressError::Odd(shown.chars().take(80).collect());
        if address.is_empty() || address.starts_with('-') || address.chars().any(char::is_control) {
            return Err(odd());
        }
        check(address.strip_prefix(GCRYPT).unwrap_or(address), &odd)?;
        Ok(Self(address.to_owned()))
    }

    /// As git takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether git goes to no other machine for it.
    pub(super) fn is_on_this_machine(&self) -> bool {
        let inner = self.inner();
        ["/", "./", "../", "file://", "http://"].iter().any(|it| inner.starts_with(it))
    }

    /// Whether git-remote-gcrypt is at work between.
    pub(super) fn is_encrypted(&self) -> bool {
        self.0.starts_with(GCRYPT)
    }

    /// The transports that git may use for it, as it takes them: nothing that answers may lead it
    /// to a weaker one. Whoever has git rewrite addresses may go from https to ssh and back.
    pub(super) fn protocols(&self) -> String {
        let inner = match self.inner() {
            it if it.starts_with("http://") => "http",
            _ if self.is_on_this_machine() => "file",
            _ => "https:ssh",
        };
        let helper = if self.is_encrypted() { "gcrypt:" } else { "" };
        format!("{helper}{inner}")
    }

    /// The address below a helper.
    fn inner(&self) -> &str {
        self.0.strip_prefix(GCRYPT).unwrap_or(&self.0)
    }

    /// A line of git's, without what stands before an `@` in the addresses in it.
    pub(super) fn without_secrets(line: &str) -> String {
        let word = |word: &str| match (word.find("://"), word.rfind('@')) {
            (Some(start), Some(at)) if start < at => {
                format!("{}{}", &word[..start + 3], &word[at + 1..])
            }
            _ => word.to_owned(),
        };
        line.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check(address: &str, odd: &dyn Fn() -> AddressError) -> Result<(), AddressError> {
    if let Some((scheme, rest)) = address.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        let (login, host) = host.rsplit_once('@').unwrap_or(("", host));
        return match scheme {
            "file" if rest.starts_with('/') => Ok(()),
            "https" | "http" | "ssh" if host.is_empty() || host.starts_with('-') => Err(odd()),
            "https" | "http" | "ssh" if login.contains(':') => Err(AddressError::Password),
            "https" | "ssh" => Ok(()),
            "http" if is_here(host) => Ok(()),
            "http" => Err(AddressError::Unsafe),
            _ => Err(AddressError::Transport(format!("{scheme}://"))),
        };
    }
    if address.starts_with('/') || address.starts_with("./") || address.starts_with("../") {
        return Ok(());
    }
    if let Some((helper, _)) = address.split_once("::") {
        return Err(AddressError::Transport(format!("{helper}::")));
    }
    // git@host:path
    match address.split_once(':') {
        Some((host, path)) if !path.is_empty() && is_host(host) => Ok(()),
        _ => Err(odd()),
    }
}

/// `user@host`, or a host by name.
fn is_host(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@.-_".contains(c);
    let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
    text.chars().all(is_plain) && host.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_here(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    ["localhost", "127.0.0.1", "::1"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reaches_a_repository_is_an_address() {
        for right in [
            "https://example.org/a.git",
            "https://someone@example.org/a.git",
            "ssh://git@example.org:22/a.git",
            "git@example.org:team/a.git",
            "host:a.git",
            "/srv/a.git",
            "./a.git",
            "file:///srv/a.git",
            "http://127.0.0.1:8080/a.git",
            "gcrypt::git@example.org:a.git",
        ] {
            assert_eq!(Address::parse(right).map(|it| it.0), Ok(right.to_owned()));
        }
        for wrong in [
            "",
            "-uexec",
            "--upload-pack=touch x",
            "ext::sh -c x",
            "fd::7",
            "gcrypt::ext::sh",
            "ssh://-oProxyCommand=x/a",
            "-oProxyCommand=x:a",
            "u@-oProxyCommand=x:a",
            "git://example.org/a",
            "https:///a",
            "http://example.org/a",
            "http://localhost.example.org/a",
            "https://u:p@example.org/a",
            "/srv/a\nb",
            "somewhere",
        ] {
            assert!(Address::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_answers_may_lead_to_nothing_weaker() {
        for (address, protocols) in [
            ("https://example.org/a.git", "https:ssh"),
            ("git@example.org:a.git", "https:ssh"),
            ("http://127.0.0.1/a.git", "http"),
            ("/srv/a.git", "file"),
            ("file:///srv/a.git", "file"),
            ("gcrypt::/srv/a", "gcrypt:file"),
            ("gcrypt::git@example.org:a.git", "gcrypt:https:ssh"),
        ] {
            let address = Address::parse(address).expect("an address");
            assert_eq!(address.protocols(), protocols, "{address}");
        }
    }

    #[test]
    fn a_login_is_left_out_of_what_is_said() {
        assert_eq!(
            Address::without_secrets("fatal: cannot reach https://u:p@example.org/a.git/"),
            "fatal: cannot reach https://example.org/a.git/"
        );
    }
}
