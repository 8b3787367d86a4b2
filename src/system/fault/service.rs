//! Faults of services that loadproof has started: their processes are stopped, killed, frozen, and started again.

use std::time::Instant;

use rustix::process::Signal;
use tokio::sync::watch;

use super::{Begun, Ending, FaultRun, FaultTools, stopped};
use crate::scenario::fault::{Fault, FaultAction, ServiceFault};
use crate::system::refuse_taken_port;
use crate::unit;

/// Does to a service what a fault says.
pub(super) async fn begin(
    what: ServiceFault,
    name: &str,
    fault: &Fault,
    tools: &FaultTools,
    run: &mut FaultRun,
    stop: &mut watch::Receiver<bool>,
) -> Result<Begun, String> {
    let gone = || format!("service `{name}` does not run");
    if what == ServiceFault::Pause {
        return if tools.services.signal(name, Signal::STOP) { Ok(Begun::Service) } else { Err(gone()) };
    }
    let running = tools.services.take(name).ok_or_else(gone)?;
    run.start = Some(Instant::now());
    match what {
        ServiceFault::Kill => running.kill().await,
        _ => running.stop().await,
    }
    if what == ServiceFault::Restart {
        start_again(name, fault, tools, run, stop).await?;
        return Ok(Begun::Over);
    }
    Ok(Begun::Service)
}

/// Undoes it: a service that was frozen goes on, one that is away is started again, unless the run has ended and it is
/// needed no more.
pub(super) async fn end(
    fault: &Fault,
    tools: &FaultTools,
    run: &mut FaultRun,
    stop: &mut watch::Receiver<bool>,
) -> Result<(), String> {
    let FaultAction::Service(what, name) = &fault.action else { return Ok(()) };
    if *what == ServiceFault::Pause {
        run.end = Some(Instant::now());
        let goes_on = tools.services.signal(name, Signal::CONT);
        return if goes_on { Ok(()) } else { Err(format!("service `{name}` does not run any more")) };
    }
    if fault.stays() || *stop.borrow() {
        return Ok(());
    }
    start_again(name, fault, tools, run, stop).await
}

/// Starts a service again and waits until it is ready; the fault is over when it is started, since that it takes its time is
/// part of its recovery.
async fn start_again(
    name: &str,
    fault: &Fault,
    tools: &FaultTools,
    run: &mut FaultRun,
    stop: &mut watch::Receiver<bool>,
) -> Result<(), String> {
    let service = tools.services.service(name).ok_or_else(|| format!("there is no service `{name}`"))?;
    refuse_taken_port(&service).await.map_err(|e| e.to_string())?;
    let word = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let after: String = fault.name.chars().map(word).collect();
    let log = tools.around.logs.join(format!("{}-{name}-after-{after}.log", tools.around.profile));
    let start = Instant::now();
    tools.services.start(&service, &log).map_err(|e| e.to_string())?;
    run.end = Some(start);
    let ready = tokio::select! {
        ready = tools.services.wait_until_ready(&service, &tools.around, &tools.way) => Some(ready),
        () = stopped(stop) => None,
    };
    match ready {
        Some(Ok(())) => {
            let took = unit::span(start.elapsed().as_secs_f64());
            run.note = format!("{name} was ready again {took} after its start");
            Ok(())
        }
        Some(Err(error)) => Err(error.to_string()),
        None => {
            run.ending = Ending::CutShort;
            run.note = format!("the run ended before {name} was ready again");
            Ok(())
        }
    }
}
