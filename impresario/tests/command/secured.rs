//! HTTPS, and addresses that others can reach, as a person meets both.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use rustix::process::Signal;

use super::running::{Server, await_line, impresario, run, text};

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

    /// A config file beside the certificates.
    fn config(&self, config: &str) -> String {
        std::fs::write(self.path("a.toml"), config).unwrap();
        self.text("a.toml")
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
    let rows: [(&[&str], i32, &str); 8] = [
        (&["--tls-cert", &chain, "--tls-key", &other], 1, "does not belong to the first certificate"),
        (&["--tls-cert", &chain, "--tls-key", "/nowhere.pem"], 1, "can't read /nowhere.pem"),
        (&["--tls-cert", &key, "--tls-key", &key], 1, "has no certificate as PEM"),
        (&["--tls-cert", &chain], 2, "--tls-key PATH"),
        (&["--tls-client-ca", &chain], 2, "--tls-cert PATH"),
        (&["--tls-client-optional"], 2, "--tls-cert PATH"),
        (&["--tls-cert", &chain, "--tls-key", &key, "--tls-client-optional"], 2, "--tls-client-ca PATH"),
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

/// Names and values.
type Variables<'r> = &'r [(&'r str, &'r str)];

const FILE: &str = "[server]\nhttp = '127.0.0.1:0'\n[packs.calc]\n[server.tls]\n";

#[test]
fn a_file_names_the_certificate_and_variables_and_flags_win_over_it() {
    let folder = Folder::new();
    let (chain, key, other) =
        (folder.text("chain.pem"), folder.text("key.pem"), folder.text("other-key.pem"));
    let variable = "IMPRESARIO_SERVER__TLS__KEY";
    // Relative paths of the file and of its variables begin where the file is; flags name whole paths here.
    let rows: [(&str, Variables<'_>, &[&str]); 5] = [
        ("cert = 'chain.pem'\nkey = 'key.pem'\n", &[], &[]),
        ("cert = 'chain.pem'\nkey = 'nowhere.pem'\n", &[(variable, "key.pem")], &[]),
        ("cert = 'chain.pem'\nkey = 'nowhere.pem'\n", &[("IMPRESARIO_TLS_KEY", &key)], &[]),
        ("cert = 'chain.pem'\n", &[(variable, &other), ("IMPRESARIO_TLS_KEY", &other)], &["--tls-key", &key]),
        ("key = 'key.pem'\nclient_ca = 'ca.pem'\nclient_optional = true\n", &[], &["--tls-cert", &chain]),
    ];
    for (tls, variables, flags) in rows {
        let config = folder.config(&format!("{FILE}{tls}"));
        let mut command = impresario(&[&["serve", "--config", &config], flags].concat());
        let server = Server::with(command.envs(variables.iter().copied()));
        assert!(server.url.starts_with("https://127.0.0.1:"), "{tls}: {}", server.url);
        let (_, stderr, code) = text(&run(&["list", &server.url, "--ca", &folder.text("ca.pem")]));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{tls}");
    }
    // Who shows no certificate is turned away where the file does not say `client_optional`.
    let config = folder.config(&format!("{FILE}cert = 'chain.pem'\nkey = 'key.pem'\nclient_ca = 'ca.pem'\n"));
    let server = Server::with(&mut impresario(&["serve", "--config", &config]));
    assert_eq!(text(&run(&["list", &server.url, "--ca", &folder.text("ca.pem")])).2, Some(1));
    let config = folder.config(&format!("{FILE}cert = 'chain.pem'\n"));
    let (stdout, stderr, code) = text(&run(&["serve", "--config", &config]));
    assert_eq!((stdout.as_str(), code), ("", Some(1)));
    let expected = ["a.toml:4:1: server.tls: ", "--tls-key PATH", "[server.tls]"];
    assert!(expected.iter().all(|part| stderr.contains(part)), "{stderr}");
}

#[test]
fn a_hangup_reads_the_certificate_anew_and_other_settings_of_it_need_a_restart() {
    let (folder, next) = (Folder::new(), Folder::new());
    let with = |tls: &str| folder.config(&format!("{FILE}cert = 'chain.pem'\nkey = 'key.pem'\n{tls}"));
    let mut server = Server::with(&mut impresario(&["serve", "--config", &with("")]));
    let url = server.url.clone();
    let listed = |by: &Folder| text(&run(&["list", &url, "--ca", &by.text("ca.pem")])).2;
    assert_eq!((listed(&folder), listed(&next)), (Some(0), Some(1)));
    for name in ["chain.pem", "key.pem"] {
        std::fs::copy(next.path(name), folder.path(name)).unwrap();
    }
    server.signal(Signal::HUP);
    await_line(&mut server.stderr, "the server's certificate was read anew why=\"SIGHUP\"");
    assert_eq!((listed(&folder), listed(&next)), (Some(1), Some(0)));
    std::fs::write(folder.path("chain.pem"), "no certificate").unwrap();
    server.signal(Signal::HUP);
    await_line(&mut server.stderr, "the one before is used further on why=\"SIGHUP\"");
    assert_eq!(listed(&next), Some(0));
    let other = with("client_ca = 'ca.pem'\n");
    await_line(&mut server.stderr, "keys=server.tls");
    folder.config(&std::fs::read_to_string(other).unwrap().replace("[packs", "insecure = true\n[packs"));
    await_line(&mut server.stderr, "keys=server.tls, server.insecure");
}

#[test]
fn an_address_of_a_file_is_served_to_others_only_knowingly_too() {
    let folder = Folder::new();
    let open = "[server]\nhttp = '0.0.0.0:0'\n";
    let knowingly = "[server]\nhttp = '0.0.0.0:0'\ninsecure = true\n";
    let closed = "[server]\nhttp = '127.0.0.1:0'\n";
    let rows: [(&str, Variables<'_>, &[&str], bool); 9] = [
        (open, &[], &[], false),
        (closed, &[("IMPRESARIO_SERVER__HTTP", "0.0.0.0:0")], &[], false),
        (closed, &[], &["--http", "0.0.0.0:0"], false),
        (knowingly, &[("IMPRESARIO_INSECURE", "false")], &[], false),
        (knowingly, &[("IMPRESARIO_SERVER__INSECURE", "false")], &[], false),
        (knowingly, &[], &["--insecure=false"], false),
        (knowingly, &[], &[], true),
        (open, &[("IMPRESARIO_SERVER__INSECURE", "true")], &[], true),
        (open, &[], &["--insecure"], true),
    ];
    for (file, variables, flags, is_served) in rows {
        let config = folder.config(file);
        let mut command = impresario(&[&["serve", "--config", &config], flags].concat());
        command.envs(variables.iter().copied());
        if is_served {
            let server = Server::with(&mut command);
            assert!(server.url.starts_with("http://0.0.0.0:"), "{}", server.url);
        } else {
            let (stdout, stderr, code) = text(&command.output().unwrap());
            assert_eq!((code, stdout.as_str()), (Some(1), ""), "{file} {variables:?} {flags:?}: {stderr}");
            assert!(stderr.contains("--insecure") && !stderr.contains("listening on"), "{stderr}");
        }
    }
}
