//! `$'…'`, the quotes that `printf %q` of bash puts around a word with a line break or another
//! control character.

use std::iter::Peekable;
use std::str::Chars;

use crate::dokku::argv::ssh::typed::SplitError;

/// Reads the text between `$'` and the closing quote, and the quote, as bash does. Several
/// escapes together can be one character (`\303\251`), so the result is bytes.
///
/// # Errors
/// The quote is not closed, or an escape has no byte in an argument: NUL, or a surrogate.
pub(super) fn text(characters: &mut Peekable<Chars<'_>>) -> Result<Vec<u8>, SplitError> {
    let mut bytes = Vec::new();
    loop {
        match characters.next().ok_or(SplitError::Unclosed('\''))? {
            '\'' => return Ok(bytes),
            '\\' => escape(characters, &mut bytes)?,
            other => push(&mut bytes, other),
        }
    }
}

/// Reads what follows a backslash. `\c` (`printf %q` does not use it) and an unknown escape keep
/// their backslash.
fn escape(characters: &mut Peekable<Chars<'_>>, bytes: &mut Vec<u8>) -> Result<(), SplitError> {
    let letter = characters.next().ok_or(SplitError::Unclosed('\''))?;
    let number = match letter {
        'x' => number(characters, 16, 2, None),
        'u' => number(characters, 16, 4, None),
        'U' => number(characters, 16, 8, None),
        '0'..='7' => number(characters, 8, 2, letter.to_digit(8)),
        _ => None,
    };
    let byte = match (letter, number) {
        ('u' | 'U', Some(value)) if value != 0 => {
            push(bytes, char::from_u32(value).ok_or(SplitError::NotText)?);
            return Ok(());
        }
        // bash keeps the lowest eight bits, as in `\777`.
        (_, Some(value)) => value.to_le_bytes()[0],
        ('a', None) => 0x07,
        ('b', None) => 0x08,
        ('e' | 'E', None) => 0x1b,
        ('f', None) => 0x0c,
        ('n', None) => b'\n',
        ('r', None) => b'\r',
        ('t', None) => b'\t',
        ('v', None) => 0x0b,
        ('\\' | '\'' | '"' | '?', None) => {
            push(bytes, letter);
            return Ok(());
        }
        (other, None) => {
            bytes.push(b'\\');
            push(bytes, other);
            return Ok(());
        }
    };
    if byte == 0 {
        return Err(SplitError::NotText);
    }
    bytes.push(byte);
    Ok(())
}

/// The number of `first` and at most `most` more digits; `None` if there is no digit.
fn number(
    characters: &mut Peekable<Chars<'_>>,
    radix: u32,
    most: usize,
    first: Option<u32>,
) -> Option<u32> {
    let mut number = first;
    for _ in 0..most {
        let Some(digit) = characters.peek().and_then(|next| next.to_digit(radix)) else {
            break;
        };
        characters.next();
        number = Some(number.unwrap_or(0) * radix + digit);
    }
    number
}

fn push(bytes: &mut Vec<u8>, character: char) {
    bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
}
