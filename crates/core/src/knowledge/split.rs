//! A pack as lines: where its head ends, where each entry begins.
//!
//! Entries are taken apart before they are read, so that a pack of any length needs no more memory than its text, a mistake
//! in one entry does not hide those in the others, and each entry keeps its comments.

/// One entry as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawEntry {
    /// The file's line in which it begins, comments before it included; from 1.
    pub line: u64,
    /// The entry's lines. The hyphen is a space, so that columns are those of the file.
    pub text: String,
    /// Spaces before its keys.
    pub indent: usize,
}

/// A pack taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawPack {
    /// Everything but the entries, on the lines where it stands.
    pub head: String,
    pub entries: Vec<RawEntry>,
}

impl RawEntry {
    /// The entry as a document of its own: from the first column, without blank lines at its ends.
    pub fn document(&self) -> String {
        let lines = self.text.lines().map(|line| {
            let spaces = line.len() - line.trim_start_matches(' ').len();
            line[spaces.min(self.indent)..].trim_end_matches('\r')
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let text = text.trim_matches('\n');
        format!("{text}\n")
    }
}

/// Takes a pack apart. `None` where its patterns do not stand as a list with a hyphen each: then it is read as a whole.
pub(super) fn split(text: &str) -> Option<RawPack> {
    let mut pack = RawPack { head: String::new(), entries: Vec::new() };
    let mut reader = Reader { current: None, pending: Vec::new(), hyphens: None };
    let mut inside = false;
    for (number, line) in (1u64..).zip(text.split_inclusive('\n')) {
        let content = line.trim_end_matches(['\n', '\r']);
        let words = content.trim_start_matches(' ');
        let column = content.len() - words.len();
        let is_quiet = words.trim().is_empty() || words.starts_with('#');
        let ends = inside && column == 0 && !is_quiet && !is_item(words);
        if ends {
            reader.finish(&mut pack.entries);
            inside = false;
        }
        if !inside {
            let begins = words.strip_prefix("patterns:").is_some_and(|rest| {
                let rest = rest.trim();
                column == 0 && (rest.is_empty() || rest.starts_with('#'))
            });
            if begins {
                if !pack.entries.is_empty() {
                    return None;
                }
                inside = true;
                pack.head.push_str("patterns: []\n");
            } else {
                pack.head.push_str(line);
            }
            continue;
        }
        pack.head.push('\n');
        if is_quiet {
            reader.pending.push((number, column, line));
        } else if is_item(words) && reader.hyphens.is_none_or(|at| at == column) {
            reader.hyphens = Some(column);
            reader.next(number, line, column, &mut pack.entries);
        } else if reader.hyphens.is_some_and(|at| column > at) {
            reader.go_on(line, column);
        } else {
            return None;
        }
    }
    reader.finish(&mut pack.entries);
    (!pack.entries.is_empty()).then_some(pack)
}

fn is_item(words: &str) -> bool {
    words == "-" || words.starts_with("- ")
}

struct Reader<'a> {
    current: Option<RawEntry>,
    /// Comments and blank lines of which it is not known yet whose they are: number, column and text.
    pending: Vec<(u64, usize, &'a str)>,
    /// Where the hyphens stand.
    hyphens: Option<usize>,
}

impl Reader<'_> {
    fn next(&mut self, number: u64, line: &str, column: usize, entries: &mut Vec<RawEntry>) {
        // Comments that are indented like the entry before are still its own.
        let own = match &self.current {
            Some(_) => self.pending.iter().position(|(_, at, text)| *at <= column && !text.trim().is_empty()),
            None => Some(0),
        };
        let after = self.pending.split_off(own.unwrap_or(self.pending.len()));
        self.finish(entries);
        let first = after.iter().find(|(_, _, text)| !text.trim().is_empty()).map_or(number, |(number, ..)| *number);
        let mut text: String = after.iter().filter(|(number, ..)| *number >= first).map(|(_, _, text)| *text).collect();
        let rest = &line[column + 1..];
        text.push_str(&line[..column]);
        text.push(' ');
        text.push_str(rest);
        let gap = rest.len() - rest.trim_start_matches(' ').len();
        let is_alone = rest.trim().is_empty();
        let indent = if is_alone { 0 } else { column + 1 + gap };
        self.current = Some(RawEntry { line: first, text, indent });
    }

    fn go_on(&mut self, line: &str, column: usize) {
        if let Some(entry) = &mut self.current {
            for (_, _, text) in self.pending.drain(..) {
                entry.text.push_str(text);
            }
            if entry.indent == 0 {
                entry.indent = column;
            }
            entry.text.push_str(line);
        }
    }

    fn finish(&mut self, entries: &mut Vec<RawEntry>) {
        if let Some(mut entry) = self.current.take() {
            for (_, column, text) in self.pending.drain(..) {
                if text.trim().is_empty() || self.hyphens.is_some_and(|at| column > at) {
                    entry.text.push_str(text);
                }
            }
            entries.push(entry);
        }
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_keeps_its_comments_and_its_place() {
        let text = "# of the pack\nversion: 1\npatterns:\n  # of a\n  - name: a # here\n    must_not:\n      - x\n\n      # last of a\n\n  # of b\n  -\n    name: b\n    root_cause: |\n      - no item\n      # no comment\npack: { name: p, version: '1' }\n";
        let pack = split(text).expect("taken apart");
        assert_eq!(pack.head.lines().count(), text.lines().count());
        assert_eq!(pack.head.lines().nth(16), Some("pack: { name: p, version: '1' }"));
        let seen: Vec<(u64, String)> = pack.entries.iter().map(|entry| (entry.line, entry.document())).collect();
        assert_eq!(seen[0], (4, "# of a\nname: a # here\nmust_not:\n  - x\n\n  # last of a\n".to_owned()));
        assert_eq!(seen[1], (11, "# of b\n\nname: b\nroot_cause: |\n  - no item\n  # no comment\n".to_owned()));
    }

    #[test]
    fn lists_without_indentation_are_lists_too() {
        let pack = split("patterns:\n- name: a\n  checks:\n  - x\n- name: b\nversion: 1\n").expect("taken apart");
        assert_eq!(pack.entries.len(), 2);
        assert_eq!(pack.entries[0].document(), "name: a\nchecks:\n- x\n");
        assert_eq!(pack.head, "patterns: []\n\n\n\n\nversion: 1\n");
    }

    #[test]
    fn what_is_no_list_with_hyphens_is_not_taken_apart() {
        for text in [
            "patterns: []\n",
            "patterns: [{name: a}]\n",
            "{patterns: []}",
            "",
            "patterns:\n  name: a\n",
            "patterns:\n  - a\n - b\n",
        ] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
