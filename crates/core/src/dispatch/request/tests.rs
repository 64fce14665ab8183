use proptest::prelude::*;

use super::*;
use crate::error::Code;

fn attached(body: Vec<u8>) -> Vec<Attachment> {
    Attachment::new("a file.txt", body).into_iter().collect()
}

fn image(bytes: usize) -> Vec<u8> {
    let mut body = b"\x89PNG\r\n\x1a\n".to_vec();
    body.resize(bytes, 0xA5);
    body
}

proptest! {
    #[test]
    fn no_body_is_longer_than_its_bound(
        prompt: String,
        answer in any::<Option<String>>(),
        system: Option<String>,
        file: Vec<u8>,
        controls in "[\u{1}-\u{1f}\"\\\\]{0,200}",
        bytes in 8_usize..3_000,
    ) {
        let turn = Turn {
            prompt: controls.clone(),
            attachments: attached(file),
            answer: answer.unwrap_or_default(),
        };
        let request = Request {
            system,
            turns: vec![turn],
            attachments: [attached(image(bytes)), attached(controls.into_bytes())].concat(),
            prompt,
            ..Request::default()
        };
        prop_assert!(request.body(8_192).unwrap().len() <= request.longest());
    }
}

#[test]
fn a_size_is_checked_to_the_byte_without_keeping_the_body() {
    let of = |length: usize| Request {
        prompt: "x".repeat(length),
        ..Request::default()
    };
    let frame = of(0).body(8_192).unwrap().len();
    let largest = REQUEST_MAX - frame;
    assert_eq!(of(largest).body(8_192).unwrap().len(), REQUEST_MAX);
    of(largest).check_size(8_192).unwrap();
    let refused = of(largest + 1).check_size(8_192).unwrap_err();
    assert_eq!(refused.code(), Code::BadInput);
}

#[test]
fn clones_of_a_file_share_its_bytes() {
    let file = Attachment::new("picture.png", image(4_096)).unwrap();
    assert_eq!(file.clone().body.as_ptr(), file.body.as_ptr());
}
