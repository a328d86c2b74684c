//! Static files, embedded in the binary and served under names that change with their content.

use std::{collections::HashMap, sync::LazyLock};

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{Extensions, HeaderMap, StatusCode, Version, header};
use rust_embed::Embed;

use crate::error::PageError;

/// Names change with the content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

#[derive(Embed)]
#[folder = "../../web/static"]
struct Files;

/// File name → URL, and URL path below `/console/static/` → file name.
struct Names {
    urls: HashMap<String, String>,
    files: HashMap<String, String>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names { urls: HashMap::new(), files: HashMap::new() };
    for file in Files::iter() {
        let Some(content) = Files::get(&file) else { continue };
        let digest: String =
            content.metadata.sha256_hash().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let hashed = match file.rsplit_once('.') {
            Some((stem, extension)) => format!("{stem}.{digest}.{extension}"),
            None => format!("{file}.{digest}"),
        };
        names.urls.insert(file.to_string(), format!("/console/static/{hashed}"));
        names.files.insert(hashed, file.to_string());
    }
    names
});

/// URL of a file in `web/static`; empty for a name that is not there (a test walks all names in the templates).
pub(crate) fn url(name: &str) -> &'static str {
    NAMES.urls.get(name).map_or("", String::as_str)
}

/// `GET /console/static/{*path}`: only hashed names are served, so a year in the cache is safe.
pub(crate) async fn serve(Path(path): Path<String>) -> Result<Response, PageError> {
    let file = NAMES.files.get(&path).ok_or(PageError::NotFound)?;
    let content = Files::get(file).ok_or(PageError::NotFound)?;
    let kind = mime_guess::from_path(file).first_or_octet_stream();
    let kind = if kind.type_() == mime_guess::mime::TEXT {
        format!("{kind}; charset=utf-8")
    } else {
        kind.to_string()
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, FOR_EVER.to_owned())];
    Ok((headers, content.data).into_response())
}

/// Whether an answer is a static file. Pages are not compressed: beside a secret that is shown once, the length of what
/// somebody else may have typed would tell about it.
pub(crate) fn is_one(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    headers.get(header::CACHE_CONTROL).is_some_and(|value| value == FOR_EVER)
}

/// Writes all files below a folder under their served names.
#[cfg(test)]
pub(crate) fn write_all(folder: &std::path::Path) {
    for (hashed, file) in &NAMES.files {
        let path = folder.join("console/static").join(hashed);
        std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        std::fs::write(path, Files::get(file).expect("file").data).expect("file");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_digest_and_lead_back() {
        let url = url("app.css");
        assert!(url.starts_with("/console/static/app.") && url.ends_with(".css"), "{url}");
        let path = url.strip_prefix("/console/static/").unwrap_or_default();
        assert_eq!(NAMES.files.get(path).map(String::as_str), Some("app.css"));
        assert_eq!(super::url("missing.css"), "");
    }

    #[test]
    fn vendored_files_are_those_of_the_list() {
        use sha2::Digest;
        let list = Files::get("vendor/README").expect("the list of vendored files");
        let list = String::from_utf8_lossy(&list.data).into_owned();
        let htmx = Files::get("vendor/htmx.min.js").expect("htmx");
        let digest: String =
            sha2::Sha256::digest(&htmx.data).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(list.contains(&digest), "{digest} is not in vendor/README");
    }
}
