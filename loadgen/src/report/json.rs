//! JSON that people read too: objects over several lines, and each element of a list on one line of its own, so that a curve of
//! a hundred points takes a hundred lines and not four hundred, and two reports can be compared line by line.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// `value` in that form, without a line end behind it.
pub(crate) fn written(value: &impl Serialize) -> String {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, ListsByLine::default());
    value
        .serialize(&mut serializer)
        .expect("a structure of plain fields, written into memory");
    String::from_utf8(text).expect("serde_json writes UTF-8")
}

/// Pretty outside of lists, compact inside their elements.
#[derive(Default)]
struct ListsByLine {
    pretty: PrettyFormatter<'static>,
    /// Lists that are open.
    lists: usize,
    /// Objects that are open inside the outermost list.
    objects: usize,
}

impl ListsByLine {
    /// Whether an element of a list is being written.
    fn is_inside_element(&self) -> bool {
        self.lists > 1 || self.objects > 0
    }
}

/// Each method goes to one of two formatters.
macro_rules! as_pretty_outside_elements {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {
        $(fn $method<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $type)*) -> io::Result<()> {
            if self.is_inside_element() {
                CompactFormatter.$method(writer $(, $argument)*)
            } else {
                self.pretty.$method(writer $(, $argument)*)
            }
        })*
    };
}

impl Formatter for ListsByLine {
    as_pretty_outside_elements! {
        begin_array_value(first: bool);
        end_array_value();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.lists += 1;
        if self.is_inside_element() {
            CompactFormatter.begin_array(writer)
        } else {
            self.pretty.begin_array(writer)
        }
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let is_inside_element = self.is_inside_element();
        self.lists -= 1;
        if is_inside_element {
            CompactFormatter.end_array(writer)
        } else {
            self.pretty.end_array(writer)
        }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.lists == 0 {
            return self.pretty.begin_object(writer);
        }
        self.objects += 1;
        CompactFormatter.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.lists == 0 {
            return self.pretty.end_object(writer);
        }
        self.objects -= 1;
        CompactFormatter.end_object(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_element_of_a_list_has_one_line() {
        let value = json!({
            "curve": [[0.5, 7], [1.0, 9]],
            "intervals": [{ "at": 0, "heat": [[1, 2]], "latency": { "p50_ns": 1 } }],
            "none": [],
            "window": { "seconds": 1.5 },
        });
        let text = written(&value);
        assert_eq!(
            text,
            r#"{
  "curve": [
    [0.5,7],
    [1.0,9]
  ],
  "intervals": [
    {"at":0,"heat":[[1,2]],"latency":{"p50_ns":1}}
  ],
  "none": [],
  "window": {
    "seconds": 1.5
  }
}"#
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON"),
            value
        );
    }
}
