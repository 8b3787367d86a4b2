//! What is answered to whom.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::guard::{Admission, welcome};
use super::problem::Problem;
use super::site::Context;
use super::start::{Form, Offers, Starter};
use super::{download, metrics, page, stream};
use crate::assess::history::Page;

type Shared = State<Arc<Context>>;

/// How long a request that wants something done may take, with its body.
const BODY_WITHIN: Duration = Duration::from_secs(10);

pub(super) fn router(context: Arc<Context>) -> Router {
    Router::new()
        .route("/", get(live))
        .route("/history", get(history))
        .route("/events", get(follow))
        .route("/metrics", get(prometheus))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/api/snapshot", get(snapshot))
        .route("/api/stats.json", get(stats))
        .route("/api/report.html", get(report))
        .route("/api/compare.html", get(compare))
        .route("/api/trend.html", get(trend))
        .route("/api/samples.csv", get(samples))
        .route("/api/{file}", get(linked))
        .route("/api/command", post(command))
        .route("/api/start", post(start))
        .route("/api/stop", post(stop))
        .route("/api/abort", post(abort))
        .layer(middleware::from_fn_with_state(Arc::clone(&context), admit))
        .with_state(context)
}

/// Lets in who may come in, and tells browsers to be strict with every answer.
async fn admit(State(context): Shared, request: Request, next: Next) -> Response {
    let admitted = context.guard.admit(request.method(), request.uri(), request.headers());
    let mut response = match admitted {
        Ok(Admission::In) if request.method() == Method::POST => {
            // Their bodies are short.
            let answer = tokio::time::timeout(BODY_WITHIN, next.run(request)).await;
            answer.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
        }
        Ok(Admission::In) => next.run(request).await,
        Ok(Admission::Welcome(cookie)) => welcome(cookie, request.uri()),
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    let policy = HeaderValue::from_str(&page::POLICY);
    headers.insert(CONTENT_SECURITY_POLICY, policy.unwrap_or(HeaderValue::from_static("default-src 'none'")));
    let constant = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in constant {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn live(State(context): Shared) -> Response {
    // Looking for scenarios reads files; while a run goes on there is nothing to choose.
    let offers = context
        .site
        .control
        .starter()
        .map(|starter| if context.site.feed.is_running() { Offers::default() } else { starter.offers() });
    shown(page::live(&context.guard.key, offers.as_ref()))
}

async fn history(State(context): Shared) -> Response {
    shown(aside(&context, |context| page::history(&context.site.history.entries()?)).await)
}

#[derive(Deserialize)]
struct After {
    after: Option<u64>,
}

async fn follow(State(context): Shared, Query(query): Query<After>, headers: HeaderMap) -> Response {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    stream::events(&context.site.feed, last.or(query.after), context.closing.clone()).into_response()
}

async fn prometheus(State(context): Shared) -> Response {
    let text = context.site.feed.read(metrics::render);
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}

async fn snapshot(State(context): Shared) -> Response {
    ([(CONTENT_TYPE, "application/json")], context.site.feed.snapshot()).into_response()
}

async fn stats(State(context): Shared) -> Response {
    let stats = context.site.feed.read(|state| {
        json!({
            "schema": "loadproof.live/2",
            "stage": state.stage,
            "begin": state.begin,
            "last": state.last,
            "failures": state.failures,
        })
    });
    Json(stats).into_response()
}

#[derive(Deserialize)]
struct Of {
    of: Option<String>,
}

impl Of {
    /// What is named, or else what the last command has made.
    fn name(self, context: &Context) -> Result<String, Problem> {
        let last = || context.site.feed.read(|state| state.done.as_ref()?.reports.last().cloned());
        let none =
            || Problem::NotFound("no run yet: request a run (?of=3) or an experiment (?of=e1)".to_owned());
        self.of.or_else(last).ok_or_else(none)
    }
}

async fn report(State(context): Shared, Query(of): Query<Of>) -> Response {
    stored(context, move |context| Ok(Page::Report(of.name(context)?))).await
}

#[derive(Deserialize)]
struct Two {
    baseline: String,
    treatment: String,
}

async fn compare(State(context): Shared, Query(two): Query<Two>) -> Response {
    stored(context, |_| Ok(Page::Comparison { baseline: two.baseline, treatment: two.treatment })).await
}

#[derive(Deserialize)]
struct Scenario {
    scenario: String,
}

async fn trend(State(context): Shared, Query(of): Query<Scenario>) -> Response {
    stored(context, |_| Ok(Page::Trend(of.scenario))).await
}

/// Reports as other pages link to them: `run-3.html`.
async fn linked(State(context): Shared, Path(file): Path<String>) -> Response {
    stored(context, move |_| {
        let run = file.strip_prefix("run-").and_then(|rest| rest.strip_suffix(".html"));
        let is_number = |run: &&str| run.parse::<u32>().is_ok();
        let none = || Problem::NotFound(format!("`{file}` was not found"));
        Ok(Page::Report(run.filter(is_number).ok_or_else(none)?.to_owned()))
    })
    .await
}

/// A page about what is stored, once nothing is under way.
async fn stored(
    context: Arc<Context>,
    wanted: impl FnOnce(&Context) -> Result<Page, Problem> + Send + 'static,
) -> Response {
    let made = aside(&context, |context| {
        idle(context)?;
        Ok(context.site.history.page(&wanted(context)?)?)
    });
    shown(made.await)
}

async fn samples(State(context): Shared, Query(of): Query<Of>) -> Response {
    let of = match idle(&context).and_then(|()| of.name(&context)) {
        Ok(of) => of,
        Err(problem) => return shown(Err(problem)),
    };
    match download::samples(context, of).await {
        Ok(body) => {
            let headers = [
                (CONTENT_TYPE, "text/csv; charset=utf-8"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"samples.csv\""),
            ];
            (headers, body).into_response()
        }
        Err(problem) => shown(Err(problem)),
    }
}

/// The command line that a form stands for, or what is wrong with it.
async fn command(State(context): Shared, Json(form): Json<Form>) -> Response {
    ordered(&context, &form, |starter, arguments| Ok(starter.line(&arguments)))
}

async fn start(State(context): Shared, Json(form): Json<Form>) -> Response {
    ordered(&context, &form, |starter, arguments| {
        let line = starter.line(&arguments);
        starter.start(arguments).map(|()| line)
    })
}

fn ordered(
    context: &Context,
    form: &Form,
    carry_out: impl FnOnce(&dyn Starter, Vec<String>) -> Result<String, String>,
) -> Response {
    let Some(starter) = context.site.control.starter() else {
        return (StatusCode::NOT_FOUND, "runs are started by `loadproof ui` only").into_response();
    };
    if context.site.feed.is_running() {
        return (StatusCode::CONFLICT, Json(json!({ "text": "a run is already in progress" })))
            .into_response();
    }
    let done = form.arguments(&starter.offers().scenarios).map(|arguments| carry_out(starter, arguments));
    match done {
        Ok(Ok(line)) => Json(json!({ "command": line })).into_response(),
        Ok(Err(text)) => (StatusCode::CONFLICT, Json(json!({ "text": text }))).into_response(),
        Err(wrong) => (StatusCode::UNPROCESSABLE_ENTITY, Json(wrong)).into_response(),
    }
}

async fn stop(State(context): Shared) -> Response {
    ended(&context, || context.site.control.stop())
}

async fn abort(State(context): Shared) -> Response {
    ended(&context, || context.site.control.abort())
}

fn ended(context: &Context, end: impl FnOnce()) -> Response {
    if !context.site.feed.is_running() {
        return (StatusCode::CONFLICT, Json(json!({ "text": "no run is in progress" }))).into_response();
    }
    end();
    (StatusCode::ACCEPTED, Json(json!({}))).into_response()
}

fn idle(context: &Context) -> Result<(), Problem> {
    if context.site.feed.is_running() { Err(Problem::Busy) } else { Ok(()) }
}

/// Does what takes a while on a thread of its own.
async fn aside<T: Send + 'static>(
    context: &Arc<Context>,
    work: impl FnOnce(&Context) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let context = Arc::clone(context);
    let done = tokio::task::spawn_blocking(move || work(&context)).await;
    done.unwrap_or_else(|error| Err(Problem::Failed(error.to_string())))
}

/// A page, or why there is none.
fn shown(made: Result<String, Problem>) -> Response {
    match made {
        Ok(page) => Html(page).into_response(),
        Err(problem) => {
            let status = match problem {
                Problem::NotFound(_) => StatusCode::NOT_FOUND,
                Problem::Busy => StatusCode::CONFLICT,
                Problem::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            match page::problem(&problem) {
                Ok(page) => (status, Html(page)).into_response(),
                Err(_) => (status, problem.to_string()).into_response(),
            }
        }
    }
}
