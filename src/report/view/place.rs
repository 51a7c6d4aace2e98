//! From what stands in an address to a file of the folder, and back.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The regular file that a part of an address names, with its links resolved; none if it is not in `root`, which is
/// resolved already.
pub fn inside(root: &Path, part: &str) -> Option<PathBuf> {
    let name = decoded(part)?;
    if name.contains(&0) {
        return None;
    }
    let relative = Path::new(OsStr::from_bytes(&name));
    // `join` would take an absolute path for the whole.
    if relative.is_absolute() {
        return None;
    }
    let path = root.join(relative).canonicalize().ok()?;
    (path.starts_with(root) && path.is_file()).then_some(path)
}

/// A path as a part of an address: everything but letters, digits and `-._~` by its bytes, slashes too.
pub fn encoded(path: &Path) -> String {
    let byte = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    path.as_os_str().as_bytes().iter().map(byte).collect()
}

/// The bytes that stand for themselves or behind a `%`; once, so that what comes out is not decoded again.
fn decoded(part: &str) -> Option<Vec<u8>> {
    let mut bytes = part.bytes();
    let mut found = vec![];
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        found.push(match byte {
            b'%' => (digit(bytes.next())? * 16 + digit(bytes.next())?) as u8,
            other => other,
        });
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::scratch;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_name_survives_the_way_through_an_address() {
        let root = scratch("place-names").canonicalize().unwrap();
        for name in ["x.h5", "sub/κ & <1>?#%41.h5", "a b+c=d;e.h5"] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            assert_eq!(inside(&root, &encoded(Path::new(name))), Some(path), "{name}");
        }
    }

    #[test]
    fn nothing_outside_of_the_folder_is_found() {
        let dir = scratch("place-outside").canonicalize().unwrap();
        let root = dir.join("root");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::create_dir_all(dir.join("root2")).unwrap();
        for file in ["secret.h5", "root/in.h5", "root2/in.h5"] {
            fs::write(dir.join(file), "").unwrap();
        }
        symlink(dir.join("secret.h5"), root.join("link.h5")).unwrap();
        symlink(&dir, root.join("up")).unwrap();
        symlink(root.join("in.h5"), root.join("sub/good.h5")).unwrap();
        assert_eq!(inside(&root, "sub%2Fgood.h5"), Some(root.join("in.h5")), "a link within the folder is followed");
        let absolute = encoded(&dir.join("secret.h5"));
        for part in [
            "../secret.h5",
            "..%2Fsecret.h5",
            "%2e%2e%2fsecret.h5",
            "%2E%2E/secret.h5",
            "sub/../../secret.h5",
            "..%2Froot2%2Fin.h5",
            "link.h5",
            "up%2Fsecret.h5",
            "%252e%252e%252fsecret.h5",
            "/etc/passwd",
            "%2Fetc%2Fpasswd",
            "//etc/passwd",
            "in.h5%00",
            "%00",
            "in.h5/",
            "in.h5/..",
            "",
            ".",
            "sub",
            "%",
            "%4",
            "%zz",
            "..\\secret.h5",
            &absolute,
        ] {
            assert_eq!(inside(&root, part), None, "{part}");
        }
    }
}
