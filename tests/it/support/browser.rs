//! Chromium, used as people do: by keys, by the mouse, and by looking. Where it is missing the test is skipped,
//! loudly; under CI it fails.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// Chromium without a window and without errands of its own.
pub(crate) fn command(profile: &Path) -> Option<Command> {
    let found = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let Some(program) = found else {
        let is_ci = std::env::var_os("CI").is_some();
        assert!(!is_ci, "Chromium is missing; README names what the full suite needs");
        eprintln!("SKIPPED: no Chromium, so no page was opened in a browser");
        return None;
    };
    let mut command = Command::new(program);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()));
    Some(command)
}

/// A browser with one page; it ends with the test.
pub(crate) struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    calls: u64,
    /// What scripts have thrown, and what policies have refused.
    pub(crate) complaints: Vec<String>,
    // Dropped after the process has ended.
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser {
    pub(crate) fn start() -> Option<Self> {
        let profile = tempfile::tempdir().unwrap();
        let mut command = command(profile.path())?;
        command.args(["--remote-debugging-port=0", "--hide-scrollbars", "about:blank"]);
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("ws://")?.1.to_owned()))
            .unwrap();
        let stream = TcpStream::connect(url.split('/').next().unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let (socket, _) = tungstenite::client(format!("ws://{url}"), stream).unwrap();
        let (session, complaints) = (String::new(), Vec::new());
        let mut browser = Self { child, socket, session, calls: 0, complaints, _profile: profile };
        let target =
            browser.call("Target.createTarget", &json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", &json!({ "targetId": target, "flatten": true }));
        attached["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser.size(1280, 900);
        Some(browser)
    }

    /// Asks for something, and waits for the answer.
    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.calls += 1;
        let mut message = json!({ "id": self.calls, "method": method, "params": parameters });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(message.to_string())).unwrap();
        loop {
            let Message::Text(text) = self.socket.read().unwrap() else { continue };
            let mut answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == self.calls {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].take();
            }
            let is_complaint = match answer["method"].as_str() {
                Some("Runtime.exceptionThrown") => true,
                Some("Log.entryAdded") => answer["params"]["entry"]["source"] == "security",
                _ => false,
            };
            if is_complaint {
                self.complaints.push(answer["params"].to_string());
            }
        }
    }

    /// The value of an expression in the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", &parameters);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    pub(crate) fn text(&mut self, selector: &str) -> String {
        let text = self.value(&format!("document.querySelector({}).textContent", json!(selector)));
        text.as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Waits until an expression is true.
    pub(crate) fn until(&mut self, expression: &str) {
        let begun = Instant::now();
        // A page that is just being left has no document for a moment.
        while self.value(&format!("Boolean(document.body && ({expression}))")) != json!(true) {
            if begun.elapsed() > Duration::from_secs(60) {
                let page = self.value("location.href + '\\n' + document.body.innerText");
                panic!("never true: {expression}\n{}\n{:?}", page.as_str().unwrap(), self.complaints);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn open(&mut self, url: &str) {
        self.call("Page.navigate", &json!({ "url": url }));
        self.until("document.readyState === 'complete'");
    }

    pub(crate) fn back(&mut self) {
        self.value("history.back()");
    }

    pub(crate) fn size(&mut self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Prefers `light` or `dark`.
    pub(crate) fn prefer(&mut self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &features);
    }

    /// Presses a key and lets it go.
    pub(crate) fn key(&mut self, key: &str) {
        let (code, number, text) = match key {
            "Tab" => ("Tab", 9, ""),
            "Enter" => ("Enter", 13, "\r"),
            "Escape" => ("Escape", 27, ""),
            "End" => ("End", 35, ""),
            "Home" => ("Home", 36, ""),
            "ArrowLeft" => ("ArrowLeft", 37, ""),
            "ArrowUp" => ("ArrowUp", 38, ""),
            "ArrowRight" => ("ArrowRight", 39, ""),
            "ArrowDown" => ("ArrowDown", 40, ""),
            " " => ("Space", 32, " "),
            other => panic!("no key `{other}`"),
        };
        let kind = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        let event = |kind: &str, text: &str| json!({ "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number, "text": text });
        self.call("Input.dispatchKeyEvent", &event(kind, text));
        self.call("Input.dispatchKeyEvent", &event("keyUp", ""));
    }

    /// Types a text into what has the focus.
    pub(crate) fn type_text(&mut self, text: &str) {
        for character in text.chars() {
            let character = character.to_string();
            let event = |kind: &str| json!({ "type": kind, "text": character, "key": character });
            self.call("Input.dispatchKeyEvent", &event("keyDown"));
            self.call("Input.dispatchKeyEvent", &event("keyUp"));
        }
    }

    /// Goes on with the tab key until an element has the focus, and can be seen to have it.
    pub(crate) fn tab_to(&mut self, selector: &str) {
        let is_there = format!("document.activeElement.matches({})", json!(selector));
        for _ in 0..80 {
            self.key("Tab");
            if self.value(&is_there) == json!(true) {
                let outline = self.value("getComputedStyle(document.activeElement).outlineStyle");
                assert_ne!(outline, json!("none"), "{selector}: nobody sees that it has the focus");
                return;
            }
        }
        panic!("{selector} cannot be reached by the tab key");
    }

    /// Clicks in the middle of an element.
    pub(crate) fn click(&mut self, selector: &str) {
        let at = format!(
            "(() => {{ const e = document.querySelector({}); e.scrollIntoView({{ block: 'center' }}); \
             const f = e.getBoundingClientRect(); return [f.x + f.width / 2, f.y + f.height / 2]; }})()",
            json!(selector)
        );
        let at = self.value(&at);
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", &event);
        }
    }
}
