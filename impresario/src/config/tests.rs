//! What is read from files and the environment, and everything that is told about what is wrong with them.

use super::*;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.into(), text: text.to_owned() }
}

fn source(variables: &[(&str, &str)]) -> Source {
    let environment = Environment::of(variables);
    Source { path: Some("a.toml".into()), environment, ..Source::default() }
}

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, Problems> {
    source(variables).of(vec![file("a.toml", text)])
}

/// One file, and the lines that are told about it.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_with(text, &[], expected);
}

#[track_caller]
fn check_with(text: &str, variables: &[(&str, &str)], expected: &[&str]) {
    let told = read(text, variables).map_or_else(|problems| problems.to_string(), |_| String::new());
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn a_whole_file_is_read() {
    let config = read(
        "[server]\nname = 'n'\nhttp = 9000\n[limits]\nbody_bytes_max = '1MiB'\njson_depth_max = 9\n\
         [pools.slow]\nworkers = 3\nqueue_timeout = '2s'\n[cache]\neviction = 'lru'\n\
         [packs.calc]\n[packs.probe.one]\ntools = ['a']\n[packs.probe.\"t w o\"]\ntools = []\n\
         [tools.a]\npool = 'slow'\ntimeout = '1m'\ncache = { ttl = '1h', scope = 'public', max_bytes = '1KiB' }\n",
        &[],
    );
    // A port is written as text, as everywhere.
    let problems = config.unwrap_err();
    assert_eq!(problems.to_string(), "a.toml:3:8: server.http: expected text, found 9000");
    let config =
        read("[packs.probe.one]\ntools = ['a']\n[packs.calc]\n[packs.probe.\"t w o\"]\ntools = []\n", &[]);
    let keys: Vec<_> = config.unwrap().parts.into_iter().map(|part| part.key).collect();
    assert_eq!(keys, ["packs.probe.one", "packs.probe.\"t w o\"", "packs.calc"]);
}

#[test]
fn unknown_keys_are_told_with_what_was_meant() {
    check("[sever]\n", &["a.toml:1:2: sever: unknown section `sever`; did you mean `server`?"]);
    check("[packs.clac]\n", &["a.toml:1:8: packs.clac: unknown pack `clac`; did you mean `calc`?"]);
    check(
        "[server]\nnmae = 'x'\nhtpp = 'y'\n",
        &[
            "a.toml:2:1: server.nmae: unknown key `nmae`; did you mean `name`?",
            "a.toml:3:1: server.htpp: unknown key `htpp`; did you mean `http`?",
        ],
    );
    check(
        "[limits]\nbody_byte_max = 1\n",
        &["a.toml:2:1: limits.body_byte_max: unknown limit `body_byte_max`; did you mean `body_bytes_max`?"],
    );
    check(
        "[packs.probe.x]\ntools = []\n[[packs.probe.x.roots]]\npath = 'p'\n[[packs.probe.x.roots]]\npaht = 'p'\n",
        &["a.toml:6:1: packs.probe.x.roots[1].paht: unknown key `paht`; did you mean `path`?"],
    );
    check(
        "[cache]\neviction = 'oldest'\n",
        &["a.toml:2:12: cache.eviction: unknown value `oldest`; known values: `tiny_lfu`, `lru`"],
    );
}

#[test]
fn values_of_the_wrong_kind_are_told_with_what_is_expected() {
    check(
        "[packs.probe.x]\ntools = 'a'\npatience = 'long'\nroots = [{ path = 1 }, { path = 'p' }]\nrefuses = 1\n",
        &[
            "a.toml:2:9: packs.probe.x.tools: expected an array, found \"a\"",
            "a.toml:3:12: packs.probe.x.patience: expected a length of time with a unit, such as \"250ms\", \"10s\", \
             \"5m\", \"2h\" or \"1d\", found \"long\"",
            "a.toml:4:19: packs.probe.x.roots[0].path: expected text, found 1",
            "a.toml:5:11: packs.probe.x.refuses: expected text, found 1",
        ],
    );
    check("server = 1\n", &["a.toml:1:10: server: expected a table, found a number"]);
    check("[packs]\ncalc = true\n", &["a.toml:2:8: packs.calc: expected a table, found true"]);
    check("[packs.probe.x]\n", &["a.toml:1:1: packs.probe.x: `tools` is missing"]);
    check(
        "[pools.p]\nworkers = 0\n",
        &["a.toml:2:11: pools.p.workers: expected a whole number from 1, found 0"],
    );
    check(
        "[server]\nname = 2026-11-22\n",
        &["a.toml:2:8: server.name: expected text, found the date 2026-11-22"],
    );
    check(
        "[limits]\njson_depth_max = 129\n[tools.a]\npool = 'x'\n",
        &[
            "a.toml:2:18: limits.json_depth_max: limit `json_depth_max` must be from 1 to 128 levels, not 129 (see \
           `impresario limits`)",
            "a.toml:4:8: tools.a.pool: there is no pool `x`; known pools: `default`; pools stand in [pools.NAME]",
        ],
    );
}

#[test]
fn every_error_of_syntax_is_told() {
    let told = read("[server\nname = \n[packs.calc]\nx = 'open\n", &[]).unwrap_err().to_string();
    let lines: Vec<_> = told.lines().filter(|line| line.starts_with("a.toml:")).collect();
    assert!(lines.len() >= 2, "{told}");
    check("a = 1\na = 2\n", &["a.toml:2:1: duplicate key"]);
}

#[test]
fn a_key_may_stand_in_one_file_only() {
    let files = vec![
        file("d/a.toml", "[server]\nname = 'a'\n[packs.probe.x]\ntools = []\n"),
        file("d/b.toml", "[server]\nname = 'b'\ntitle = 't'\n[packs.probe.y]\ntools = []\n"),
    ];
    let told = source(&[]).of(files.clone()).unwrap_err().to_string();
    let expected = "d/b.toml:2:1: server.name: this key stands in two files: here, and at d/a.toml:2:1; keep one of them";
    assert_eq!(told, expected);
    let config = source(&[]).of(vec![files[0].clone(), file("d/b.toml", "[server]\ntitle = 't'\n")]).unwrap();
    assert_eq!((config.server.name.as_deref(), config.server.title.as_deref()), (Some("a"), Some("t")));
}

#[test]
fn variables_win_over_the_file_and_are_read_as_what_is_wanted() {
    let variables = [
        ("IMPRESARIO_SERVER__NAME", "from the environment"),
        ("IMPRESARIO_SERVER__VERSION", "2"),
        ("IMPRESARIO_SERVER__LANES", "3"),
        ("IMPRESARIO_SERVER__SSE", "true"),
        ("IMPRESARIO_SERVER__ALLOW_HOSTS", "['a', 'b']"),
        ("IMPRESARIO_LIMITS__BODY_BYTES_MAX", "2MiB"),
        ("IMPRESARIO_PACKS__PROBE__MY_PART__ANSWER", "42"),
        ("IMPRESARIO_TOOLS__FORECAST__CACHE", "{ ttl = \"5m\" }"),
        ("IMPRESARIO_SERVICE_HOST", "10.0.0.1"),
        ("OTHER__NAME", "x"),
    ];
    let text = "[server]\nname = 'file'\n[packs.probe.My-Part]\ntools = []\nanswer = 'file'\n";
    let config = read(text, &variables).unwrap();
    let Server { name, version, lanes, sse, allow_hosts, .. } = &config.server;
    assert_eq!((name.as_deref(), version.as_deref()), (Some("from the environment"), Some("2")));
    assert_eq!((*lanes, *sse), (Some(3), Some(true)));
    assert_eq!(allow_hosts.as_deref(), Some(&["a".to_owned(), "b".to_owned()][..]));
    assert_eq!(config.limits[0].value, 2 << 20);
    assert_eq!(config.parts[0].key, "packs.probe.My-Part");
    assert!(matches!(&config.parts[0].settings, PartSettings::Probe(settings) if settings.answer == "42"));
    assert!(config.overlays["forecast"].cache.is_some());
}

#[test]
fn a_variable_that_means_nothing_is_refused_with_the_nearest() {
    let rows = [
        (
            "IMPRESARIO_SERVER__NAEM",
            "server.naem: unknown key `naem`; did you mean `IMPRESARIO_SERVER__NAME`?",
        ),
        ("IMPRESARIO_SEVER__NAME", "sever: unknown section `sever`; did you mean `IMPRESARIO_SERVER__NAME`?"),
        ("IMPRESARIO_HTPP", "the variable stands for no flag and no key; did you mean `IMPRESARIO_HTTP`?"),
        (
            "IMPRESARIO_SERVER__",
            "the variable names no key; write IMPRESARIO_SECTION__KEY, two underscores between levels",
        ),
    ];
    for (variable, expected) in rows {
        check_with("", &[(variable, "x")], &[&format!("{variable}: {expected}")]);
    }
    check_with("[server]\nname = '${IMPRESARIO_MINE}'\n", &[("IMPRESARIO_MINE", "x")], &[]);
}

#[test]
fn texts_are_filled_from_variables_and_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "from a file\r\n").unwrap();
    let path = folder.path().join("a.toml");
    let variables = [("WHO", "you"), ("EMPTY", ""), ("COUNT", "7"), ("BRACES", "${WHO}")];
    let filled = |written: &str| {
        let text = format!("[packs.probe.x]\ntools = []\nanswer = '{written}'\n");
        let config = source(&variables).of(vec![SourceFile { path: path.clone(), text }]);
        match &config.unwrap().parts[0].settings {
            PartSettings::Probe(settings) => settings.answer.clone(),
            _ => unreachable!("the file has a probe"),
        }
    };
    let rows = [
        ("for ${WHO}!", "for you!"),
        ("${WHO}${WHO}", "youyou"),
        ("${NOBODY:-somebody}", "somebody"),
        ("${EMPTY:-somebody}", "somebody"),
        ("${EMPTY}", ""),
        ("${file:token}", "from a file"),
        ("$${WHO} costs $5", "${WHO} costs $5"),
        ("${BRACES}", "${WHO}"),
        ("{who} $WHO", "{who} $WHO"),
    ];
    for (written, expected) in rows {
        assert_eq!(filled(written), expected, "{written}");
    }
    let text = "[packs.probe.x]\ntools = []\nroots = [{ path = '', size = '${COUNT}' }]\n[server]\nlanes = '${COUNT}'\n";
    assert_eq!(read(text, &variables).unwrap().server.lanes, Some(7));
}

#[test]
fn what_can_not_be_filled_is_told_with_its_place() {
    check(
        "[server]\nname = 'a ${NOT_SET} b'\ntitle = '${file:no/such}'\ninstructions = '${a b}'\nversion = '${open'\n",
        &[
            "a.toml:2:11: server.name: the variable NOT_SET is not set; set it, or write ${NOT_SET:-…} with what to use \
             without it",
            "a.toml:3:10: server.title: can't read the file no/such: it is not there; relative paths begin where the \
             config file is",
            "a.toml:4:17: server.instructions: `${a b}` names no variable; write ${NAME}, ${NAME:-default} or \
             ${file:PATH}, and $${ where `${` is meant",
            "a.toml:5:12: server.version: `${` has no `}` behind it; write ${NAME}, ${NAME:-default} or ${file:PATH}, \
             and $${ where `${` is meant",
        ],
    );
}

#[test]
fn nothing_that_was_put_in_is_shown() {
    const CANARY: &str = "canary-4711";
    let variables = [("SECRET", CANARY), ("IMPRESARIO_SERVER__LANES", CANARY)];
    let wrong = read(
        "[server]\nhttp = '${SECRET}'\nlog = '=${SECRET}='\nsse = '${SECRET}'\n[limits]\nbody_bytes_max = '${SECRET}'\n\
         [cache]\neviction = '${SECRET}'\n[packs.probe.x]\ntools = '${SECRET}'\npatience = '${SECRET}'\n\
         token = ['${SECRET}']\n[tools.a]\npool = '${SECRET}'\n",
        &variables,
    );
    let problems = wrong.unwrap_err();
    assert!(problems.iter().count() >= 8, "{problems}");
    assert!(problems.to_string().contains("${SECRET}"), "{problems}");
    let shown = format!("{problems} {problems:?} {}", problems.to_json());
    assert!(!shown.contains(CANARY), "{shown}");
    let right = read(
        "[server]\nname = '${SECRET}'\n[packs.probe.x]\ntools = []\ntoken = '${SECRET}'\n",
        &variables[..1],
    );
    let config = right.unwrap();
    let shown =
        format!("{:?} {} {:?} {:?}", config.root, config.root.as_written(), config.parts, config.files);
    assert!(!shown.contains(CANARY), "{shown}");
    let problem = config.problem("packs.probe.x.token", &format!("the upstream does not take {CANARY}"));
    assert_eq!(problem.to_string(), "a.toml:5:9: packs.probe.x.token: the upstream does not take ${SECRET}");
}
