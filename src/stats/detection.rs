//! How soon a fault shows: when its requests had left the band that they kept before it.

use super::band::{Band, Event, Request, by_second};
use super::recovery::{NoRecovery, time_to_recover_as_expected};

/// Seconds from an event's start until it showed; none where it did not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Detection {
    /// In requests that did not end as before: not as expected, refused, or with much smaller answers.
    pub errors_s: Option<f64>,
    /// In response times.
    pub latency_s: Option<f64>,
}

impl Detection {
    /// In whichever came first.
    pub fn first_s(&self) -> Option<f64> {
        match (self.errors_s, self.latency_s) {
            (Some(errors), Some(latency)) => Some(errors.min(latency)),
            (errors, latency) => errors.or(latency),
        }
    }
}

/// Seconds from an event's start until its requests had left the band of the seconds before it.
///
/// The seconds from the event's start on are held against the same band as in [`time_to_recover_as_expected`], up to the
/// recovery: what happens after it is something else. In the first one whose share of unexpected ends, refusals or small
/// answers is above the band, the event shows when so many requests of it had ended so that the share could not come
/// back; in the first one more than half of whose requests took longer than the band's median, or more of them than the
/// band allows longer than is usual for their endpoint, when so many were known to, be they done or not. So an observer who
/// sees each request as it ends, and the age of those under way, could not have
/// told sooner with the same certainty.
///
/// # Errors
/// If too little was measured before the event, or nothing after its start.
pub fn time_to_detect(requests: &[Request], event: &Event) -> Result<Detection, NoRecovery> {
    let band = Band::before(requests, event).ok_or(NoRecovery::TooLittleBefore)?;
    let is_after = |request: &Request| request.done_s > event.start_s && request.at_s < event.until_s;
    if !requests.iter().any(is_after) {
        return Err(NoRecovery::TooLittleAfter);
    }
    let until_s = match time_to_recover_as_expected(requests, event) {
        Ok(Some(recovered)) => event.end_s + recovered,
        _ => event.until_s,
    };
    let seconds = by_second(requests, event.start_s, until_s, event.start_s);
    let after_start = |known: Option<f64>| known.map(|at_s| (at_s - event.start_s).max(0.0));
    Ok(Detection {
        errors_s: after_start(seconds.values().find_map(|second| band.ended_badly_at(second))),
        latency_s: after_start(seconds.values().find_map(|second| band.was_slow_at(second))),
    })
}

/// Seconds with requests from an event's start on, until the next one: how many of them were out of the band of the seconds
/// before it, and how many there were.
///
/// # Errors
/// If too little was measured before the event.
pub fn seconds_out(requests: &[Request], event: &Event) -> Result<(usize, usize), NoRecovery> {
    let band = Band::before(requests, event).ok_or(NoRecovery::TooLittleBefore)?;
    let seconds = by_second(requests, event.start_s, event.until_s, event.start_s);
    Ok((seconds.values().filter(|second| !band.holds(second)).count(), seconds.len()))
}

#[cfg(test)]
mod tests {
    use super::super::band::PLAIN;
    use super::*;

    /// 100 requests a second for 30 s, each answered after 10 ms.
    fn steady() -> Vec<Request> {
        let request = |i: u32| {
            let at_s = f64::from(i) / 100.0;
            Request { at_s, done_s: at_s + 0.01, time: 10.0, ..PLAIN }
        };
        (0..3000).map(request).collect()
    }

    #[test]
    fn a_pause_shows_in_the_ages_of_requests_and_refusals_in_their_ends() {
        // A pause from 10 s to 13 s: everything that is due in it is answered at its end.
        let mut paused = steady();
        for request in paused.iter_mut().filter(|r| (10.0..13.0).contains(&r.at_s)) {
            (request.done_s, request.time) = (13.0, (13.0 - request.at_s) * 1e3);
        }
        let event = Event::only(0.0, 10.0, 13.0);
        let detected = time_to_detect(&paused, &event).unwrap();
        assert_eq!(detected.errors_s, None);
        let latency = detected.latency_s.unwrap();
        assert!(
            (0.065..0.075).contains(&latency),
            "the sixth of the first second's requests, and the limit: {latency}"
        );
        assert_eq!(time_to_recover_as_expected(&paused, &event), Ok(Some(0.0)));

        let mut refused = steady();
        for request in refused.iter_mut().filter(|r| (10.0..13.0).contains(&r.at_s)) {
            *request = Request {
                done_s: request.at_s + 0.001,
                time: f64::INFINITY,
                is_as_expected: false,
                ..*request
            };
        }
        let detected = time_to_detect(&refused, &event).unwrap();
        assert_eq!(detected.latency_s, None, "they were quick");
        assert!((0.0..0.03).contains(&detected.errors_s.unwrap()), "the second refusal: {detected:?}");
        assert_eq!(detected.first_s(), detected.errors_s);
    }

    #[test]
    fn what_is_under_way_at_the_start_does_not_widen_the_band() {
        let mut paused = steady();
        for request in paused.iter_mut().filter(|r| (9.95..13.003).contains(&r.at_s)) {
            (request.done_s, request.time) = (13.003, (13.003 - request.at_s) * 1e3);
        }
        // The event begins a little after a whole second, as they do.
        let event = Event::only(0.0, 10.003, 13.003);
        let latency = time_to_detect(&paused, &event).unwrap().latency_s;
        assert!(latency.is_some_and(|s| (0.05..0.08).contains(&s)), "{latency:?}");
    }

    #[test]
    fn a_fault_that_nobody_feels_is_not_detected_by_what_comes_later() {
        let mut requests = steady();
        for request in requests.iter_mut().filter(|r| (25.0..26.0).contains(&r.at_s)) {
            (request.time, request.is_as_expected) = (f64::INFINITY, false);
        }
        let event = Event { until_s: 20.0, ..Event::only(0.0, 10.0, 13.0) };
        assert_eq!(time_to_detect(&requests, &event), Ok(Detection::default()));
    }

    #[test]
    fn users_who_all_wait_show_an_outage_by_the_age_of_their_requests() {
        let mut requests = steady();
        requests.retain(|r| !(10.0..13.0).contains(&r.at_s));
        for request in requests.iter_mut().filter(|r| (9.9..10.0).contains(&r.at_s)) {
            (request.done_s, request.time) = (13.0, 3000.0);
        }
        let detected = time_to_detect(&requests, &Event::only(0.0, 10.0, 13.0)).unwrap();
        assert_eq!(detected.first_s(), Some(0.0), "{detected:?}");
    }

    #[test]
    fn what_is_normal_has_to_be_known() {
        let event = Event::only(8.0, 10.0, 13.0);
        assert_eq!(time_to_detect(&steady(), &event), Err(NoRecovery::TooLittleBefore));
        let after_all = Event::only(0.0, 31.0, 32.0);
        assert_eq!(time_to_detect(&steady(), &after_all), Err(NoRecovery::TooLittleAfter));
    }
}
