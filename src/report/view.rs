//! `qsd view DIR`: the results of a folder in a browser, also through a tunnel from a login node.
//!
//! It reads and never writes. The loopback of a login node is open to all who work there, so the address holds a word from
//! the system's source of random numbers, and nothing is answered without it. What may be asked for lies in the folder,
//! links resolved.

mod answer;
mod place;

use crate::comm::hostname;
use crate::error::exit;
use answer::{Reply, Site};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use thiserror::Error;
use tiny_http::{Header, Request, Response, Server};

/// How many ports after the first are tried.
const PORTS: u16 = 100;
/// Requests answered side by side, so that a large report keeps nobody waiting.
const WORKERS: usize = 4;
/// Bytes of the word in the address.
const SECRET: usize = 16;

/// Why there is nothing to view.
#[derive(Debug, Error)]
pub enum ViewError {
    /// The folder is none.
    #[error("{} is not a folder that can be read ({why}); name the one with the results files", .path.display())]
    Folder {
        /// What was named.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// No address to listen at.
    #[error(
        "cannot listen at {host}, port {port} or one of the {PORTS} after it: {why}; choose another with --port or --host"
    )]
    Listen {
        /// The address.
        host: IpAddr,
        /// The first port.
        port: u16,
        /// What the system says.
        why: io::Error,
    },
    /// No word for the address.
    #[error("cannot read random bytes for the address from /dev/urandom: {why}")]
    Secret {
        /// What the system says.
        why: io::Error,
    },
}

impl ViewError {
    /// Short id printed with the message.
    pub fn id(&self) -> &'static str {
        "E-view"
    }

    /// The exit code that goes with it.
    pub fn exit_code(&self) -> i32 {
        exit::FAILED
    }
}

/// A server that listens and does not answer yet.
pub struct View {
    server: Arc<Server>,
    site: Arc<Site>,
    address: SocketAddr,
}

impl View {
    /// Listen for a folder, at the first port from `port` on that nobody has.
    ///
    /// # Errors
    /// Those of `ViewError`.
    pub fn of(folder: &Path, host: IpAddr, port: u16) -> Result<View, ViewError> {
        let unreadable = |why| ViewError::Folder { path: folder.into(), why };
        let root = folder.canonicalize().map_err(unreadable)?;
        std::fs::read_dir(&root).map_err(unreadable)?;
        let failed = |why| ViewError::Listen { host, port, why };
        let listener = listen(host, port).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let server = Server::from_listener(listener, None).map_err(|why| failed(io::Error::other(why)))?;
        let site = Site::new(root, secret().map_err(|why| ViewError::Secret { why })?);
        Ok(View { server: Arc::new(server), site: Arc::new(site), address })
    }

    /// Say where it is, and how to get there from another machine.
    ///
    /// # Errors
    /// What `out` says.
    pub fn announce(&self, out: &mut dyn Write) -> io::Result<()> {
        let (port, name) = (self.address.port(), hostname());
        let here = match self.address.ip() {
            ip if ip.is_unspecified() => name.clone(),
            IpAddr::V6(ip) => format!("[{ip}]"),
            ip => ip.to_string(),
        };
        let way = if self.address.ip().is_loopback() {
            format!("from afar, before that:  ssh -L {port}:{here}:{port} {name}")
        } else {
            "This address can be reached from other machines, and what is sent is not encrypted.".into()
        };
        // At once: a script that has read the address may not wait for the rest.
        let said = format!(
            "{}\n  open     http://{here}:{port}/{}/\n  {way}\n  Whoever has the address can read these results, and change \
             nothing. Ctrl-C ends it.\n",
            self.site.root().display(),
            self.site.secret()
        );
        out.write_all(said.as_bytes())?;
        out.flush()
    }

    /// Answer until the process ends.
    pub fn serve(self) {
        let work = |_| {
            let (server, site) = (self.server.clone(), self.site.clone());
            thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    respond(request, &site);
                }
            })
        };
        let workers: Vec<_> = (0..WORKERS).map(work).collect();
        for worker in workers {
            // A thread that panicked has said so; the others go on.
            let _ = worker.join();
        }
    }
}

/// A reader that went away is no failure of ours.
fn respond(request: Request, site: &Site) {
    let reply = catch_unwind(AssertUnwindSafe(|| site.answer(request.method().as_str(), request.url())));
    let Reply { status, kind, body } = reply.unwrap_or_else(|_| Reply::broken());
    let mut response = Response::from_data(body).with_status_code(status);
    let headers = [
        ("Content-Type", kind),
        // The address is a secret: it must not travel with a click, nor stay in a cache.
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
    ];
    for (name, value) in headers {
        response.add_header(Header::from_bytes(name, value).expect("a plain header"));
    }
    let _ = request.respond(response);
}

/// The first free port from `port` on; any free one for 0.
fn listen(host: IpAddr, port: u16) -> io::Result<TcpListener> {
    let mut last = None;
    for port in port..=port.saturating_add(PORTS) {
        match TcpListener::bind((host, port)) {
            Err(why) if why.kind() == io::ErrorKind::AddrInUse => last = Some(why),
            other => return other,
        }
    }
    Err(last.expect("one port was tried"))
}

/// A word that cannot be guessed, in hexadecimal.
fn secret() -> io::Result<String> {
    let mut bytes = [0; SECRET];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_port_that_is_taken_is_passed_over() {
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let taken = listen(host, 0).unwrap().local_addr().unwrap().port();
        let _held = TcpListener::bind((host, taken)).unwrap();
        let next = listen(host, taken).unwrap().local_addr().unwrap().port();
        assert!(next > taken && next <= taken.saturating_add(PORTS));
    }

    #[test]
    fn no_two_secrets_are_alike() {
        let secrets: std::collections::HashSet<_> = (0..100).map(|_| secret().unwrap()).collect();
        assert_eq!(secrets.len(), 100);
        assert!(secrets.iter().all(|secret| secret.len() == 2 * SECRET));
    }

    #[test]
    fn what_is_no_folder_is_explained() {
        let file = crate::store::testing::scratch("view-file").join("x.h5");
        std::fs::write(&file, "").unwrap();
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        for path in [file.as_path(), Path::new("/nowhere")] {
            let error = View::of(path, host, 0).err().unwrap();
            assert!(error.to_string().contains("is not a folder"), "{error}");
        }
    }
}
