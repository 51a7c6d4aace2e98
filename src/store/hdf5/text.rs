//! Text of fixed length: datasets and attributes.
//!
//! The crate has text types of a length known to the compiler only, and checks that they are ASCII;
//! ours are as long as the text, and datasets of them UTF-8 under the ASCII tag. So the bytes go to the library directly.

use super::{
    Dataset, Datatype, File, H5Aread, H5Awrite, H5Dwrite, H5P_DEFAULT, H5S_ALL, Location, Result, Stored,
    TypeDescriptor, call,
};

impl File {
    /// Give a group ("/" for the root) a text attribute.
    pub fn set_text(&self, group: &str, name: &str, text: &str) -> Stored<()> {
        let set = || set(&*self.file.group(group)?, name, text);
        set().map_err(self.fault("write the attribute", name))
    }

    /// All text attributes of a group ("/" for the root).
    pub fn texts(&self, group: &str) -> Stored<Vec<(String, String)>> {
        let get = || get(&*self.file.group(group)?);
        get().map_err(self.fault("read the attributes of", group))
    }
}

impl Dataset {
    /// Write texts, cut at whole characters to the length there is; as many as the dataset has elements.
    pub fn write_texts(&self, texts: &[&str]) -> Stored<()> {
        let write = || -> Result<()> {
            let dtype = self.data.dtype()?;
            let size = dtype.size();
            if texts.len() != self.extent().0 {
                return Err("another number of texts".into());
            }
            let bytes: Vec<u8> = texts.iter().flat_map(|text| padded(text, size)).collect();
            // SAFETY: `bytes` holds `size` bytes for every element of the dataset and `dtype` is its own type.
            call(|| unsafe {
                H5Dwrite(self.data.id(), dtype.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.as_ptr().cast())
            })
            .map(drop)
        };
        write().map_err(self.fault("write"))
    }

    /// Read texts of fixed length.
    pub fn read_texts(&self) -> Stored<Vec<String>> {
        let read = || -> Result<Vec<String>> {
            let dtype = self.data.dtype()?;
            let size = fixed_text(&dtype)?.ok_or("not a text of fixed length")?;
            let mut bytes = vec![];
            self.read_bytes(0..self.shape().first().copied().unwrap_or(1), &dtype, &mut bytes)?;
            Ok(bytes.chunks_exact(size).map(unpadded).collect())
        };
        read().map_err(self.fault("read"))
    }

    /// Give it a text attribute.
    pub fn set_text(&self, name: &str, text: &str) -> Stored<()> {
        set(&self.data, name, text).map_err(self.fault("write an attribute of"))
    }

    /// Its text attributes.
    pub fn texts(&self) -> Stored<Vec<(String, String)>> {
        get(&self.data).map_err(self.fault("read the attributes of"))
    }
}

fn set(owner: &Location, name: &str, text: &str) -> Result<()> {
    let size = text.len().max(1);
    // Octave, which wants ASCII, reads no attributes; Python decodes them by their tag.
    let dtype = if text.is_ascii() { TypeDescriptor::FixedAscii(size) } else { TypeDescriptor::FixedUnicode(size) };
    let dtype = Datatype::from_descriptor(&dtype)?;
    let attribute = owner.new_attr_builder().empty_as(&dtype).create(name)?;
    let bytes = padded(text, size);
    // SAFETY: a scalar attribute of `dtype`, whose size is the length of `bytes`.
    call(|| unsafe { H5Awrite(attribute.id(), dtype.id(), bytes.as_ptr().cast()) }).map(drop)
}

/// Text attributes of fixed length; others (the scales' own, what users add) are left out.
fn get(owner: &Location) -> Result<Vec<(String, String)>> {
    let mut found = vec![];
    for name in owner.attr_names()? {
        let attribute = owner.attr(&name)?;
        let dtype = attribute.dtype()?;
        let Some(size) = fixed_text(&dtype)?.filter(|_| attribute.is_scalar()) else {
            continue;
        };
        let mut bytes = vec![0u8; size];
        // SAFETY: a scalar attribute whose type, checked above, has `size` bytes and no pointers.
        call(|| unsafe { H5Aread(attribute.id(), dtype.id(), bytes.as_mut_ptr().cast()) }).map(drop)?;
        found.push((name, unpadded(&bytes)));
    }
    Ok(found)
}

fn fixed_text(dtype: &Datatype) -> Result<Option<usize>> {
    Ok(match dtype.to_descriptor() {
        Ok(TypeDescriptor::FixedAscii(size) | TypeDescriptor::FixedUnicode(size)) => Some(size),
        _ => None,
    })
}

/// The first `size` bytes of a text, less if that would cut a character.
pub fn clip(text: &str, size: usize) -> &str {
    let end = (0..=size.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

fn padded(text: &str, size: usize) -> Vec<u8> {
    let mut bytes = clip(text, size).as_bytes().to_vec();
    bytes.resize(size, 0);
    bytes
}

fn unpadded(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_comes_back_without_its_padding() {
        assert_eq!(clip("κκ", 3), "κ");
        assert_eq!(clip("κκ", 9), "κκ");
        assert_eq!(padded("κκ", 3), [0xce, 0xba, 0]);
        assert_eq!(unpadded(&padded("ab", 5)), "ab");
        assert_eq!(unpadded(&padded("", 1)), "");
    }
}
