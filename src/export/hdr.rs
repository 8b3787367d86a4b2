//! Response times in the percentile text of HdrHistogram (`outputPercentileDistribution`), which its plotters read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::sample::{ExportedSample, PROBE_CLASS, Subject};
use crate::stats::histogram::{SPECTRUM_DIGITS, Spectrum};

/// µs in a ms: what values are divided by.
const SCALE: f64 = 1e3;
/// Places within each range of the histogram's: a power of two that holds twice its digits.
const SUB_BUCKETS: u32 = (2 * 10_u32.pow(SPECTRUM_DIGITS as u32)).next_power_of_two();

/// Response times of a run, by endpoint and effect.
#[derive(Debug, Default)]
pub struct Spectra(BTreeMap<Subject, Answers>);

#[derive(Debug, Default)]
struct Answers {
    times: Spectrum,
    /// Samples that were never answered, which a histogram has no place for.
    endless: u64,
}

impl Spectra {
    /// Takes a sample in; loadproof's own questions are left out. Those that were never answered are only counted, and a wrong
    /// answer has no time.
    pub fn add(&mut self, sample: &ExportedSample) {
        if sample.traffic_class == PROBE_CLASS {
            return;
        }
        let answers = self.0.entry(sample.subject()).or_default();
        if sample.is_answered() {
            answers.times.add(u64::try_from(sample.done_us - sample.intended_us).unwrap_or(0));
        } else {
            answers.endless += u64::from(sample.is_unanswered());
        }
    }

    fn with_times(&self) -> impl Iterator<Item = (&Subject, &Answers)> {
        self.0.iter().filter(|(_, answers)| answers.times.count() > 0)
    }

    /// The names of all that have times, in order.
    pub fn titles(&self) -> Vec<String> {
        self.with_times().map(|(subject, _)| subject.title()).collect()
    }

    /// Those whose name has a text in it, a block each, in ms; none if there is none. A comment names each.
    pub fn text(&self, about: &str) -> Option<String> {
        let mut text = String::new();
        let wanted = self.with_times().map(|(subject, answers)| (subject.title(), answers));
        for (title, answers) in wanted.filter(|(title, _)| title.contains(about)) {
            if !text.is_empty() {
                text.push('\n');
            }
            block(&mut text, &title, answers);
        }
        (!text.is_empty()).then_some(text)
    }
}

fn block(text: &mut String, title: &str, answers: &Answers) {
    let spectrum = &answers.times;
    let digits = usize::from(SPECTRUM_DIGITS);
    let left_out = match answers.endless {
        0 => String::new(),
        endless => format!("; without {endless} that were never answered, and are slower than all of these"),
    };
    let _ = writeln!(text, "# {title}: response time, ms{left_out}");
    let _ = writeln!(
        text,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    for step in spectrum.steps() {
        let value = step.value_us as f64 / SCALE;
        let _ = write!(text, "{value:12.digits$} {:2.12} {:>10}", step.quantile, step.count);
        if step.quantile < 1.0 {
            let _ = write!(text, " {:14.2}", 1.0 / (1.0 - step.quantile));
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "#[Mean    = {:12.digits$}, StdDeviation   = {:12.digits$}]",
        spectrum.mean_us() / SCALE,
        spectrum.deviation_us() / SCALE
    );
    let _ = writeln!(
        text,
        "#[Max     = {:12.digits$}, Total count    = {:>12}]",
        spectrum.max_us() as f64 / SCALE,
        spectrum.count()
    );
    let _ = writeln!(text, "#[Buckets = {:>12}, SubBuckets     = {SUB_BUCKETS:>12}]", spectrum.buckets());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_that_of_histograms_own_printer() {
        let mut text = String::new();
        let mut answers = Answers::default();
        for ms in 1..=20_u64 {
            answers.times.add(ms * 1000);
        }
        block(&mut text, "GET /", &answers);
        insta::assert_snapshot!(text);
        answers.endless = 7;
        let mut text = String::new();
        block(&mut text, "GET /", &answers);
        assert!(text.starts_with("# GET /: response time, ms; without 7 that were never answered"), "{text}");
    }
}
