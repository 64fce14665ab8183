//! The size of an image, read from the head of its file: an estimate needs no more of it.

/// Returns width and height in pixels, or `None` where the file is of no kind that the Messages
/// API takes (PNG, GIF, JPEG, WebP) or is cut short before it says.
#[must_use]
pub fn image_size(file: &[u8]) -> Option<(u32, u32)> {
    if file.starts_with(b"\x89PNG\r\n\x1a\n") && part(file, 12, 4)? == b"IHDR" {
        return Some((big(file, 16, 4)?, big(file, 20, 4)?));
    }
    if file.starts_with(b"GIF87a") || file.starts_with(b"GIF89a") {
        return Some((little(file, 6, 2)?, little(file, 8, 2)?));
    }
    if file.starts_with(b"RIFF") && part(file, 8, 4)? == b"WEBP" {
        return webp(file);
    }
    if file.starts_with(b"\xff\xd8") {
        return jpeg(file);
    }
    None
}

/// The three kinds of WebP keep their size in three ways. Source: the WebP container
/// specification and RFC 6386, 9.1.
fn webp(file: &[u8]) -> Option<(u32, u32)> {
    match part(file, 12, 4)? {
        b"VP8X" => Some((little(file, 24, 3)? + 1, little(file, 27, 3)? + 1)),
        b"VP8L" => {
            let bits = little(file, 21, 4)?;
            Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8 " => Some((little(file, 26, 2)? & 0x3fff, little(file, 28, 2)? & 0x3fff)),
        _ => None,
    }
}

/// A JPEG is a row of segments; the size is in its start of frame. Source: ITU-T T.81, annex B.
fn jpeg(file: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        if big(file, at, 1)? != 0xff {
            return None;
        }
        match big(file, at + 1, 1)? {
            // Any number of these may fill the gap before a marker.
            0xff => at += 1,
            // Markers that stand alone.
            0x01 | 0xd0..=0xd8 => at += 2,
            // Starts of frame: all of this row but tables and the extension.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Some((big(file, at + 7, 2)?, big(file, at + 5, 2)?));
            }
            _ => at += 2 + usize::try_from(big(file, at + 2, 2)?).ok()?.max(2),
        }
    }
}

fn part(file: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    file.get(at..at.checked_add(length)?)
}

fn big(file: &[u8], at: usize, length: usize) -> Option<u32> {
    let bytes = part(file, at, length)?;
    Some(
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u32::from(*byte)),
    )
}

fn little(file: &[u8], at: usize, length: usize) -> Option<u32> {
    let bytes = part(file, at, length)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u32::from(*byte)),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    fn images() -> Vec<Vec<u8>> {
        vec![
            file(&[
                b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
                b"\0\0\x02\x80\0\0\x01\xe0",
            ]),
            file(&[b"GIF89a", b"\x80\x02\xe0\x01"]),
            file(&[
                b"\xff\xd8",
                b"\xff\xe0\0\x04JF",
                b"\xff\xff\xdb\0\x03x",
                b"\xff\xc2\0\x11\x08\x01\xe0\x02\x80",
            ]),
            file(&[
                b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0",
                b"\x7f\x02\0\xdf\x01\0",
            ]),
            file(&[
                b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a",
                b"\x80\x02\xe0\x01",
            ]),
            file(&[
                b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f",
                &(639_u32 | 479 << 14).to_le_bytes(),
            ]),
        ]
    }

    #[test]
    fn each_kind_of_image_says_its_size() {
        for image in images() {
            assert_eq!(image_size(&image), Some((640, 480)), "{image:x?}");
        }
    }

    #[test]
    fn an_image_that_is_cut_short_has_no_size() {
        for image in images() {
            for length in 0..image.len() {
                assert_eq!(image_size(&image[..length]), None, "{length} of {image:x?}");
            }
        }
        assert_eq!(image_size(b"%PDF-1.7"), None);
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic_or_run_on(start in prop::sample::select(images()), rest: Vec<u8>, cut in 0_usize..30) {
            let mut file = start;
            file.truncate(cut);
            file.extend(rest);
            let _ = image_size(&file);
        }
    }
}
