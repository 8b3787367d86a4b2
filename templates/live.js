// The live page: follows the server's events and shows them. All text is set as text.
const Live = (() => {
  const by = id => document.getElementById(id), body = document.body, MOST = 1200;
  const canStart = "canStart" in body.dataset;
  const made = (name, text, className) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const post = (path, form = {}) => fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Loadproof-Key": body.dataset.key },
    body: JSON.stringify(form),
  });
  const say = text => { by("live").textContent = text; };
  let state, lastId = 0, source, charts = [], pending = false;
  const fresh = () => ({ stage: "idle", begin: null, phases: [], ticks: [], last: null, failures: [], claims: null, notes: [], done: null });

  const NAMES = ["begin", "phase", "tick", "failure", "claims", "note", "done"];
  async function follow() {
    if (source) source.close();
    const answer = await fetch("/api/snapshot");
    const snapshot = await answer.json();
    state = snapshot.state;
    lastId = snapshot.last_id;
    show();
    if (state.done && !canStart) return;
    source = new EventSource("/events?after=" + lastId);
    for (const name of NAMES) source.addEventListener(name, event => take(name, JSON.parse(event.data)));
    source.addEventListener("reset", () => follow().catch(lost));
    source.onerror = lost;
    source.onopen = () => show();
  }
  function lost() {
    if (!state || !state.done) by("sub").textContent = "Connection to loadproof lost; reconnecting.";
  }

  function take(name, data) {
    if (name === "begin") {
      const { claims, notes } = state.done ? fresh() : state;
      state = { ...fresh(), claims, notes, stage: "running", begin: data };
      say(`Run ${data.run} begins: ${data.profile}`);
    } else if (name === "phase") { state.phases.push(data); say("Phase: " + data.phase); }
    else if (name === "tick") tick(data);
    else if (name === "failure") for (const row of data.rows) failure(row);
    else if (name === "claims") state.claims = data;
    else if (name === "note") {
      // Another command of this server begins with its notes.
      if (state.done) state = { ...fresh(), stage: "running" };
      state.notes.push(data);
      say(data.text);
    } else if (name === "done") { state.stage = "done"; state.done = data; by("stop").disabled = false; say(data.sentence || "Finished"); }
    show();
  }
  function tick(data) {
    state.last = data;
    state.ticks.push(data);
    // As the server does: two become one, and what is high stays.
    if (state.ticks.length > MOST) state.ticks = state.ticks.filter((_, i) => i % 2).map((tick, i) => higher(state.ticks[2 * i], tick));
  }
  const higher = (one, other) => ({ ...other, rate: (one.rate + other.rate) / 2, times: one.times && other.times ? other.times.map((v, i) => v === null || one.times[i] === null ? null : Math.max(v, one.times[i])) : other.times || one.times });
  function failure(row) {
    const place = state.failures.findIndex(known => known.place === row.place);
    if (place < 0) state.failures.push(row); else state.failures[place] = row;
  }

  // Once a second is enough, and not where nobody looks.
  function show() {
    // A tab in the background is read by its title.
    if (document.hidden) return head();
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => { pending = false; head(); tiles(); done(); panel(); });
  }

  const hasTrouble = n => n[2] + n[3] + n[4];
  const sum = n => n.reduce((a, b) => a + b, 0);
  function head() {
    const { begin, last, stage } = state, running = stage === "running";
    by("now").hidden = by("metrics").hidden = stage === "idle";
    by("now").classList.toggle("over", !running);
    if (by("start")) by("start").hidden = running;
    for (const id of ["stop", "abort"]) by(id).hidden = !running;
    by("title").textContent = begin ? begin.scenario : canStart ? "Start a run" : "loadproof";
    const part = begin && begin.part;
    by("part").textContent = part ? `Live · experiment e${part.experiment} · ${part.round ? `round ${part.round} of at most ${part.rounds}` : "pilot"}` : begin ? `Live · run ${begin.run}` : "Live";
    by("sub").textContent = begin ? [part ? part.arm + " " + begin.profile : begin.profile, begin.load + ": " + begin.load_text].join(" · ") : running ? "Getting ready…" : "No run in progress.";
    const phase = !running ? "done" : last ? last.phase : "getting ready";
    by("phase").textContent = phase;
    by("phase").className = "chip " + (running ? "running" : "done");
    by("clock").textContent = last ? Numbers.clock(last.t) : "";
    const [begun, all] = last && last.journeys || [0, 0];
    by("planned").textContent = last ? [begin.load_s && "of " + Numbers.clock(begin.load_s), all && `${Numbers.count(begun)} of ${Numbers.count(all)} journeys`, running && last.eta_s != null && "ETA " + Numbers.clock(last.eta_s)].filter(Boolean).join(" · ") : "";
    by("progress").hidden = !(begin && (begin.load_s || all));
    by("progress").value = !running ? 1 : !last ? 0 : begin.load_s ? Math.min(last.t / begin.load_s, 1) : all ? begun / all : 0;
    document.title = state.done ? `${mark(state.done.word)} ${state.done.word} · ${begin ? begin.scenario : "loadproof"}` : running && last ? `● ${Numbers.clock(last.t)} ${Numbers.short(last.rate)}/s · ${begin.scenario}` : "loadproof";
  }
  const mark = word => ({ supported: "✓", done: "✓", refuted: "✕", failed: "✕" })[word] || "–";

  function tiles() {
    const { last, ticks } = state;
    if (!last) return by("tiles").replaceChildren();
    const whole = wholeRun();
    if (whole) {
      return by("tiles").replaceChildren(...whole.map(({ name, value, unit, is_bad }) => tile(name, value, unit, is_bad)));
    }
    const all = sum(last.outcomes), share = all ? 100 * hasTrouble(last.outcomes) / all : 0;
    const signal = last.signals.find(s => !s[0].startsWith("loadproof"));
    const of = (tick, name) => { const found = tick.signals.find(s => s[0] === name); return found ? found[2] : null; };
    const all6 = [
      ["Answered", Numbers.short(last.rate), "/s", ticks.map(t => t.rate)],
      ["p95", last.times ? time(last.times[1]) : "none", last.times ? "ms" : "", ticks.map(t => t.times && t.times[1])],
      ["Errors", Numbers.short(share), "%", ticks.map(t => hasTrouble(t.outcomes)), share > 0],
      ["In flight", Numbers.count(last.in_flight), `of ${Numbers.count(last.users)} users`, ticks.map(t => t.in_flight)],
      ["Generator", last.own_cores === null ? "n/a" : Numbers.short(last.own_cores), "cores", ticks.map(t => t.own_cores)],
    ];
    if (signal) all6.push([signal[0], Numbers.short(signal[2]), signal[1], ticks.map(t => of(t, signal[0]))]);
    by("tiles").replaceChildren(...all6.map(([name, value, unit, points, isBad]) => {
      const shown = tile(name, value, unit, isBad);
      shown.append(spark(points.slice(-60)));
      return shown;
    }));
  }
  const tile = (name, value, unit, isBad) => {
    const box = made("div"), shown = made("dd", value + " ", isBad ? "bad" : "");
    shown.append(made("span", unit, "unit"));
    box.append(made("dt", name), shown);
    return box;
  };
  // After the end the metrics are those of the whole run: the report's own, or what the last tick has counted.
  function wholeRun() {
    const { done, last } = state;
    if (!done) return null;
    if (done.metrics && done.metrics.length) return done.metrics;
    const all = sum(last.outcomes), wrong = hasTrouble(last.outcomes);
    // Of the load: what came after it was waiting for answers.
    const seconds = Math.max(Math.min(last.t, (state.begin && state.begin.load_s) || last.t), 1);
    return [
      { name: "Requests, last run", value: Numbers.count(all), unit: "" },
      { name: "Throughput, last run", value: Numbers.short((all - wrong) / seconds), unit: "/s" },
      { name: "Error rate, last run", value: Numbers.short(all ? 100 * wrong / all : 0), unit: "%", is_bad: wrong > 0 },
    ];
  }
  function spark(points) {
    const high = Math.max(1e-9, ...points.map(v => v || 0)), step = 100 / Math.max(1, points.length - 1);
    const svg = Chart.element("svg", { viewBox: "0 0 100 22", preserveAspectRatio: "none", "aria-hidden": "true" });
    let path = "", pen = false;
    points.forEach((v, i) => { if (v === null) pen = false; else { path += `${pen ? "L" : "M"}${(i * step).toFixed(1)} ${(20 - 18 * v / high).toFixed(1)}`; pen = true; } });
    svg.append(Chart.element("path", { class: "k-b", d: path }));
    return svg;
  }

  let linked = null;
  function done() {
    const { done } = state;
    by("done").hidden = !done;
    if (!done || linked === done) return;
    linked = done;
    by("done").className = "card verdict-" + done.word;
    by("done-word").textContent = done.word;
    by("done-word").className = "chip " + done.word;
    by("done-headline").textContent = done.headline || "Finished";
    by("done-sentence").textContent = done.sentence;
    by("done-links").replaceChildren();
    by("downloads").replaceChildren(...done.reports.map(of => {
      const item = made("li"), csv = made("a", `samples of ${of}, CSV`);
      csv.href = "/api/samples.csv?of=" + encodeURIComponent(of);
      item.append(csv);
      return item;
    }));
    Promise.all(done.reports.map(report)).then(links => {
      by("done-links").replaceChildren(...links.flatMap(link => [link, " "]));
      // Until now the server waited for this viewer.
      if (!canStart && source) source.close();
    });
  }
  // The server of a single command goes when all is done: what it has to say is fetched before.
  async function report(of) {
    const link = made("a", "Report of " + (of.startsWith("e") ? "experiment " : "run ") + of), path = "/api/report.html?of=" + encodeURIComponent(of);
    link.href = path;
    if (!canStart) {
      const answer = await fetch(path).catch(() => null);
      if (answer && answer.ok) link.href = URL.createObjectURL(new Blob([await answer.arrayBuffer()], { type: "text/html" }));
    }
    return link;
  }

  const cell = (row, text, className) => row.append(made("td", text, className));
  const headed = (text, more) => {
    const row = made("tr"), head = made("th", text);
    head.scope = "row";
    if (more) head.append(" ", made("span", more, "class"));
    row.append(head);
    return row;
  };
  // A time without an end lies among requests that were never answered.
  const time = ms => ms === null ? "∞" : Numbers.short(ms);
  const times = t => t ? t.map(time) : ["n/a", "n/a", "n/a"];
  const panels = {
    charts() {
      const { begin, ticks, phases, last } = state;
      if (!last) return;
      const column = pick => ticks.map(t => [t.t, pick(t)]);
      const names = [...new Set(ticks.flatMap(t => t.signals.map(s => s[0])))];
      const unit = name => (ticks.findLast(t => t.signals.some(s => s[0] === name)).signals.find(s => s[0] === name))[1];
      const quantile = (name, i, style) => ({ name, class: style, points: column(t => t.times && t.times[i]) });
      const rows = [
        { title: "Response time", unit: "ms, log scale", log: true, lines: [quantile("p50", 0, "k-b soft"), quantile("p95", 1, "k-b"), quantile("p99", 2, "k-b d1")] },
        { title: "Throughput", unit: "answered per second", lines: [{ name: "answered", class: "k-b", points: column(t => t.rate) }] },
        { title: "Load", unit: "requests in flight, active users", lines: [{ name: "in flight", class: "k-b", points: column(t => t.in_flight) }, { name: "users", class: "k-a d1", points: column(t => t.users) }] },
        ...names.map(name => ({ title: name, unit: unit(name), lines: [{ name, class: "k-b", points: column(t => { const s = t.signals.find(s => s[0] === name); return s ? s[2] : null; }) }] })),
      ];
      // loadproof's own metrics stand apart, and closed.
      const isOwn = row => row.title.startsWith("loadproof ");
      rows.sort((a, b) => isOwn(a) - isOwn(b));
      const key = rows.map(row => row.title).join("\n"), ofSystem = rows.filter(row => !isOwn(row)).length;
      if (charts.key !== key) {
        by("system-charts").replaceChildren();
        by("generator-charts").replaceChildren();
        by("generator").hidden = ofSystem === rows.length;
        charts = rows.map((row, i) => new Chart(by(isOwn(row) ? "generator-charts" : "system-charts"), { ...row, isLast: i + 1 === ofSystem || i + 1 === rows.length }));
        charts.key = key;
        charts.forEach(reading);
      }
      const end = Math.max(begin.load_s || 0, last.t, 10);
      rows.forEach((row, i) => charts[i].draw({ lines: row.lines, phases, now: last.t, end, isFirst: i === 0 }));
    },
    endpoints() {
      const { begin, last } = state;
      if (!last || !last.endpoints) return;
      by("endpoints").replaceChildren(...begin.endpoints.map((endpoint, i) => {
        const { n, rate, times: t } = last.endpoints[i], row = headed(endpoint.name, endpoint.kind === "request" ? endpoint.traffic_class : endpoint.kind);
        cell(row, Numbers.count(sum(n)), "num");
        cell(row, Numbers.short(rate), "num");
        n.forEach((count, outcome) => cell(row, Numbers.count(count), "num" + (outcome > 1 && count ? " bad" : "")));
        times(t).forEach(text => cell(row, text, "num"));
        return row;
      }));
    },
    failures() {
      by("no-failures").hidden = state.failures.length > 0;
      by("failures").replaceChildren(...[...state.failures].sort((a, b) => b.count - a.count).map(row => {
        const line = headed(row.reason || "no reason given"), endpoint = state.begin && row.endpoint !== null ? state.begin.endpoints[row.endpoint].name : "";
        for (const text of [endpoint, row.outcome]) cell(line, text);
        for (const text of [Numbers.count(row.count), Numbers.clock(row.first), Numbers.clock(row.last)]) cell(line, text, "num");
        return line;
      }));
    },
    signals() {
      if (!state.last) return;
      by("signals").replaceChildren(...state.last.signals.map(([name, unit, value]) => {
        const row = headed(name), highest = Math.max(...state.ticks.flatMap(t => t.signals.filter(s => s[0] === name).map(s => s[2])));
        for (const number of [value, highest]) cell(row, Numbers.short(number), "num");
        cell(row, unit);
        return row;
      }), ...(state.last.silent || []).map(([name, seconds]) => {
        const row = headed(name), said = made("td", `no reading for ${Math.round(seconds)} s`, "bad");
        said.colSpan = 3;
        row.append(said);
        return row;
      }));
    },
    "claims-so-far"() {
      const claims = state.claims;
      by("no-claims").hidden = Boolean(claims);
      by("claims").replaceChildren(...(claims ? claims.rows : []).map(claim => {
        const row = headed(claim.id + " " + claim.title);
        row.firstChild.append(made("code", claim.formula));
        cell(row, claim.estimate, "num");
        cell(row, claim.interval || "none yet");
        return row;
      }));
    },
    log() {
      by("log").replaceChildren(...[...state.notes].reverse().map(note => {
        const item = made("li"), at = new Date(note.at_ms), time = made("time", at.toLocaleTimeString([], { hourCycle: "h23" }));
        time.dateTime = at.toISOString();
        item.append(time, note.text);
        return item;
      }));
    },
    download() {},
  };

  const tabs = [...document.querySelectorAll("[role=tab]")];
  const chosen = () => tabs.find(tab => tab.ariaSelected === "true");
  function panel() {
    const all = state.failures.reduce((n, row) => n + row.count, 0);
    by("tab-failures").querySelector(".count").textContent = all ? Numbers.count(all) : "";
    panels[chosen().id.slice(4)]();
  }
  function choose(tab) {
    for (const other of tabs) {
      other.ariaSelected = String(other === tab);
      other.tabIndex = other === tab ? 0 : -1;
      by(other.getAttribute("aria-controls")).hidden = other !== tab;
    }
    tab.focus();
    panel();
  }
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", event => {
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      choose(tabs[(to + tabs.length) % tabs.length]);
    });
  });

  function reading(chart) {
    const read = (t, aloud) => { for (const other of charts) { const words = other.read(t); if (aloud && other === chart) say(words); } };
    const hide = () => { for (const other of charts) other.hide(); };
    chart.figure.addEventListener("pointermove", event => {
      const frame = chart.svg.getBoundingClientRect(), share = (event.clientX - frame.left - Chart.LEFT) / (frame.width - Chart.LEFT - Chart.RIGHT);
      read(Math.max(0, share) * Math.max(state.begin.load_s || 0, state.last.t, 10));
    });
    chart.figure.addEventListener("pointerleave", hide);
    chart.figure.addEventListener("blur", hide);
    chart.figure.addEventListener("keydown", event => {
      const at = chart.at === null ? state.last.t : chart.at, by = event.shiftKey ? 10 : 1;
      const to = { ArrowLeft: at - by, ArrowRight: at + by, Home: 0, End: state.last.t }[event.key];
      if (to === undefined) { if (event.key === "Escape") hide(); return; }
      event.preventDefault();
      read(Math.min(Math.max(0, to), state.last.t), true);
    });
  }

  by("stop").addEventListener("click", () => { by("stop").disabled = true; post("/api/stop").then(() => say("Stopping: waiting for requests in flight")); });
  by("abort").addEventListener("click", () => by("confirm").showModal());
  by("keep").addEventListener("click", () => by("confirm").close());
  by("sure").addEventListener("click", () => { by("confirm").close(); post("/api/abort").catch(() => {}); });
  addEventListener("resize", () => show());
  by("generator").addEventListener("toggle", () => show());
  document.addEventListener("visibilitychange", () => show());
  follow().catch(lost);
  return { post, follow, begun() { by("stop").disabled = false; state = { ...fresh(), stage: "running" }; show(); } };
})();
