//! An interval log of histograms, as HdrHistogram's own tools read it (`--hlog`).
//!
//! It is written while the run goes on, so that a run that is killed leaves what there was. Lines without a tag are what was
//! sent within the measured window, by the time of its arrival: together they are the report's latency. What else arrived has
//! the tag `unmeasured`, which those tools leave out unless they are asked for it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::failure::Failure;
use crate::observer::{Moment, Observer};
use crate::tally::Distribution;
use crate::timeline::Complete;

/// The log's file while a run goes on.
pub struct Log {
    path: PathBuf,
    file: BufWriter<File>,
    serializer: V2DeflateSerializer,
    has_head: bool,
    is_broken: bool,
}

impl Log {
    /// Makes the file.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(path: &Path) -> Result<Log, Failure> {
        let file = File::create(path)
            .map_err(|error| Failure::Environment(format!("--hlog {}: {error}", path.display())))?;
        Ok(Log {
            path: path.to_owned(),
            file: BufWriter::new(file),
            serializer: V2DeflateSerializer::new(),
            has_head: false,
            is_broken: false,
        })
    }

    /// What stands before the first interval, which began at `began`. Intervals' times count from then.
    fn write_head(&mut self, began: SystemTime) -> io::Result<()> {
        IntervalLogWriterBuilder::new()
            .add_comment("[Latencies of ringwire-load in nanoseconds, by the time of arrival]")
            .add_comment("[Tag unmeasured: sent outside of the measured window]")
            .with_start_time(began)
            .with_base_time(began)
            .begin_log_with(&mut self.file, &mut self.serializer)
            .map(drop)
    }

    fn write(&mut self, complete: &Complete, now: SystemTime) -> io::Result<()> {
        if !self.has_head {
            self.has_head = true;
            self.write_head(now - Duration::from_nanos(complete.time_ns.end))?;
        }
        let unmeasured = Tag::new("unmeasured");
        let lines = [(&complete.inside, None), (&complete.outside, unmeasured)];
        for (distribution, tag) in lines {
            if let Some(distribution) = distribution {
                self.write_line(distribution, complete, tag)?;
            }
        }
        self.file.flush()
    }

    fn write_line(
        &mut self,
        distribution: &Distribution,
        complete: &Complete,
        tag: Option<Tag<'_>>,
    ) -> io::Result<()> {
        let start = Duration::from_nanos(complete.time_ns.start);
        let length = Duration::from_nanos(complete.time_ns.end) - start;
        IntervalLogWriterBuilder::new()
            .begin_log_with(&mut self.file, &mut self.serializer)?
            .write_histogram(distribution.histogram(), start, length, tag)
            .map_err(|error| io::Error::other(error.to_string()))
    }
}

impl Observer for Log {
    fn interval(&mut self, complete: &Complete) {
        if self.is_broken {
            return;
        }
        if let Err(error) = self.write(complete, SystemTime::now()) {
            self.is_broken = true;
            eprintln!(
                "ringwire-load: --hlog {}: {error}; it ends here",
                self.path.display()
            );
        }
    }

    fn look(&mut self, _moment: &Moment<'_>) {}
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;

    /// What was written is read back by the parser of another crate's making: times, tags and every value.
    #[test]
    fn a_log_is_read_back_as_it_was() {
        let path = std::env::temp_dir().join(format!("ringwire-load-{}.hlog", std::process::id()));
        let mut inside = Distribution::default();
        inside.record(43_000, 7);
        let mut outside = Distribution::default();
        outside.record(2_000_000, 1);
        let mut log = Log::create(&path).expect("a writable directory");
        for (time_ns, inside, outside) in [
            (0..100_000_000, None, Some(outside)),
            (100_000_000..150_000_000, Some(inside), None),
        ] {
            log.interval(&Complete {
                time_ns,
                inside,
                outside,
                ..Complete::default()
            });
        }
        let text = std::fs::read(&path).expect("it is there before the log is dropped");
        std::fs::remove_file(&path).expect("it was there");
        let (mut starts, mut lines) = (0, Vec::new());
        for entry in IntervalLogIterator::new(&text) {
            match entry.expect("a line that is understood") {
                LogEntry::StartTime(_) | LogEntry::BaseTime(_) => starts += 1,
                LogEntry::Interval(line) => {
                    use base64::Engine;
                    let bytes = base64::engine::general_purpose::STANDARD
                        .decode(line.encoded_histogram())
                        .expect("base64");
                    let histogram: Histogram<u64> = Deserializer::new()
                        .deserialize(&mut &bytes[..])
                        .expect("a histogram");
                    lines.push((
                        line.tag().map(|tag| tag.as_str().to_owned()),
                        line.start_timestamp().as_millis(),
                        line.duration().as_millis(),
                        histogram.len(),
                        histogram.max(),
                    ));
                }
            }
        }
        assert_eq!(starts, 2);
        assert_eq!(
            lines,
            [
                (Some("unmeasured".to_owned()), 0, 100, 1, 2_000_895),
                (None, 100, 50, 7, 43_007)
            ]
        );
    }
}
