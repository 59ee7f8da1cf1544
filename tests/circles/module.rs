//! The modules of every target, as their files declare them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, Ident, Item, ItemMod, ItemUse, Lit, Macro, Meta, UseTree, Visibility};

use crate::sources::{Sources, Target};

/// One module: a file, or a part of one.
#[derive(Default)]
pub struct Module {
    pub file: PathBuf,
    /// It is compiled for tests only.
    pub is_test: bool,
    /// It is in the same file as what it tests.
    pub is_own_test: bool,
    /// Its crate's root.
    pub root: usize,
    pub parent: Option<usize>,
    pub children: BTreeMap<String, usize>,
    /// What it defines itself, as far as that is written out.
    pub defined: BTreeSet<String>,
    pub imports: Vec<Import>,
    /// The paths of two segments or more in its code.
    pub paths: BTreeSet<Vec<String>>,
    /// Each identifier in its code.
    pub names: BTreeSet<String>,
}

/// One name that a `use` brings.
pub struct Import {
    pub path: Vec<String>,
    pub name: Imported,
    /// It is handed on to other modules.
    pub is_public: bool,
}

pub enum Imported {
    Named(String),
    /// For its methods alone.
    Unnamed,
    /// Everything that the path's module has.
    Glob,
}

/// All modules of all targets. A file that several targets read is as many modules.
#[derive(Default)]
pub struct Program {
    pub modules: Vec<Module>,
    /// The roots of the libraries, by their names.
    pub libraries: BTreeMap<String, usize>,
}

impl Program {
    pub fn of(sources: &Sources) -> Self {
        let mut program = Self::default();
        for Target { file, library } in &sources.targets {
            let root = program.modules.len();
            program.read_file(sources, Module { file: file.clone(), root, ..Module::default() }, folder_of(file));
            program.libraries.extend(library.iter().map(|name| (name.clone(), root)));
        }
        program
    }

    /// The files that are a module of some target.
    pub fn files(&self) -> BTreeSet<&Path> {
        self.modules.iter().map(|module| module.file.as_path()).collect()
    }

    /// Reads the file of `module`, whose children lie in `folder`.
    fn read_file(&mut self, sources: &Sources, module: Module, folder: &Path) -> usize {
        let file = module.file.display();
        let text = sources.texts.get(&module.file).unwrap_or_else(|| panic!("{file} is not there"));
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        self.read(sources, &parsed.items, module, folder)
    }

    fn read(&mut self, sources: &Sources, items: &[Item], module: Module, folder: &Path) -> usize {
        let place = self.modules.len();
        self.modules.push(module);
        for item in items {
            if let Item::Mod(item) = item {
                let child = self.read_child(sources, item, place, folder);
                self.modules[place].children.insert(item.ident.unraw().to_string(), child);
            } else {
                let module = &mut self.modules[place];
                module.defined.extend(name_of(item).map(|name| name.unraw().to_string()));
                module.visit_item(item);
            }
        }
        place
    }

    fn read_child(&mut self, sources: &Sources, item: &ItemMod, parent: usize, folder: &Path) -> usize {
        let Module { file, root, is_test, is_own_test, .. } = &self.modules[parent];
        let tests = item.attrs.iter().any(is_for_tests);
        let child = Module {
            file: file.clone(),
            root: *root,
            is_test: *is_test || tests,
            is_own_test: *is_own_test || tests,
            parent: Some(parent),
            ..Module::default()
        };
        let name = item.ident.unraw().to_string();
        let own_folder = folder.join(&name);
        if let Some((_, items)) = &item.content {
            return self.read(sources, items, child, &own_folder);
        }
        let (file, folder) = match item.attrs.iter().find_map(path_attribute) {
            Some(path) => {
                let file = without_dots(&folder_of(&child.file).join(path));
                let folder = folder_of(&file).to_owned();
                (file, folder)
            }
            None => {
                let (beside, inside) = (folder.join(format!("{name}.rs")), own_folder.join("mod.rs"));
                (if sources.texts.contains_key(&beside) { beside } else { inside }, own_folder)
            }
        };
        self.read_file(sources, Module { file, is_own_test: false, ..child }, &folder)
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap()
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.parse_args::<Ident>().is_ok_and(|condition| condition == "test")
}

fn path_attribute(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) = &pair.value else { return None };
    pair.path.is_ident("path").then(|| path.value())
}

fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            assert!(plain.pop(), "{} leads out of the workspace", path.display());
        } else {
            plain.push(part);
        }
    }
    plain
}

/// The name by which others use an item. An `impl` has none, nor has the call of a macro that makes items.
fn name_of(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        Item::ExternCrate(_) | Item::ForeignMod(_) | Item::Impl(_) | Item::Mod(_) => None,
        Item::TraitAlias(_) | Item::Use(_) | Item::Verbatim(_) | _ => None,
    }
}

impl Module {
    fn import(&mut self, tree: &UseTree, path: &[String], is_public: bool) {
        let (path, name) = match tree {
            UseTree::Path(tree) => return self.import(&tree.tree, &with(path, &tree.ident), is_public),
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.import(tree, path, is_public)),
            UseTree::Glob(_) => (path.to_vec(), Imported::Glob),
            UseTree::Name(tree) if tree.ident == "self" => (path.to_vec(), named(path.last())),
            UseTree::Name(tree) => (with(path, &tree.ident), Imported::Named(tree.ident.unraw().to_string())),
            UseTree::Rename(tree) if tree.rename == "_" => (with(path, &tree.ident), Imported::Unnamed),
            UseTree::Rename(tree) if tree.ident == "self" => (path.to_vec(), Imported::Named(tree.rename.to_string())),
            UseTree::Rename(tree) => (with(path, &tree.ident), Imported::Named(tree.rename.unraw().to_string())),
        };
        self.imports.push(Import { path, name, is_public });
    }

    /// Finds the names and paths in a macro's call, whatever its syntax is.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(ident.unraw().to_string());
                    self.names.insert(ident.unraw().to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    self.scan(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.end(&mut path),
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        let path = std::mem::take(path);
        self.paths.extend((path.len() > 1).then_some(path));
    }
}

fn with(path: &[String], last: &Ident) -> Vec<String> {
    path.iter().cloned().chain([last.unraw().to_string()]).collect()
}

fn named(name: Option<&String>) -> Imported {
    name.map_or(Imported::Unnamed, |name| Imported::Named(name.clone()))
}

impl Visit<'_> for Module {
    fn visit_item_use(&mut self, item: &ItemUse) {
        // A path that begins with `::` leads to another package.
        if item.leading_colon.is_none() {
            self.import(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect();
        self.paths.extend((path.segments.len() > 1 && path.leading_colon.is_none()).then_some(segments));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &Macro) {
        self.scan(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_ident(&mut self, ident: &Ident) {
        self.names.insert(ident.unraw().to_string());
    }
}
