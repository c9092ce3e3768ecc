//! The multipart body of an upload: one file, and whether it may replace an existing one.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use lambda_http::Request;
use lambda_http::http::header::CONTENT_TYPE;
use multer::{Field, Multipart};
use sha2::{Digest, Sha256};

const OVERWRITE: &str = "OverWriteExisting";
const MAX_FILE_NAME_CHARACTERS: usize = 200;

/// A complete upload.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) file_name: String,
    /// The size in bytes.
    pub(crate) size: usize,
    /// Lowercase hexadecimal.
    pub(crate) sha256: String,
    pub(crate) overwrite_existing: bool,
}

/// What is wrong with a body. The client receives these messages.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    #[error("The body is not `multipart/form-data` with a boundary.")]
    NotMultipart,
    #[error("The multipart body is malformed or cut short: {0}.")]
    Broken(multer::Error),
    #[error("The body has no file part.")]
    NoFile,
    #[error("The body has several file parts. Send one package at a time.")]
    SeveralFiles,
    #[error(
        "The file's name must have 1 to {MAX_FILE_NAME_CHARACTERS} characters, without slashes or control characters, and must not be `.` or `..`."
    )]
    FileName,
    #[error("`OverWriteExisting` must be `true` or `false`.")]
    Overwrite,
    #[error("`OverWriteExisting` must not be repeated.")]
    RepeatedOverwrite,
    #[error("`{0}` is not a known field.")]
    UnknownField(String),
}

impl Upload {
    /// Parses the whole body of a request, before anything is stored.
    pub(crate) async fn read(request: &Request) -> Result<Self, UploadError> {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary = content_type.and_then(|value| multer::parse_boundary(value).ok());
        let boundary = boundary.ok_or(UploadError::NotMultipart)?;
        let body = Bytes::copy_from_slice(request.body());
        let mut parts = Multipart::new(stream::iter([Ok::<_, Infallible>(body)]), boundary);

        let mut file = None;
        let mut overwrite_existing = None;
        while let Some(part) = parts.next_field().await.map_err(UploadError::Broken)? {
            if let Some(file_name) = part.file_name() {
                let file_name = file_name.to_owned();
                if !is_file_name(&file_name) {
                    return Err(UploadError::FileName);
                }
                let content = part.bytes().await.map_err(UploadError::Broken)?;
                if file.replace((file_name, content)).is_some() {
                    return Err(UploadError::SeveralFiles);
                }
            } else {
                let value = read_overwrite(part).await?;
                if overwrite_existing.replace(value).is_some() {
                    return Err(UploadError::RepeatedOverwrite);
                }
            }
        }

        let (file_name, content) = file.ok_or(UploadError::NoFile)?;
        Ok(Self {
            file_name,
            size: content.len(),
            sha256: sha256(&content),
            overwrite_existing: overwrite_existing.unwrap_or(false),
        })
    }
}

async fn read_overwrite(part: Field<'_>) -> Result<bool, UploadError> {
    let name = part.name().unwrap_or_default().to_owned();
    let value = part.text().await.map_err(UploadError::Broken)?;
    if name != OVERWRITE {
        return Err(UploadError::UnknownField(name));
    }
    match value.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(UploadError::Overwrite),
    }
}

/// Whether a package may have this name. A program that saves the package under its name must
/// not be led to another folder, so separators, `.` and `..` are not allowed.
pub(crate) fn is_file_name(name: &str) -> bool {
    let fits = (1..=MAX_FILE_NAME_CHARACTERS).contains(&name.chars().count());
    let is_folder = [".", ".."].contains(&name);
    let is_unsafe = |character: char| character.is_control() || ['/', '\\'].contains(&character);

    fits && !is_folder && !name.chars().any(is_unsafe)
}

fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "Content-Disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\n\r\nabc";
    const OVERWRITE_TRUE: &str = "Content-Disposition: form-data; name=\"OverWriteExisting\"\r\n\r\ntrue";

    fn body(parts: &[&str]) -> String {
        let parts: String = parts.iter().map(|part| format!("--x\r\n{part}\r\n")).collect();
        format!("{parts}--x--\r\n")
    }

    async fn read(content_type: &str, body: String) -> Result<Upload, UploadError> {
        let request = lambda_http::http::Request::builder().header(CONTENT_TYPE, content_type);
        Upload::read(&request.body(body.into()).unwrap()).await
    }

    async fn read_parts(parts: &[&str]) -> Result<Upload, UploadError> {
        read("multipart/form-data; boundary=x", body(parts)).await
    }

    #[tokio::test]
    async fn size_and_hash_of_the_file_are_computed() {
        let upload = read_parts(&[OVERWRITE_TRUE, FILE]).await.unwrap();
        assert_eq!((upload.file_name.as_str(), upload.size), ("a.zip", 3));
        // The SHA-256 of "abc", from FIPS 180-2, appendix B.1.
        assert_eq!(upload.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(upload.overwrite_existing);
        assert!(!read_parts(&[FILE]).await.unwrap().overwrite_existing);
    }

    #[tokio::test]
    async fn each_mistake_is_named() {
        use UploadError::{
            Broken, FileName, NoFile, NotMultipart, Overwrite, RepeatedOverwrite, SeveralFiles, UnknownField,
        };
        assert!(matches!(read("application/zip", "PK".into()).await, Err(NotMultipart)));
        assert!(matches!(read("multipart/form-data", body(&[FILE])).await, Err(NotMultipart)));
        assert!(matches!(read_parts(&[]).await, Err(NoFile)));
        assert!(matches!(read_parts(&[OVERWRITE_TRUE]).await, Err(NoFile)));
        assert!(matches!(read_parts(&[FILE, FILE]).await, Err(SeveralFiles)));
        assert!(matches!(read_parts(&[FILE, &OVERWRITE_TRUE.replace("true", "1")]).await, Err(Overwrite)));
        let unknown = OVERWRITE_TRUE.replace("OverWriteExisting", "Overwrite");
        assert!(
            matches!(read_parts(&[FILE, &unknown]).await, Err(UnknownField(name)) if name == "Overwrite")
        );
        for repeated in ["true", "false"] {
            let repeated = OVERWRITE_TRUE.replace("true", repeated);
            let parts = [OVERWRITE_TRUE, &repeated, FILE];
            assert!(matches!(read_parts(&parts).await, Err(RepeatedOverwrite)), "{repeated}");
        }
        for name in ["../a.zip", "a/b.zip", r"a\\b.zip", ".", ".."] {
            let file = FILE.replace("a.zip", name);
            assert!(matches!(read_parts(&[&file]).await, Err(FileName)), "{name:?}");
        }
        // The header of a part cannot contain these.
        assert!(!is_file_name("a\u{7f}b") && !is_file_name("a\u{85}b") && !is_file_name("a\0b"));
        for name in ["...", ".hidden", "a..b.zip"] {
            assert!(read_parts(&[&FILE.replace("a.zip", name)]).await.is_ok(), "{name:?}");
        }
        let whole = body(&[FILE]);
        for length in 10..whole.len() - 4 {
            let begun = whole.chars().take(length).collect();
            let cut = read("multipart/form-data; boundary=x", begun).await;
            assert!(matches!(cut, Err(Broken(_))), "cut at {length}: {cut:?}");
        }
    }
}
