//! The book (`docs/book.toml`) has every page, and each link of every document leads somewhere, on GitHub and in the book.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
    sync::LazyLock,
};

use regex::Regex;

use super::{Document, documents, pages_below, root};

/// `[text](target)`, where code spans were taken away.
static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\]\(([^)\s]+)\)").unwrap());
/// `<img src="target">` and the like.
static TAG: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"(?:src|href)="([^"]+)""#).unwrap());
static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new("`[^`]*`").unwrap());

/// The languages that blocks of documents have. `sh` is run, `console` is a sample with what came out.
const LANGUAGES: [&str; 12] =
    ["sh", "console", "text", "toml", "json", "python", "rust", "ini", "sql", "yaml", "html", "dockerfile"];

/// Where the links of a document lead, with their lines.
fn links(document: &Document) -> Vec<(usize, String)> {
    let (_, prose) = document.parts();
    let mut links = Vec::new();
    for (number, line) in prose {
        let plain = CODE.replace_all(line, "");
        let found = LINK.captures_iter(&plain).chain(TAG.captures_iter(&plain));
        links.extend(found.map(|link| (number, link[1].to_owned())));
    }
    links
}

/// The names by which headings are reached, as GitHub and mdBook make them.
fn anchors(document: &Document) -> BTreeSet<String> {
    let (_, prose) = document.parts();
    let (mut anchors, mut seen) = (BTreeSet::new(), BTreeMap::new());
    for (_, line) in prose {
        let heading = line.trim_start_matches('#');
        if !(1..=6).contains(&(line.len() - heading.len())) || !heading.starts_with(' ') {
            continue;
        }
        let slug: String = heading.trim().to_lowercase().chars().filter_map(letter_of_slug).collect();
        let before = seen.entry(slug.clone()).or_insert(0_u32);
        anchors.insert(if *before == 0 { slug } else { format!("{slug}-{before}") });
        *before += 1;
    }
    anchors
}

fn letter_of_slug(letter: char) -> Option<char> {
    match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        _ => letter.is_alphanumeric().then_some(letter),
    }
}

/// A path from the root of the repository, without `.` and `..`; `None` when it leads out.
fn plain(path: &Path) -> Option<String> {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part),
            Component::CurDir => {}
            Component::ParentDir if parts.pop() => {}
            _ => return None,
        }
    }
    Some(parts.to_str()?.to_owned())
}

/// What is wrong with one link of the document at `path`; `anchors_of` gives those of a document by its path.
fn fault_of_link(
    path: &str,
    target: &str,
    anchors_of: &BTreeMap<String, BTreeSet<String>>,
) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let file = match file {
        "" => Some(path.to_owned()),
        file => plain(&Path::new(path).parent()?.join(file)),
    };
    let Some(file) = file.filter(|file| root().join(file).exists()) else {
        return Some(format!("{target} is not there"));
    };
    let anchor = anchor?;
    match anchors_of.get(&file) {
        Some(anchors) if anchors.contains(anchor) => None,
        _ => Some(format!("{file} has no heading #{anchor}")),
    }
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    let anchors: BTreeMap<_, _> =
        documents.iter().map(|document| (document.path.clone(), anchors(document))).collect();
    let mut faults = Vec::new();
    let mut count = 0;
    for document in &documents {
        for (line, target) in links(document) {
            count += 1;
            let fault = fault_of_link(&document.path, &target, &anchors);
            faults.extend(fault.map(|fault| format!("{}:{line}: {fault}", document.path)));
        }
    }
    assert!(count > 200 && faults.is_empty(), "{count} links, of which\n{}", faults.join("\n"));
}

#[test]
fn the_book_has_every_page_once() {
    let summary = Document::read("docs/SUMMARY.md".to_owned());
    let mut entries: Vec<String> =
        links(&summary).into_iter().map(|(_, file)| format!("docs/{file}")).collect();
    entries.sort();
    let mut pages = pages_below("docs");
    pages.retain(|page| page != "docs/SUMMARY.md");
    assert_eq!(entries, pages, "the entries of docs/SUMMARY.md, and the pages that there are");
}

#[test]
fn every_block_says_what_it_is() {
    let mut faults = Vec::new();
    for document in documents() {
        for block in document.parts().0 {
            let at = format!("{}:{}", document.path, block.line);
            if !LANGUAGES.contains(&block.language) {
                faults.push(format!("{at}: {:?} is none of {}", block.language, LANGUAGES.join(", ")));
            }
            if block.language == "sh" && block.text.lines().any(|line| line.starts_with("$ ")) {
                faults.push(format!("{at}: what has a prompt is `console`; `sh` is run as it stands"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_fault_of_a_link_is_noticed() {
    let page = Document {
        path: "docs/page.md".to_owned(),
        text: "# A `page`: of (two) words\n[a](b.md) `[no](link)`\n```text\n[c](d.md)\n```\n## It\n## It\n![x](y.png)\n".to_owned(),
    };
    assert_eq!(links(&page), [(2, "b.md".to_owned()), (8, "y.png".to_owned())]);
    let anchors = BTreeMap::from([(page.path.clone(), anchors(&page))]);
    let headings: Vec<&str> = anchors[&page.path].iter().map(String::as_str).collect();
    assert_eq!(headings, ["a-page-of-two-words", "it", "it-1"]);
    let fault = |target: &str| fault_of_link("docs/page.md", target, &anchors).unwrap_or_default();
    for good in ["../README.md", "trust.md", "console/setup.png", "https://example.com/x", "../deploy"] {
        assert_eq!(fault(good), "", "{good}");
    }
    for (bad, expected) in [
        ("nothing.md", "is not there"),
        ("../../outside.md", "is not there"),
        ("trust.md#nothing", "no heading #nothing"),
        ("openapi.json#x", "no heading #x"),
    ] {
        assert!(fault(bad).contains(expected), "{bad}: {}", fault(bad));
    }
}
