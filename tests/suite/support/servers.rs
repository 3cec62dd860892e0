//! Servers on loopback that hand out git repositories: real ones, and one that says whatever a test
//! has it say.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::Ran;

/// What a client asked over http.
pub(crate) struct Asked {
    method: String,
    pub(crate) path: String,
    query: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Answers each request with what `answer` writes; gives the address.
pub(crate) fn serve(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has one");
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let mut stream = stream;
                if let Some(asked) = Asked::read(&mut stream) {
                    answer(&asked, &mut stream);
                }
            });
        }
    });
    format!("http://{address}")
}

impl Asked {
    fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut asked = Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            asked.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        if asked.header("transfer-encoding") == Some("chunked") {
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).ok()?;
                let length = usize::from_str_radix(line.trim(), 16).ok()?;
                let start = asked.body.len();
                asked.body.resize(start + length, 0);
                reader.read_exact(&mut asked.body[start..]).ok()?;
                reader.read_line(&mut line).ok()?;
                if length == 0 {
                    break;
                }
            }
        } else {
            let length = asked.header("content-length").and_then(|it| it.parse().ok());
            asked.body.resize(length.unwrap_or(0), 0);
            reader.read_exact(&mut asked.body).ok()?;
        }
        Some(asked)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }
}

/// Hands out the repositories below a folder by git's own program for it, to whoever says `me` and
/// `password`. None: this git has no such program.
pub(crate) fn http_backend(folder: &Path, password: &'static str) -> Option<String> {
    let git = Command::new("git").arg("--exec-path").output().ok()?;
    let program = Path::new(String::from_utf8_lossy(&git.stdout).trim()).join("git-http-backend");
    if !program.is_file() {
        return None;
    }
    let folder = folder.to_owned();
    Some(serve(move |asked, stream| {
        let right = format!("Basic {}", STANDARD.encode(format!("me:{password}")));
        if asked.header("authorization") != Some(&right) {
            let refused = "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
                           Content-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(refused.as_bytes()).ok();
            return;
        }
        let mut cgi = Command::new(&program);
        cgi.env("GIT_PROJECT_ROOT", &folder)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("PATH_INFO", &asked.path)
            .env("QUERY_STRING", &asked.query)
            .env("REQUEST_METHOD", &asked.method)
            .env("CONTENT_TYPE", asked.header("content-type").unwrap_or_default())
            .env("CONTENT_LENGTH", asked.body.len().to_string())
            .env("HTTP_CONTENT_ENCODING", asked.header("content-encoding").unwrap_or_default())
            .env("GIT_PROTOCOL", asked.header("git-protocol").unwrap_or_default())
            .env("REMOTE_USER", "me")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = cgi.spawn().expect("it starts");
        let mut input = child.stdin.take().expect("a pipe");
        let body = asked.body.clone();
        let writer = thread::spawn(move || input.write_all(&body).ok());
        let mut said = Vec::new();
        child.stdout.take().expect("a pipe").read_to_end(&mut said).expect("it is read");
        child.wait().expect("it ends");
        writer.join().expect("it is written");
        let status = String::from_utf8_lossy(&said[..said.len().min(100)]);
        let status = status.strip_prefix("Status: ").and_then(|it| it.lines().next());
        let head = format!("HTTP/1.1 {}\r\nConnection: close\r\n", status.unwrap_or("200 OK"));
        stream.write_all(head.as_bytes()).ok();
        stream.write_all(&said).ok();
    }))
}

/// A server of OpenSSH's, with keys of its own, for whoever runs the tests.
pub(crate) struct SshServer {
    child: Child,
    folder: PathBuf,
    /// `ssh://user@host:port`.
    pub(crate) address: String,
}

impl SshServer {
    /// Starts one, with its files in a folder; what is missing otherwise.
    pub(crate) fn start(folder: &Path) -> Result<Self, String> {
        let sshd = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].into_iter().map(Path::new);
        let sshd = sshd.into_iter().find(|it| it.is_file()).ok_or("there is no sshd")?;
        // Made by the system's start-up where there is one.
        fs::create_dir_all("/run/sshd").ok();
        for name in ["host", "user", "stranger"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.join(name));
            let made = keygen.output().map_err(|error| error.to_string())?;
            if !made.status.success() {
                return Err("ssh-keygen makes no key".to_owned());
            }
        }
        fs::copy(folder.join("user.pub"), folder.join("authorized")).expect("it is there");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port is free").local_addr();
        let port = port.expect("it has one").port();
        let path = |name: &str| folder.join(name).display().to_string();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin yes\nSetEnv GIT_CONFIG_GLOBAL=/dev/null\n",
            path("host"),
            path("authorized"),
        );
        fs::write(folder.join("sshd_config"), config).expect("it is written");
        let mut command = Command::new(sshd);
        command.args(["-D", "-E"]).arg(folder.join("log")).arg("-f");
        let mut child = command.arg(folder.join("sshd_config")).spawn().expect("it starts");
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                let host = fs::read_to_string(folder.join("host.pub")).expect("it is there");
                let known = format!("[127.0.0.1]:{port} {host}");
                fs::write(folder.join("known"), known).expect("it is written");
                let user = Ran::of(Command::new("id").arg("-un")).ok().stdout;
                let address = format!("ssh://{}@127.0.0.1:{port}", user.trim());
                return Ok(Self { child, folder: folder.to_owned(), address });
            }
            if child.try_wait().expect("it is ours").is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        child.kill().ok();
        child.wait().ok();
        Err(fs::read_to_string(folder.join("log")).unwrap_or_default())
    }

    /// How a client calls ssh that has that key and knows the hosts in that file.
    pub(crate) fn client(&self, key: &str, known: &str) -> String {
        let folder = self.folder.display();
        format!(
            "ssh -F /dev/null -i {folder}/{key} -oIdentitiesOnly=yes -oUserKnownHostsFile={folder}/{known} \
             -oGlobalKnownHostsFile=/dev/null"
        )
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A remote that is none: it says what it is told to.
#[derive(Clone)]
pub(crate) struct Impostor {
    /// What it says its refs are: lines of an id and a name.
    pub(crate) refs: Vec<String>,
    /// What it sends as a pack.
    pub(crate) pack: Vec<u8>,
}

impl Impostor {
    /// Begins to hand it out; gives its address.
    pub(crate) fn serve(self) -> String {
        let address = serve(move |asked, stream| {
            let head = |kind: &str| {
                format!(
                    "HTTP/1.1 200 OK\r\nConnection: close\r\n\
                     Content-Type: application/x-git-upload-pack-{kind}\r\n\r\n"
                )
            };
            // Who hangs up has heard enough.
            if asked.path.ends_with("/info/refs") {
                stream.write_all(head("advertisement").as_bytes()).ok();
                stream.write_all(&self.advertisement()).ok();
                return;
            }
            stream.write_all(head("result").as_bytes()).ok();
            stream.write_all(b"0008NAK\n").ok();
            if asked.text().contains("0009done\n") {
                stream.write_all(&self.pack).ok();
            }
        });
        format!("{address}/x.git")
    }

    fn advertisement(&self) -> Vec<u8> {
        let mut bytes = packet("# service=git-upload-pack\n");
        bytes.extend_from_slice(b"0000");
        for (number, line) in self.refs.iter().enumerate() {
            let abilities = if number == 0 { "\0ofs-delta" } else { "" };
            bytes.extend(packet(&format!("{line}{abilities}\n")));
        }
        bytes.extend_from_slice(b"0000");
        bytes
    }
}

impl Asked {
    fn text(&self) -> String {
        let mut bytes = Vec::new();
        if self.header("content-encoding") == Some("gzip") {
            let mut inflated = flate2::read::GzDecoder::new(&*self.body);
            inflated.read_to_end(&mut bytes).expect("it is in gzip");
        } else {
            bytes.clone_from(&self.body);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// A line as git's protocol has it.
pub(crate) fn packet(line: &str) -> Vec<u8> {
    format!("{:04x}{line}", line.len() + 4).into_bytes()
}
