//! Where in a line of JMeter's CSV what stands.

use super::table::Header;

/// The places of the columns that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) timestamp: usize,
    pub(super) elapsed: usize,
    pub(super) label: usize,
    pub(super) success: usize,
    pub(super) code: Option<usize>,
    pub(super) message: Option<usize>,
    pub(super) failure: Option<usize>,
    pub(super) thread: Option<usize>,
    pub(super) host: Option<usize>,
    pub(super) bytes: Option<usize>,
    pub(super) sent_bytes: Option<usize>,
    pub(super) latency: Option<usize>,
    pub(super) sample_count: Option<usize>,
}

/// Columns behind `success` in the versions of JMeter, by how many there are: which of them are the failure's message,
/// the bytes received, those sent, and the latency. Of other numbers nothing is known.
const BEHIND: [(usize, [Option<usize>; 4]); 4] = [
    // bytes, Latency
    (2, [None, Some(0), None, Some(1)]),
    // failureMessage, bytes, grpThreads, allThreads, Latency, IdleTime, Connect
    (7, [Some(0), Some(1), None, Some(4)]),
    // failureMessage, bytes, sentBytes, grpThreads, allThreads, Latency, IdleTime, Connect
    (8, [Some(0), Some(1), Some(2), Some(5)]),
    // the same with URL before Latency
    (9, [Some(0), Some(1), Some(2), Some(6)]),
];

impl Columns {
    /// By their names.
    pub(super) fn of(first: &Header<'_>) -> Result<Self, String> {
        Ok(Self {
            timestamp: first.required("timeStamp")?,
            elapsed: first.required("elapsed")?,
            label: first.required("label")?,
            success: first.required("success")?,
            code: first.column("responseCode"),
            message: first.column("responseMessage"),
            failure: first.column("failureMessage"),
            thread: first.column("threadName"),
            host: first.column("Hostname"),
            bytes: first.column("bytes"),
            sent_bytes: first.column("sentBytes"),
            latency: first.column("Latency"),
            sample_count: first.column("SampleCount"),
        })
    }

    /// By the first line of a file that names none: JMeter leaves columns out, but never changes their order (time,
    /// elapsed, label, code, message, thread, type, success, …). None if it is no line of JMeter's.
    pub(super) fn guessed(first: &[&str]) -> Option<Self> {
        let success = 3 + first.get(3..)?.iter().position(|field| is_truth(field))?;
        let is_number = |field: &str| !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
        if !first[0].trim_start().starts_with(|c: char| c.is_ascii_digit()) || !is_number(first[1]) {
            return None;
        }
        let mut columns = Self { timestamp: 0, elapsed: 1, label: 2, success, ..Self::default() };
        let mut between = 3..success;
        if between.clone().next().is_some_and(|place| is_code(first[place])) {
            columns.code = between.next();
        }
        if between.clone().next_back().is_some_and(|place| matches!(first[place], "text" | "bin")) {
            between.next_back();
        }
        if between.clone().next_back().is_some_and(|place| is_thread(first[place])) {
            columns.thread = between.next_back();
        }
        columns.message = between.next();
        let behind = first.len() - success - 1;
        if let Some((_, places)) = BEHIND.iter().find(|(count, _)| *count == behind) {
            let [failure, bytes, sent, latency] = places.map(|place| place.map(|place| success + 1 + place));
            let are_numbers =
                [bytes, sent, latency].into_iter().flatten().all(|place| is_number(first[place]));
            if are_numbers {
                (columns.failure, columns.bytes) = (failure, bytes);
                (columns.sent_bytes, columns.latency) = (sent, latency);
            }
        }
        Some(columns)
    }
}

/// Whether a line without times seems to be JMeter's all the same: it tells a thread, and whether a sample went well.
pub(super) fn lacks_times(first: &[&str]) -> bool {
    first.iter().any(|field| is_truth(field)) && first.iter().any(|field| is_thread(field))
}

fn is_truth(field: &str) -> bool {
    field.eq_ignore_ascii_case("true") || field.eq_ignore_ascii_case("false")
}

fn is_code(field: &str) -> bool {
    let is_status = field.len() == 3 && field.bytes().all(|byte| byte.is_ascii_digit());
    is_status || field.starts_with("Non HTTP response code")
}

/// Whether it ends in the numbers of group and thread: `Thread Group 1-3`.
fn is_thread(field: &str) -> bool {
    let Some((group, thread)) = field.rsplit_once('-') else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number(thread) && group.ends_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(line: &str) -> Columns {
        Columns::guessed(&line.split(',').collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn columns_are_found_by_what_stands_in_them() {
        let few = guessed("1795276500000,20,Home,200,true");
        assert_eq!((few.code, few.message, few.thread, few.success), (Some(3), None, None, 4));
        let old = guessed("1795276500000,20,Home,200,OK,Thread Group 1-1,text,true,3478,16");
        assert_eq!((old.message, old.thread, old.bytes, old.latency), (Some(4), Some(5), Some(8), Some(9)));
        let new = guessed("1795276500000,20,Home,200,OK,Users 1-1,text,true,,3478,231,1,1,http://a/,16,0,2");
        assert_eq!(
            (new.failure, new.bytes, new.sent_bytes, new.latency),
            (Some(8), Some(9), Some(10), Some(14))
        );
        let sparse = guessed("1795276500000,20,Home,Users 1-1,false,what,is,this");
        assert_eq!((sparse.code, sparse.thread, sparse.bytes), (None, Some(3), None));
    }

    #[test]
    fn what_is_no_line_of_jmeter_is_not_taken_for_one() {
        for line in ["dear,diary,it,is,true", "1,2,3", "1795276500000,fast,Home,200,true", "1,200,3,4,5,,,,0"]
        {
            assert_eq!(Columns::guessed(&line.split(',').collect::<Vec<_>>()), None, "{line}");
        }
    }
}
