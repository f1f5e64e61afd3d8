//! The escapes of bash's `echo -e`, through which Dokku passes its list of flags.

/// Expands the escapes of bash(1), `echo`: `\c` ends the output, an unknown escape is kept.
pub(crate) fn expanded(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let Some((letter, after)) = rest.split_first().filter(|_| *byte == b'\\') else {
            out.push(*byte);
            continue;
        };
        let simple = match letter {
            b'\\' => b'\\',
            b'a' => 7,
            b'b' => 8,
            b'e' | b'E' => 27,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'c' => return out,
            _ => {
                let (digits, radix) = match letter {
                    b'0' => (3, 8),
                    b'x' => (2, 16),
                    b'u' => (4, 16),
                    b'U' => (8, 16),
                    _ => (0, 2),
                };
                let (value, used) = number(after, digits, radix);
                if used == 0 && *letter != b'0' {
                    out.push(b'\\');
                    continue;
                }
                rest = &after[used..];
                if matches!(letter, b'u' | b'U') {
                    let text = char::from_u32(value)
                        .unwrap_or(char::REPLACEMENT_CHARACTER)
                        .to_string();
                    out.extend(text.as_bytes());
                } else {
                    // A variable of bash cannot contain a NUL: bash drops it.
                    out.extend(u8::try_from(value & 0xff).ok().filter(|byte| *byte != 0));
                }
                continue;
            }
        };
        out.push(simple);
        rest = after;
    }
    out
}

/// The number at the beginning of the text, of at most `digits` digits, and its digit count.
fn number(text: &[u8], digits: usize, radix: u32) -> (u32, usize) {
    let values = text
        .iter()
        .take(digits)
        .map_while(|digit| char::from(*digit).to_digit(radix));
    values.fold((0, 0), |(value, used), digit| {
        (value * radix + digit, used + 1)
    })
}

#[cfg(test)]
mod tests {
    use duct::cmd;

    use crate::dokku::argv::global_flags::echo::expanded;

    #[test]
    fn echo_expansion_agrees_with_bash_on_random_text() {
        let mut random = fastrand::Rng::with_seed(3);
        let alphabet = br"\\\\\\abcefnrtvx01789AFfq- ";
        for _ in 0..300 {
            let line: Vec<u8> = (0..random.usize(..24))
                .map(|_| *random.choice(alphabet).unwrap())
                .collect();
            let text = String::from_utf8(line.clone()).unwrap();
            // As in Dokku: through a variable, from which bash drops NULs.
            let script = r#"x=$(echo -ne "$1" 2>/dev/null; printf .); printf %s "${x%?}""#;
            let bash = cmd!("bash", "-c", script, "bash", &text)
                .stderr_null()
                .stdout_capture()
                .run()
                .unwrap();
            assert_eq!(expanded(&line), bash.stdout, "{text:?}");
        }
    }
}
