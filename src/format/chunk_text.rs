//! Single records of a chunk, without reading the others.

use memchr::memmem;

use crate::format::Error;
use crate::format::parse::record_of;
use crate::format::payload::put_back;
use crate::format::reader::read_documents;
use crate::session::Record;

/// What stands between two documents.
const OPENING: &[u8] = b"\n---";

/// A chunk whose records are read one at a time: who wants one of fifty need not wait for all.
#[derive(Debug, Clone)]
pub struct ChunkText {
    text: String,
    /// Where the document of each record begins.
    starts: Vec<usize>,
}

impl ChunkText {
    /// Finds the records in a chunk's text; none: it is not in the form that annals writes.
    pub fn of(text: String) -> Option<Self> {
        let mut starts = Vec::new();
        let bytes = text.as_bytes();
        let ends = memmem::find_iter(bytes, OPENING).map(|place| place + 1);
        for start in text.starts_with("---").then_some(0).into_iter().chain(ends) {
            // Anything but the bare mark is a form of YAML that annals does not write.
            if bytes.get(start + 3) != Some(&b'\n') {
                return None;
            }
            starts.push(start);
        }
        let is_common = |start: &usize| text[start + 4..].starts_with("common:");
        if starts.first().is_some_and(is_common) {
            starts.remove(0);
        }
        (!starts.is_empty()).then_some(Self { text, starts })
    }

    /// How many messages stand among the first `count` records.
    pub fn messages_among(&self, count: usize) -> u64 {
        let is_message = |start: &&usize| self.text[**start + 4..].starts_with("message:");
        self.starts.iter().take(count).filter(is_message).count() as u64
    }

    /// The record at that place, without the fields that it shares with others of its chunk; none:
    /// there are not so many. `file` gives the bytes of a stored file by its name.
    pub fn record(
        &self,
        place: usize,
        file: &mut dyn FnMut(&str) -> Option<Vec<u8>>,
    ) -> Result<Option<Record>, Error> {
        let Some(&start) = self.starts.get(place) else { return Ok(None) };
        let end = self.starts.get(place + 1).copied().unwrap_or(self.text.len());
        let number = place + 1;
        let Some(mut document) = read_documents(&self.text[start..end])?.into_iter().next() else {
            return Ok(None);
        };
        put_back(&mut document, number, file, None)?;
        record_of(document).map(Some).map_err(|flaw| Error::shape(number, &flaw))
    }
}

/// The lines, from 1, at which the documents of a text begin.
pub fn document_lines(text: &str) -> Vec<usize> {
    // Within a document nothing of ours begins with dashes at the left edge.
    let marks = (1..).zip(text.lines()).filter(|(_, line)| line.starts_with("---"));
    let mut lines: Vec<usize> = marks.map(|(number, _)| number).collect();
    if lines.first() != Some(&1) {
        lines.insert(0, 1);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Chunker;
    use crate::format::arbitrary;
    use crate::format::parse_chunk;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_single_record_is_what_the_whole_chunk_has(records in arbitrary::stream()) {
            let mut chunker = Chunker::default();
            let mut chunks: Vec<_> = records.iter().filter_map(|it| chunker.push(it)).collect();
            chunks.extend(chunker.last());
            for chunk in chunks {
                let mut file = |name: &str| {
                    chunk.files.iter().find(|file| file.name == name).map(|file| file.bytes.clone())
                };
                let whole = parse_chunk(&chunk.text, &mut file).expect("it parses");
                let text = ChunkText::of(chunk.text.clone()).expect("it is ours");
                let messages = whole.iter().filter(|it| it.as_message().is_some()).count();
                prop_assert_eq!(text.messages_among(whole.len()), messages as u64);
                for (place, record) in whole.iter().enumerate() {
                    let single = text.record(place, &mut file).expect("it parses");
                    let content = |record: &Record| {
                        record.as_message().map(|it| (it.role.clone(), it.content.clone()))
                    };
                    prop_assert_eq!(single.as_ref().map(content), Some(content(record)));
                }
                prop_assert_eq!(text.record(whole.len(), &mut file).expect("none"), None);
            }
        }
    }
}
