//! The subset of TOML in plugins' files: tables of strings, numbers and booleans, one value per
//! line. Everything else needs a parser of the whole language.

use std::collections::BTreeMap;

/// Per table its keys and their values.
pub(crate) type Tables = BTreeMap<String, BTreeMap<String, Value>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    /// A number or a boolean.
    Other,
}

/// `None` if the text contains anything outside the subset: a key outside of a table, a quoted
/// key, an escape, a value of several lines, a syntax error.
pub(crate) fn read(text: &str) -> Option<Tables> {
    let mut tables = Tables::new();
    let mut table: Option<&mut BTreeMap<String, Value>> = None;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let (name, rest) = rest.split_once(']')?;
            if !name.split('.').all(is_bare) || !is_end(rest) || tables.contains_key(name) {
                return None;
            }
            table = Some(tables.entry(name.to_owned()).or_default());
            continue;
        }
        let (key, rest) = line.split_once('=')?;
        let key = key.trim();
        let value = value(rest.trim_start())?;
        if !is_bare(key) || table.as_mut()?.insert(key.to_owned(), value).is_some() {
            return None;
        }
    }
    Some(tables)
}

fn value(text: &str) -> Option<Value> {
    for quote in ['"', '\''] {
        let Some(rest) = text.strip_prefix(quote) else {
            continue;
        };
        let (string, rest) = rest.split_once(quote)?;
        // `""` followed by a third quote would begin a string of several lines.
        let has_escape = quote == '"' && string.contains('\\');
        return (is_end(rest) && !has_escape && !string.contains(char::is_control))
            .then(|| Value::Text(string.to_owned()));
    }
    let word = text.split('#').next()?.trim_end();
    let is_number = !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_digit())
        && (word == "0" || !word.starts_with('0'));
    (is_number || word == "true" || word == "false").then_some(Value::Other)
}

fn is_bare(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn is_end(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toml_reader_reads_tables_and_strings() {
        let text =
            "# about\n[a]\nx = \"one # two\" # three\ny = 'C:\\dir'\r\n\n [b.c] # d\nz = 1\n";
        let tables = read(text).unwrap();
        assert_eq!(tables["a"]["x"], Value::Text("one # two".to_owned()));
        assert_eq!(tables["a"]["y"], Value::Text("C:\\dir".to_owned()));
        assert_eq!(tables["b.c"]["z"], Value::Other);
        assert_eq!(read("").unwrap(), Tables::new());
    }

    #[test]
    fn the_toml_reader_refuses_syntax_outside_its_subset() {
        for text in [
            "x = \"\"\n",
            "[a]\n\"x\" = \"\"\n",
            "[a]\nx.y = \"\"\n",
            "[a]\nx = \"\\n\"\n",
            "[a]\nx = \"\"\"\n\"\"\"\n",
            "[a]\nx = '''one\n'''\n",
            "[a]\nx = [1]\n",
            "[a]\nx = 010\n",
            "[a]\nx = \"\" y\n",
            "[a]\nx = \"\"\nx = \"\"\n",
            "[a]\n[a]\n",
            "[[a]]\n",
            "[a]\nx\n",
            "[ a ]\n",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
