//! HTTPS, and addresses that others can reach, as a person meets both.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use super::running::{Server, impresario, run, text};

/// A folder with an authority, and a certificate of it for this machine.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, folder.text("ca.pem"));
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let files = [
            ("ca.pem", authority.pem()),
            ("chain.pem", certificate.pem()),
            ("key.pem", key.serialize_pem()),
            ("other-key.pem", KeyPair::generate().unwrap().serialize_pem()),
        ];
        for (name, text) in files {
            std::fs::write(folder.path(name), text).unwrap();
            std::fs::set_permissions(folder.path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

#[test]
fn a_server_is_served_by_https_and_listed_by_who_knows_its_authority() {
    let folder = Folder::new();
    let (chain, key, ca) = (folder.text("chain.pem"), folder.text("key.pem"), folder.text("ca.pem"));
    let server = Server::start(&["--tls-cert", &chain, "--tls-key", &key]);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let (stdout, stderr, code) = text(&run(&["list", &server.url, "--ca", &ca]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("add "), "{stdout}");
    // As the variable has it.
    let listed = impresario(&["list", &server.url]).env("IMPRESARIO_CA", &ca).output().unwrap();
    assert_eq!(text(&listed).2, Some(0));
    let strangers = Folder::new();
    let plain = server.url.replace("https://", "http://");
    let rows: [(&[&str], &str); 4] = [
        (&["list", &server.url, "--ca", &strangers.text("ca.pem")], "name it with --ca PATH"),
        (&["list", &server.url, "--ca", &key], "has no certificate as PEM (--ca)"),
        (&["list", &server.url, "--ca", "/nowhere.pem"], "can't read /nowhere.pem"),
        (&["list", &plain], "can't"),
    ];
    for (arguments, expected) in rows {
        let (stdout, stderr, code) = text(&run(arguments));
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected) && stderr.lines().count() == 1, "{arguments:?}: {stderr}");
    }
}

#[test]
fn what_can_not_be_served_with_is_told_at_the_start() {
    let folder = Folder::new();
    let (chain, key, other) =
        (folder.text("chain.pem"), folder.text("key.pem"), folder.text("other-key.pem"));
    let rows: [(&[&str], i32, &str); 7] = [
        (&["--tls-cert", &chain, "--tls-key", &other], 1, "does not belong to the first certificate"),
        (&["--tls-cert", &chain, "--tls-key", "/nowhere.pem"], 1, "can't read /nowhere.pem"),
        (&["--tls-cert", &key, "--tls-key", &key], 1, "has no certificate as PEM"),
        (&["--tls-cert", &chain], 2, "--tls-key <PATH>"),
        (&["--tls-client-ca", &chain], 2, "--tls-cert <PATH>"),
        (&["--tls-cert", &chain, "--tls-key", &key, "--tls-client-optional"], 1, "--tls-client-ca"),
        (&["--tls-cert", &chain, "--tls-key", &key, "--stdio"], 1, "TLS is for HTTP"),
    ];
    for (flags, exit_code, expected) in rows {
        let http: &[&str] = if flags.contains(&"--stdio") { &[] } else { &["--http", "127.0.0.1:0"] };
        let (_, stderr, code) = text(&run(&[&["serve"], http, flags].concat()));
        assert_eq!(code, Some(exit_code), "{flags:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(expected), "{flags:?}: {stderr}");
    }
    let socket = format!("unix:{}", folder.text("tools.sock"));
    let flags = ["serve", "--http", &socket, "--tls-cert", &chain, "--tls-key", &key];
    let (_, stderr, code) = text(&run(&flags));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("TLS is not spoken at Unix domain sockets"), "{stderr}");
}

#[test]
fn an_address_that_others_can_reach_is_served_only_knowingly() {
    for address in ["0.0.0.0:0", "[::]:0", "203.0.113.7:8000"] {
        let (stdout, stderr, code) = text(&run(&["serve", "--http", address]));
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains("--insecure"), "{address}: {stderr}");
        assert!(!stderr.contains("listening on"), "{address}: {stderr}");
    }
    let server = Server::start(&["--http", "0.0.0.0:0", "--insecure"]);
    assert!(server.url.starts_with("http://0.0.0.0:"), "{}", server.url);
    let mut command = impresario(&["serve", "--http", "0.0.0.0:0"]);
    let server = Server::with(command.env("IMPRESARIO_INSECURE", "true"));
    assert!(server.url.starts_with("http://0.0.0.0:"), "{}", server.url);
}
