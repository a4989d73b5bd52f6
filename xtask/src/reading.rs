//! What one file of Rust says, as far as the rules ask: its imports, its modules, its names.
//!
//! Code that only tests compile is left out of everything but the search for ignored tests: a test may
//! import what it likes.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, ImplItem, Item, ItemMod, ItemUse, Lit, Macro, Meta, UseTree};

/// Macros whose tokens are code for somebody else: what they name is not imported here.
const QUOTING_MACROS: [&str; 4] = ["quote", "quote_spanned", "parse_quote", "parse_quote_spanned"];

/// Everything a file says. Lines count from 1.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Each path that may lead out of its module, in the order of the file.
    pub imports: Vec<Import>,
    /// What each module of the file holds: the file's own under no name, inline modules under theirs.
    pub scopes: BTreeMap<Vec<String>, Scope>,
    pub names: Vec<Word>,
    pub literals: Vec<Word>,
    /// The lines of `use super::*`.
    pub super_globs: Vec<usize>,
    /// The lines of `#[ignore]`, in tests too.
    pub ignored_tests: Vec<usize>,
    /// The modules that this file says are in files of their own, those of tests too.
    pub declared: Vec<Declared>,
    /// The literals that name files of Rust, like those of tests that must not compile.
    pub rust_files: BTreeSet<String>,
    /// How many of the file's lines only tests compile.
    pub test_line_count: usize,
    pub is_test: bool,
}

/// `mod name;`: a module in a file of its own.
#[derive(Debug)]
pub(crate) struct Declared {
    /// The folders that the inline modules around it stand for.
    pub folders: Vec<Folder>,
    pub name: String,
    /// The file that `#[path]` names.
    pub path: Option<String>,
}

/// Where an inline module looks for the files of its modules.
#[derive(Debug, Clone)]
pub(crate) enum Folder {
    /// In the one of its own name.
    Named(String),
    /// In the one that its `#[path]` names.
    At(String),
}

/// A path, and the inline module that it stands in.
#[derive(Debug)]
pub(crate) struct Import {
    pub segments: Vec<String>,
    pub inline: Vec<String>,
    pub line: usize,
}

/// What a module holds.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// A name that `use` brings in, and the path it stands for.
    pub bindings: BTreeMap<String, Vec<String>>,
    pub globs: Vec<Vec<String>>,
    pub items: BTreeSet<String>,
    /// Modules that have a file of their own and that only tests compile.
    pub test_modules: BTreeSet<String>,
}

/// An identifier or the text of a literal.
#[derive(Debug)]
pub(crate) struct Word {
    pub text: String,
    pub line: usize,
}

impl Reading {
    /// # Errors
    /// The line and the reason, when it is no Rust.
    pub(crate) fn of(text: &str) -> Result<Self, (usize, String)> {
        let file = syn::parse_file(text).map_err(|error| (error.span().start().line, error.to_string()))?;
        let mut reader = Reader::default();
        reader.reading.scopes.entry(Vec::new()).or_default();
        reader.reading.is_test = file.attrs.iter().any(is_for_tests);
        reader.in_test = reader.reading.is_test;
        reader.visit_file(&file);
        Ok(reader.reading)
    }
}

#[derive(Default)]
struct Reader {
    reading: Reading,
    inline: Vec<String>,
    folders: Vec<Folder>,
    in_test: bool,
    in_quote: bool,
}

impl Reader {
    fn scope(&mut self) -> &mut Scope {
        self.reading.scopes.entry(self.inline.clone()).or_default()
    }

    fn import(&mut self, segments: Vec<String>, line: usize) {
        if !self.in_test && !self.in_quote {
            self.reading.imports.push(Import { segments, inline: self.inline.clone(), line });
        }
    }

    fn name(&mut self, text: String, line: usize) {
        if !self.in_test {
            self.reading.names.push(Word { text, line });
        }
    }

    fn literal(&mut self, text: String, line: usize) {
        let bare = text.trim_matches('"');
        if bare.ends_with(".rs") {
            self.reading.rust_files.insert(bare.to_owned());
        }
        if !self.in_test {
            self.reading.literals.push(Word { text, line });
        }
    }

    /// Reads what stands behind an attribute, as test code if it says so.
    fn under(&mut self, attributes: &[Attribute], read: impl FnOnce(&mut Self)) {
        let before = self.in_test;
        self.in_test |= attributes.iter().any(is_for_tests);
        read(self);
        self.in_test = before;
    }

    fn used(&mut self, tree: &UseTree, mut path: Vec<String>) {
        match tree {
            UseTree::Path(inner) => {
                path.push(inner.ident.to_string());
                self.used(&inner.tree, path);
            }
            UseTree::Name(last) if last.ident == "self" => {
                let name = path.last().cloned().unwrap_or_default();
                self.bind(name, path, last.span().start().line);
            }
            UseTree::Name(last) => {
                path.push(last.ident.to_string());
                self.bind(last.ident.to_string(), path, last.span().start().line);
            }
            UseTree::Rename(last) => {
                if last.ident != "self" {
                    path.push(last.ident.to_string());
                }
                self.bind(last.rename.to_string(), path, last.span().start().line);
            }
            UseTree::Glob(star) => self.used_all(path, star.span().start().line),
            UseTree::Group(group) => group.items.iter().for_each(|inner| self.used(inner, path.clone())),
        }
    }

    fn bind(&mut self, name: String, path: Vec<String>, line: usize) {
        self.import(path.clone(), line);
        if !self.in_test {
            self.scope().bindings.insert(name, path);
        }
    }

    fn used_all(&mut self, path: Vec<String>, line: usize) {
        if self.in_test {
            return;
        }
        if !path.is_empty() && path.iter().all(|segment| segment == "super") {
            self.reading.super_globs.push(line);
        }
        self.import(path.clone(), line);
        self.scope().globs.push(path);
    }

    /// Tokens that syn leaves unread, such as a macro's: every name, literal and path in them.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path = TokenPath::default();
        for token in tokens {
            let line = token.span().start().line;
            match token {
                TokenTree::Ident(ident) => {
                    self.name(ident.to_string(), line);
                    self.path_ended(path.push(ident.to_string(), line));
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    if !path.colon(punct.spacing()) {
                        self.path_ended(path.take());
                    }
                }
                TokenTree::Punct(_) => self.path_ended(path.take()),
                TokenTree::Literal(literal) => {
                    self.path_ended(path.take());
                    self.literal(literal.to_string(), line);
                }
                TokenTree::Group(group) => {
                    self.path_ended(path.take());
                    self.scan(group.stream());
                }
            }
        }
        self.path_ended(path.take());
    }

    fn path_ended(&mut self, path: Option<(Vec<String>, usize)>) {
        if let Some((segments, line)) = path.filter(|(segments, _)| segments.len() > 1) {
            self.import(segments, line);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = attributes_of(item);
        let opens_test = !self.in_test && attributes.iter().any(is_for_tests);
        if opens_test {
            let span = item.span();
            self.reading.test_line_count += span.end().line + 1 - span.start().line;
        }
        self.under(attributes, |reader| {
            if let Some(name) = declared_name(item).filter(|_| !reader.in_test) {
                reader.scope().items.insert(name);
            }
            visit::visit_item(reader, item);
        });
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(one) => one.attrs.as_slice(),
            ImplItem::Fn(one) => one.attrs.as_slice(),
            ImplItem::Type(one) => one.attrs.as_slice(),
            ImplItem::Macro(one) => one.attrs.as_slice(),
            _ => &[],
        };
        self.under(attributes, |reader| visit::visit_impl_item(reader, item));
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let (name, path) = (module.ident.to_string(), path_of(module));
        if module.content.is_none() {
            self.reading.declared.push(Declared { folders: self.folders.clone(), name, path });
            if self.in_test {
                self.scope().test_modules.insert(module.ident.to_string());
            }
            return visit::visit_item_mod(self, module);
        }
        self.folders.push(path.map_or(Folder::Named(name.clone()), Folder::At));
        self.inline.push(name);
        self.scope();
        visit::visit_item_mod(self, module);
        self.inline.pop();
        self.folders.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.used(&item.tree, Vec::new());
        visit::visit_item_use(self, item);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.import(vec![item.ident.to_string()], item.ident.span().start().line);
        visit::visit_item_extern_crate(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.import(segments, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            return;
        }
        if ignores(attribute) {
            self.reading.ignored_tests.push(attribute.span().start().line);
        }
        visit::visit_attribute(self, attribute);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        let before = self.in_quote;
        let quotes = call
            .path
            .segments
            .last()
            .is_some_and(|name| QUOTING_MACROS.iter().any(|quoting| name.ident == quoting));
        self.in_quote |= quotes;
        visit::visit_macro(self, call);
        self.in_quote = before;
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        self.scan(tokens.clone());
    }

    fn visit_ident(&mut self, ident: &'ast proc_macro2::Ident) {
        self.name(ident.to_string(), ident.span().start().line);
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.literal(literal.value(), literal.span().start().line);
    }

    fn visit_lit_byte_str(&mut self, literal: &'ast syn::LitByteStr) {
        self.literal(String::from_utf8_lossy(&literal.value()).into_owned(), literal.span().start().line);
    }
}

/// A path as it grows token by token: `crate`, `::`, `a`, `::`, `B`.
#[derive(Default)]
struct TokenPath {
    segments: Vec<String>,
    line: usize,
    colons: usize,
}

impl TokenPath {
    /// Adds a segment; gives back the path before it when this one starts anew.
    fn push(&mut self, segment: String, line: usize) -> Option<(Vec<String>, usize)> {
        let finished = if self.colons == 2 { None } else { self.take() };
        if self.segments.is_empty() {
            self.line = line;
        }
        self.segments.push(segment);
        self.colons = 0;
        finished
    }

    /// Whether the path may go on behind this colon.
    fn colon(&mut self, spacing: Spacing) -> bool {
        self.colons += 1;
        self.colons == 2 || self.colons == 1 && spacing == Spacing::Joint
    }

    fn take(&mut self) -> Option<(Vec<String>, usize)> {
        self.colons = 0;
        Some((std::mem::take(&mut self.segments), self.line))
    }
}

/// What `#[path = "…"]` on a module says.
fn path_of(module: &ItemMod) -> Option<String> {
    let attribute = module.attrs.iter().find(|attribute| attribute.path().is_ident("path"))?;
    match &attribute.meta.require_name_value().ok()?.value {
        Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) => Some(path.value()),
        _ => None,
    }
}

/// Whether only a test build compiles what this attribute stands on.
fn is_for_tests(attribute: &Attribute) -> bool {
    let path = attribute.path();
    if path.is_ident("cfg") {
        return attribute.parse_args::<Meta>().is_ok_and(|condition| asks_for_test(&condition));
    }
    path.segments.last().is_some_and(|last| last.ident == "test")
}

fn asks_for_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated)
            .is_ok_and(|all| all.iter().any(asks_for_test)),
        Meta::List(_) | Meta::NameValue(_) => false,
    }
}

fn ignores(attribute: &Attribute) -> bool {
    if !attribute.path().is_ident("cfg_attr") {
        return attribute.path().is_ident("ignore");
    }
    let Meta::List(list) = &attribute.meta else { return false };
    list.tokens.clone().into_iter().any(|token| matches!(token, TokenTree::Ident(ident) if ident == "ignore"))
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(one) => &one.attrs,
        Item::Enum(one) => &one.attrs,
        Item::ExternCrate(one) => &one.attrs,
        Item::Fn(one) => &one.attrs,
        Item::ForeignMod(one) => &one.attrs,
        Item::Impl(one) => &one.attrs,
        Item::Macro(one) => &one.attrs,
        Item::Mod(one) => &one.attrs,
        Item::Static(one) => &one.attrs,
        Item::Struct(one) => &one.attrs,
        Item::Trait(one) => &one.attrs,
        Item::TraitAlias(one) => &one.attrs,
        Item::Type(one) => &one.attrs,
        Item::Union(one) => &one.attrs,
        Item::Use(one) => &one.attrs,
        _ => &[],
    }
}

fn declared_name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(one) => &one.ident,
        Item::Enum(one) => &one.ident,
        Item::Fn(one) => &one.sig.ident,
        Item::Macro(one) => one.ident.as_ref()?,
        Item::Static(one) => &one.ident,
        Item::Struct(one) => &one.ident,
        Item::Trait(one) => &one.ident,
        Item::TraitAlias(one) => &one.ident,
        Item::Type(one) => &one.ident,
        Item::Union(one) => &one.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Reading {
        Reading::of(text).expect("the example is Rust")
    }

    fn imports(text: &str) -> Vec<String> {
        read(text)
            .imports
            .iter()
            .map(|import| format!("{}:{}", import.line, import.segments.join("::")))
            .collect()
    }

    #[test]
    fn imports_are_found_wherever_a_path_may_stand() {
        let rows = [
            (
                "use crate::a::{self, b::C as D, e::*};",
                vec!["1:crate::a", "1:crate::a::b::C", "1:crate::a::e"],
            ),
            ("fn f(x: super::X) -> crate::Y { loop {} }", vec!["1:super::X", "1:crate::Y"]),
            (
                "fn f() {\n let y = crate::a::make::<crate::b::T>();\n}",
                vec!["2:crate::a::make", "2:crate::b::T"],
            ),
            ("impl crate::a::Trait for X {}", vec!["1:crate::a::Trait"]),
            ("fn f() { crate::shout!(1) }", vec!["1:crate::shout"]),
            (
                "fn f() -> bool { matches!(x, crate::a::E::One | E::Two) }",
                vec!["1:crate::a::E::One", "1:E::Two"],
            ),
            ("fn f() { m! { x: y, deep[::outer::z] } }", vec!["1:outer::z"]),
            ("fn f() { quote!(crate::a::B) }", vec![]),
            ("pub(in crate::a) fn f() {}", vec!["1:crate::a"]),
            ("extern crate other;", vec!["1:other"]),
        ];
        for (text, expected) in rows {
            assert_eq!(imports(text), expected, "{text}");
        }
    }

    #[test]
    fn code_for_tests_is_not_read() {
        let rows = [
            "#[cfg(test)] mod tests { use crate::a::B; }",
            "#[cfg(test)] use crate::a::B;",
            "#[cfg(all(test, unix))] fn f() { crate::a::b() }",
            "#[tokio::test] async fn f() { crate::a::b() }",
            "#![cfg(test)]\nuse crate::a::B;",
            "struct S; impl S { #[cfg(test)] fn f() { crate::a::b() } }",
        ];
        for text in rows {
            let found = imports(text);
            assert!(!found.iter().any(|import| import.contains("crate::a")), "{text}: {found:?}");
        }
        assert_eq!(imports("#[cfg(any(test, unix))] use crate::a::B;"), ["1:crate::a::B"]);
        assert_eq!(imports("#[cfg(not(test))] use crate::a::B;"), ["1:crate::a::B"]);
    }

    #[test]
    fn lines_for_tests_are_counted_once() {
        let text = "fn f() {}\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn g() {}\n}\n";
        assert_eq!(read(text).test_line_count, 5);
    }

    #[test]
    fn modules_for_tests_with_a_file_are_known() {
        let reading = read("mod a;\n#[cfg(test)]\nmod tests;");
        assert_eq!(reading.scopes[&Vec::new()].test_modules, BTreeSet::from(["tests".to_owned()]));
    }

    #[test]
    fn only_a_star_behind_super_alone_counts() {
        assert_eq!(read("use super::*;\npub use super::super::*;").super_globs, [1, 2]);
        assert!(read("use super::a::*;\nuse crate::b::*;").super_globs.is_empty());
        assert!(read("#[cfg(test)] mod tests { use super::*; }").super_globs.is_empty());
    }

    #[test]
    fn ignored_tests_are_seen_in_test_code() {
        assert_eq!(
            read("#[cfg(test)]\nmod tests {\n#[ignore = \"slow\"]\n#[test]\nfn f() {}\n}").ignored_tests,
            [3]
        );
        assert_eq!(read("#[cfg_attr(windows, ignore)]\n#[test]\nfn f() {}").ignored_tests, [1]);
        assert!(read("#[serde(ignore)]\nstruct S;").ignored_tests.is_empty());
    }

    #[test]
    fn documentation_gives_no_names_and_no_literals() {
        let reading = read("/// Legacy of \"2025-11-25\".\nfn f() {}\n// Modern\n");
        assert!(reading.literals.is_empty());
        assert!(reading.names.iter().all(|word| word.text == "f"));
    }

    #[test]
    fn what_is_no_rust_names_its_line() {
        let (line, _) = Reading::of("fn f() {}\nfn {").expect_err("it is no Rust");
        assert_eq!(line, 2);
    }
}
