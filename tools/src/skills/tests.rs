//! Skills from a directory: what is found, what can be read, what is left out, what is told when it changes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use impresario_engine::{ErrorKind, JsonObject, ListenFilter};

use super::*;

/// A folder of this test's own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name =
            format!("impresario-skills-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(folder.root()).unwrap();
        folder
    }

    /// The directory that is served; what stands beside it is not.
    fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    fn write(&self, path: &str, contents: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    fn skill(&self, path: &str) {
        self.described(path, "Does it.");
    }

    fn described(&self, path: &str, description: &str) {
        let name = path.rsplit('/').next().unwrap();
        self.write(
            &format!("{path}/SKILL.md"),
            format!("---\nname: {name}\ndescription: {description}\n---\nHow.\n"),
        );
    }

    fn skills(&self) -> Skills {
        Skills::open(self.root()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn uris(skills: &Skills) -> Vec<String> {
    skills.shelf.index().skills.keys().cloned().collect()
}

fn files(skills: &Skills) -> Vec<String> {
    let mut files: Vec<_> = skills.shelf.index().files.keys().cloned().collect();
    files.sort();
    files
}

fn problems(skills: &Skills) -> String {
    skills.shelf.index().problems.iter().cloned().collect::<Vec<_>>().join("\n")
}

fn params(members: &Value) -> ExtensionParams {
    ExtensionParams::new("test", members.as_object().cloned().unwrap_or_default())
}

#[test]
fn a_skill_is_a_folder_at_any_depth_with_all_its_files() {
    let folder = Folder::new();
    folder.skill("refunds");
    folder.write("refunds/references/policy v2.md", "Thirty days.");
    folder.write("refunds/logo.png", [0x89, b'P', b'N', b'G', 0xff]);
    folder.write("refunds/.git/config", "secret");
    folder.write("refunds/.env", "secret");
    folder.skill("team/legal/contracts");
    folder.skill(".hidden/skill");
    folder.write("README.md", "no skill");
    let skills = folder.skills();
    assert_eq!(uris(&skills), ["skill://refunds/SKILL.md", "skill://team/legal/contracts/SKILL.md"]);
    let expected = [
        "skill://refunds/SKILL.md",
        "skill://refunds/logo.png",
        "skill://refunds/references/policy%20v2.md",
        "skill://team/legal/contracts/SKILL.md",
    ];
    assert_eq!(files(&skills), expected);
    assert_eq!(problems(&skills), "");
    let text = skills.shelf.read("skill://refunds/references/policy%20v2.md").unwrap();
    let mut expected = ResourceContents::text("skill://refunds/references/policy%20v2.md", "Thirty days.");
    expected = expected.with_mime_type("text/markdown");
    assert_eq!(text, expected);
    let picture = skills.shelf.read("skill://refunds/logo.png").unwrap();
    let bytes = vec![0x89, b'P', b'N', b'G', 0xff];
    assert_eq!(
        picture,
        ResourceContents::blob("skill://refunds/logo.png", bytes).with_mime_type("image/png")
    );
}

#[test]
fn an_entry_names_every_file_with_its_digest_and_size() {
    let folder = Folder::new();
    folder.skill("refunds");
    folder.write("refunds/empty.txt", "");
    let Answer(answer, _) =
        get(&folder.skills().shelf.index(), &params(&json!({"uri": "skill://refunds/SKILL.md"}))).unwrap();
    let skill = &answer["skill"];
    assert_eq!(skill["frontmatter"], json!({"name": "refunds", "description": "Does it."}));
    // The digest of nothing is well known.
    let empty = json!({
        "uri": "skill://refunds/empty.txt",
        "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "size": 0,
    });
    assert_eq!(skill["resources"][1], empty);
    assert_eq!(skill["resources"][0]["uri"], skill["uri"]);
}

/// Rows 80 to 83 of the decisions: nothing that is not a file of a skill, by whatever name, can be read.
#[test]
fn no_uri_leads_out_of_the_skills() {
    let folder = Folder::new();
    folder.skill("refunds");
    folder.write("refunds/.env", "secret");
    fs::write(folder.0.join("secret"), "secret").unwrap();
    fs::create_dir(folder.0.join("root_evil")).unwrap();
    fs::write(folder.0.join("root_evil/x"), "secret").unwrap();
    let skills = folder.skills();
    let long = format!("skill://refunds/{}", "x".repeat(4_097));
    let rows = [
        "skill://../secret",
        "skill://refunds/../../secret",
        "skill://refunds/../SKILL.md",
        "skill://%2e%2e/secret",
        "skill://refunds/%2e%2e/%2e%2e/secret",
        "skill://refunds/..%2f..%2fsecret",
        "skill://..\\secret",
        "skill://refunds/..\\..\\secret",
        "skill://../root_evil/x",
        "skill:///etc/passwd",
        "skill:///work",
        "skill://refunds//SKILL.md",
        "skill://refunds/./SKILL.md",
        "skill://refunds/SKILL.md/",
        "skill://refunds/SKILL.md\0",
        "skill://refunds/SKILL.md%00",
        "skill://refunds/SKILL.md?x",
        "skill://refunds/SKILL.md#x",
        "skill://refunds/\u{202e}SKILL.md",
        "skill://refunds/SKILL\u{200b}.md",
        "skill://REFUNDS/SKILL.md",
        "skill://refunds",
        "skill://refunds/.env",
        "skill://",
        "file:///etc/passwd",
        "",
        &long,
    ];
    for uri in rows {
        assert_eq!(skills.shelf.read(uri).unwrap_err().kind, ErrorKind::ResourceNotFound, "{uri}");
        let asked = params(&json!({ "uri": uri }));
        assert_eq!(
            get(&skills.shelf.index(), &asked).err().map(|error| error.kind),
            Some(ErrorKind::InvalidParams)
        );
        if uri != "skill://refunds" {
            let read = read_directory(&skills.shelf.index(), &asked);
            assert_eq!(read.err().map(|error| error.kind), Some(ErrorKind::InvalidParams), "{uri}");
        }
    }
    assert!(skills.shelf.read("skill://refunds/SKILL.md").is_ok());
}

#[test]
fn links_and_special_files_are_left_out() {
    let folder = Folder::new();
    folder.skill("refunds");
    fs::write(folder.0.join("secret"), "secret").unwrap();
    fs::create_dir(folder.0.join("elsewhere")).unwrap();
    fs::write(folder.0.join("elsewhere/SKILL.md"), "---\nname: elsewhere\ndescription: d\n---\n").unwrap();
    let root = folder.root();
    symlink(folder.0.join("secret"), root.join("refunds/out")).unwrap();
    symlink("out", root.join("refunds/chain")).unwrap();
    symlink("SKILL.md", root.join("refunds/inside.md")).unwrap();
    symlink(folder.0.join("elsewhere"), root.join("elsewhere")).unwrap();
    symlink("..", root.join("refunds/loop")).unwrap();
    fs::hard_link(folder.0.join("secret"), root.join("refunds/hard")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("refunds/socket")).unwrap();
    folder.skill("linked");
    fs::rename(root.join("linked/SKILL.md"), folder.0.join("moved")).unwrap();
    symlink(folder.0.join("moved"), root.join("linked/SKILL.md")).unwrap();
    let skills = folder.skills();
    assert_eq!(files(&skills), ["skill://refunds/SKILL.md"]);
    let told = problems(&skills);
    for left_out in ["out", "chain", "inside.md", "loop", "hard", "socket"] {
        assert!(told.contains(&format!("\"refunds/{left_out}\"")), "{left_out}: {told}");
    }
    assert!(told.contains("\"elsewhere\": it is a symbolic link"), "{told}");
}

#[test]
fn a_file_that_is_exchanged_for_a_link_after_the_scan_opens_nothing() {
    let folder = Folder::new();
    folder.skill("refunds");
    folder.write("refunds/a/notes.txt", "mine");
    fs::create_dir(folder.0.join("elsewhere")).unwrap();
    fs::write(folder.0.join("elsewhere/notes.txt"), "secret").unwrap();
    let skills = folder.skills();
    let uri = "skill://refunds/a/notes.txt";
    assert!(skills.shelf.read(uri).is_ok());
    let file = folder.root().join("refunds/a/notes.txt");
    fs::remove_file(&file).unwrap();
    symlink(folder.0.join("elsewhere/notes.txt"), &file).unwrap();
    assert_eq!(skills.shelf.read(uri).unwrap_err().kind, ErrorKind::ResourceNotFound, "a linked file");
    fs::remove_dir_all(folder.root().join("refunds/a")).unwrap();
    symlink(folder.0.join("elsewhere"), folder.root().join("refunds/a")).unwrap();
    assert_eq!(
        skills.shelf.read(uri).unwrap_err().kind,
        ErrorKind::ResourceNotFound,
        "a linked folder above it"
    );
    fs::remove_file(folder.root().join("refunds/a")).unwrap();
    fs::create_dir(folder.root().join("refunds/a")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &file,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    assert_eq!(skills.shelf.read(uri).unwrap_err().kind, ErrorKind::ResourceNotFound, "a pipe");
}

#[test]
fn what_exceeds_a_bound_is_left_out_and_the_rest_is_served() {
    let folder = Folder::new();
    for name in ["a", "b", "c"] {
        folder.skill(name);
    }
    folder.write("b/large", vec![b'x'; 2_000]);
    folder.write("c/1", "1");
    folder.write("c/2", "2");
    folder.write("c/3", "3");
    folder.skill("d/e/f/g");
    folder.write("h/SKILL.md", "no front matter");
    folder.skill("i");
    let limits = SkillLimits {
        skills_max: 1,
        files_per_skill_max: 3,
        skill_bytes_max: 1_500,
        depth_max: 3,
        ..SkillLimits::default()
    };
    let skills = Skills::open_with(folder.root(), limits.clone()).unwrap();
    assert_eq!((skills.len(), uris(&skills)), (1, vec!["skill://a/SKILL.md".to_owned()]));
    let told = problems(&skills);
    for expected in ["\"i\": there are 1 skills", "\"b\": there are 1 skills"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let skills = Skills::open_with(folder.root(), SkillLimits { skills_max: 9, ..limits.clone() }).unwrap();
    assert_eq!(uris(&skills), ["skill://a/SKILL.md", "skill://i/SKILL.md"]);
    let told = problems(&skills);
    let expected = [
        "\"b\": its files are larger than 1500 bytes",
        "\"c\": it has more than 3 files",
        "\"d/e/f/g\": it is too deep",
        "\"h\": it must begin with front matter",
    ];
    assert!(expected.iter().all(|expected| told.contains(expected)), "{told}");
    let few = Skills::open_with(folder.root(), SkillLimits { entries_max: 2, ..SkillLimits::default() });
    assert!(few.unwrap_err().to_string().contains("more than 2 files and folders"));
    assert!(Skills::open(folder.root().join("none")).is_err());
}

#[test]
fn folders_are_listed_by_their_uri() {
    let folder = Folder::new();
    folder.skill("team/refunds");
    folder.write("team/refunds/references/deep/a.json", "{}");
    let index = folder.skills().shelf.index();
    let read =
        |uri: &str| read_directory(&index, &params(&json!({ "uri": uri }))).map(|Answer(answer, _)| answer);
    let expected = json!({"resources": [
        {"uri": "skill://team/refunds/SKILL.md", "name": "SKILL.md", "mimeType": "text/markdown", "size": 49},
        {"uri": "skill://team/refunds/references", "name": "references", "mimeType": "inode/directory"},
    ]});
    assert_eq!(read("skill://team/refunds").unwrap(), expected);
    assert_eq!(read("skill://team/refunds/").unwrap(), expected);
    let deep = read("skill://team/refunds/references/deep").unwrap();
    assert_eq!(deep["resources"][0]["mimeType"], "application/json");
    for uri in ["skill://team", "skill://team/refunds/SKILL.md", "skill://none", "skill://"] {
        assert_eq!(read(uri).unwrap_err().kind, ErrorKind::InvalidParams, "{uri}");
    }
}

#[test]
fn lists_come_in_pages_that_hold_while_skills_come_and_go() {
    let folder = Folder::new();
    let name = |number: usize| format!("skill-{number:03}");
    (0..150).for_each(|number| folder.skill(&name(number)));
    let skills = folder.skills();
    let ask = |cursor: Option<&Value>| {
        let members = cursor.map_or_else(JsonObject::new, |cursor| {
            [("cursor".to_owned(), cursor.clone())].into_iter().collect()
        });
        list(&skills.shelf.index(), &ExtensionParams::new("skills/list", members))
            .map(|Answer(answer, _)| answer)
    };
    let first = ask(None).unwrap();
    assert_eq!(first["skills"].as_array().unwrap().len(), 100);
    fs::remove_dir_all(folder.root().join(name(99))).unwrap();
    fs::remove_dir_all(folder.root().join(name(3))).unwrap();
    skills.shelf.rescan(Duration::ZERO);
    let second = ask(Some(&first["nextCursor"])).unwrap();
    assert_eq!(second["skills"][0]["frontmatter"]["name"], json!(name(100)));
    assert_eq!(second["skills"].as_array().unwrap().len(), 50);
    assert_eq!(second.get("nextCursor"), None);
    for wrong in [json!(7), json!("nonsense"), json!("cmVzb3VyY2VzL2RpcmVjdG9yeS9yZWFkCng")] {
        assert_eq!(ask(Some(&wrong)).unwrap_err().kind, ErrorKind::InvalidParams, "{wrong}");
    }
}

#[test]
fn what_changes_is_found_by_the_next_scan_and_told() {
    let folder = Folder::new();
    folder.skill("stays");
    folder.skill("goes");
    folder.write("stays/notes.txt", "one");
    let skills = folder.skills();
    let runtime = Runtime::builder().offer(skills.offer()).lanes(1).start().unwrap();
    let shared = Arc::clone(runtime.shared());
    let listed = || -> Vec<String> {
        let named = shared.registry.snapshot().resource_definitions();
        named.into_iter().map(|resource| resource.description.unwrap_or_default()).collect()
    };
    let uris = vec!["skill://stays/notes.txt".to_owned()];
    let filter = ListenFilter { resources: true, uris, ..ListenFilter::default() };
    let subscriber = shared.hub.subscribe(filter);
    let before = skills.shelf.index();
    fs::remove_dir_all(folder.root().join("goes")).unwrap();
    folder.described("comes", "Came.");
    folder.described("stays", "Other.");
    folder.write("stays/notes.txt", "three");
    let after = skills.bring_up_to_date(&shared, &before);
    assert_eq!(listed(), ["Came.", "Other."]);
    assert_eq!(subscriber.filter().uris.len(), 1);
    let mut told = Vec::new();
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    while let std::task::Poll::Ready(change) = subscriber.poll_change(&mut task) {
        told.push(format!("{change:?}"));
    }
    assert!(told.iter().any(|change| change.contains("skill://stays/notes.txt")), "{told:?}");
    assert!(told.iter().any(|change| change.contains("ListChanged")), "{told:?}");
    assert_eq!(skills.bring_up_to_date(&shared, &after).since(&after), index::Changes::default());
}

#[tokio::test]
async fn a_part_of_a_config_file_offers_what_stands_in_its_directory_and_names_the_key_of_one_that_is_not_there()
 {
    let folder = std::env::temp_dir().join(format!("impresario-skills-part-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("skills/refunds")).unwrap();
    std::fs::write(
        folder.join("skills/refunds/SKILL.md"),
        "---\nname: refunds\ndescription: Decides.\n---\nLook up.\n",
    )
    .unwrap();
    let opening = crate::part::Opening { key: "packs.skills".into(), directory: folder.clone() };
    let part = open(Settings { directory: "skills".into() }, &opening).await.unwrap();
    assert_eq!(part.offer().names().resources, ["skill://refunds/SKILL.md", "skill://{+path}"]);
    let Err(refused) = open(Settings { directory: "nowhere".into() }, &opening).await else {
        panic!("there is no such directory")
    };
    assert_eq!(refused.key, "directory");
    assert!(refused.message.contains("nowhere"), "{refused}");
    std::fs::remove_dir_all(&folder).unwrap();
}
