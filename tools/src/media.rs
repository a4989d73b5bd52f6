//! The media type of a file by the end of its name: the packs that serve files say the same of the same file.

/// The media type of Markdown, such as a `SKILL.md`.
pub(crate) const MARKDOWN: &str = "text/markdown";

/// The media type of a folder.
pub(crate) const DIRECTORY: &str = "inode/directory";

/// What a file of that name most likely holds.
pub(crate) fn media_type(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    match end.to_ascii_lowercase().as_str() {
        "md" | "markdown" => MARKDOWN,
        "txt" | "log" | "cfg" | "ini" | "" => "text/plain",
        "json" => "application/json",
        "yaml" | "yml" => "application/yaml",
        "toml" => "application/toml",
        "xml" => "application/xml",
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "csv" => "text/csv",
        "js" | "mjs" => "text/javascript",
        "ts" | "tsx" | "jsx" | "rs" | "go" | "java" | "c" | "h" | "cpp" | "rb" | "pl" | "lua" | "sql" => {
            "text/plain"
        }
        "py" => "text/x-python",
        "sh" | "bash" => "application/x-sh",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "bmp" => "image/bmp",
        "avif" => "image/avif",
        "ico" => "image/vnd.microsoft.icon",
        "tif" | "tiff" => "image/tiff",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "flac" => "audio/flac",
        "m4a" => "audio/mp4",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}
