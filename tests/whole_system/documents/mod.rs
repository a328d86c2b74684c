//! What is written for people: tables that name tests, the book and its links, the shell blocks, the reference of the API.

mod book;
mod reference;
mod shell;
mod tables;

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// One document: its path from the root of the repository, and its text.
struct Document {
    path: String,
    text: String,
}

/// A block between fences, and what stands above it.
#[derive(Debug, PartialEq)]
struct Block<'a> {
    /// Of its first line in the document, from 1.
    line: usize,
    language: &'a str,
    text: String,
    /// HTML comments directly above: what is between `<!--` and `-->`, in order.
    comments: Vec<String>,
}

/// Everything that people read: the pages of the book, and what stands at the root and beside the fuzz targets.
fn documents() -> Vec<Document> {
    let mut paths: Vec<String> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "fuzz/README.md"]
            .map(str::to_owned)
            .into();
    paths.extend(pages_below("docs"));
    paths.into_iter().map(Document::read).collect()
}

/// The Markdown files of a folder and of those in it, in order.
fn pages_below(folder: &str) -> Vec<String> {
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            pages.extend(pages_below(&path));
        } else if path.ends_with(".md") {
            pages.push(path);
        }
    }
    pages.sort();
    pages
}

impl Document {
    fn read(path: String) -> Self {
        let text =
            std::fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path, text }
    }

    /// Its blocks between fences, and its other lines with their numbers.
    fn parts(&self) -> (Vec<Block<'_>>, Vec<(usize, &str)>) {
        let (mut blocks, mut prose) = (Vec::new(), Vec::new());
        let mut comments = Vec::new();
        let mut lines = (1..).zip(self.text.lines());
        while let Some((number, line)) = lines.next() {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                let inside = lines.by_ref().map(|(_, line)| line);
                let text: String = inside
                    .take_while(|line| !line.trim_start().starts_with("```"))
                    .flat_map(|line| [line, "\n"])
                    .collect();
                blocks.push(Block {
                    line: number + 1,
                    language: language.trim(),
                    text,
                    comments: std::mem::take(&mut comments),
                });
            } else if let Some(begin) = line.strip_prefix("<!--") {
                let mut comment = begin.to_owned();
                while !comment.contains("-->") {
                    let (_, more) = lines.next().unwrap_or_else(|| panic!("{}:{number}: no -->", self.path));
                    comment.push('\n');
                    comment.push_str(more);
                }
                comments.push(comment.split("-->").next().unwrap_or_default().trim().to_owned());
            } else {
                if !line.trim().is_empty() {
                    comments.clear();
                }
                prose.push((number, line));
            }
        }
        (blocks, prose)
    }
}
