// Rows of charts on one time axis, drawn as the reports draw theirs: the same classes, the same numbers.
const Numbers = {
  grouped: text => {
    const [whole, fraction] = text.split(".");
    const spaced = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, "\u202f") : whole;
    return fraction === undefined ? spaced : spaced + "." + fraction;
  },
  count: n => Numbers.grouped(String(n)),
  // Three significant digits, at most four decimals.
  short: value => {
    if (value === null || value === undefined || !Number.isFinite(value)) return "n/a";
    if (value === 0) return "0";
    const size = Math.abs(value) * 1.0005, decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4;
    return (value < 0 ? "−" : "") + Numbers.grouped(Math.abs(value).toFixed(decimals));
  },
  clock: seconds => {
    const whole = Math.max(0, Math.round(seconds));
    return Math.floor(whole / 60) + ":" + String(whole % 60).padStart(2, "0");
  },
  tick: value => {
    const [scaled, end] = Math.abs(value) >= 1e6 ? [value / 1e6, "M"] : Math.abs(value) >= 1e3 ? [value / 1e3, "k"] : [value, ""];
    return String(Number(scaled.toFixed(3))) + end;
  },
};

const Axes = {
  // Round steps of 1, 2 and 5; only powers of ten where those would be too many.
  log: values => {
    const known = values.filter(v => v > 0);
    let low = known.length ? Math.min(...known) / 1.15 : 0.1, high = known.length ? Math.max(...known) * 1.15 : 10;
    if (high / low < 3) { low /= 1.8; high *= 1.8; }
    let ticks = [];
    for (let decade = 10 ** Math.floor(Math.log10(low)); decade <= high; decade *= 10) {
      for (const step of [1, 2, 5]) if (step * decade >= low && step * decade <= high) ticks.push(step * decade);
    }
    if (ticks.length > 6) ticks = ticks.filter(tick => Math.abs(Math.log10(tick) - Math.round(Math.log10(tick))) < 1e-9);
    return { ticks, share: v => Math.log(Math.max(v, low) / low) / Math.log(high / low) };
  },
  amount: values => {
    const high = Math.max(0, ...values) * 1.06 || 1, raw = high / 3, decade = 10 ** Math.floor(Math.log10(raw));
    const step = decade * (raw / decade < 1.5 ? 1 : raw / decade < 3.5 ? 2 : raw / decade < 7.5 ? 5 : 10), ticks = [];
    for (let tick = 0; tick <= high; tick += step) ticks.push(tick);
    return { ticks, share: v => v / high };
  },
  clock: end => {
    const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200].find(s => end / s <= 9) || 14400, ticks = [];
    for (let tick = 0; tick <= end; tick += step) ticks.push(tick);
    return ticks;
  },
};

class Chart {
  static LEFT = 60;
  static RIGHT = 46;

  constructor(host, { title, unit, log, isLast }) {
    Object.assign(this, { title, log, isLast, at: null });
    this.figure = document.createElement("figure");
    this.figure.tabIndex = 0;
    this.figure.setAttribute("aria-label", title + "; arrow keys read values");
    const caption = document.createElement("figcaption"), heading = document.createElement("h3");
    this.tip = document.createElement("span");
    this.tip.className = "tip";
    this.tip.setAttribute("aria-hidden", "true");
    const what = document.createElement("span");
    what.className = "unit";
    what.textContent = unit;
    heading.append(title + " ", what);
    caption.append(heading, this.tip);
    this.svg = Chart.element("svg", { role: "img" });
    this.figure.append(caption, this.svg);
    host.append(this.figure);
  }

  static element(name, attributes = {}, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // `lines`: { name, class, points: [[seconds, value or null], …] }; `phases`: [{ phase, t }, …], the last of which goes on.
  draw({ lines, phases, now, end, isFirst }) {
    const width = this.figure.clientWidth, height = (this.log ? 140 : 92) + (this.isLast ? 20 : 0);
    if (!width) return;
    const right = width - Chart.RIGHT, top = 8, bottom = height - (this.isLast ? 24 : 4), { element } = Chart;
    const values = lines.flatMap(line => line.points.map(p => p[1])).filter(v => v !== null);
    const axis = this.log ? Axes.log(values) : Axes.amount(values);
    this.x = t => Chart.LEFT + Math.min(t / end, 1) * (right - Chart.LEFT);
    this.y = v => bottom - axis.share(v) * (bottom - top);
    Object.assign(this, { lines, top, bottom });
    const parts = [element("title", {}, this.title), element("desc", {}, this.finding())];
    phases.forEach((phase, i) => {
      const from = this.x(phase.t), to = i + 1 < phases.length ? this.x(phases[i + 1].t) : this.x(now);
      if (phase.phase === "steady") return;
      parts.push(element("rect", { class: "f-band", x: from, y: top, width: Math.max(0, to - from), height: bottom - top }));
      if (isFirst && to - from > 50) parts.push(element("text", { class: "t-muted", x: from + 5, y: top + 8 }, phase.phase));
    });
    for (const tick of axis.ticks) {
      const y = this.y(tick).toFixed(1);
      parts.push(element("path", { class: "k-grid", d: `M${Chart.LEFT} ${y}H${right}` }));
      parts.push(element("text", { class: "t-muted at-right", x: Chart.LEFT - 8, y }, Numbers.tick(tick)));
    }
    parts.push(element("path", { class: "k-axis", d: `M${Chart.LEFT} ${bottom}H${right}` }));
    if (this.isLast) {
      for (const tick of Axes.clock(end)) parts.push(element("text", { class: "t-muted at-middle", x: this.x(tick), y: bottom + 14 }, Numbers.clock(tick)));
    }
    let labelled = Infinity;
    for (const line of lines) {
      parts.push(element("path", { class: line.class, d: this.path(line.points) }));
      const last = line.points.findLast(p => p[1] !== null);
      // Labels of lines that end close to each other make room for each other.
      if (last && lines.length > 1) {
        labelled = Math.min(Math.max(this.y(last[1]), top + 4), labelled - 12);
        parts.push(element("text", { class: "t-muted", x: this.x(last[0]) + 6, y: labelled }, line.name));
      }
    }
    this.marks = element("g", { visibility: "hidden" });
    parts.push(this.marks);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren(...parts);
    if (this.at !== null) this.read(this.at);
  }

  path(points) {
    let path = "", pen = false;
    points.forEach(([t, value], i) => {
      if (value === null) { pen = false; return; }
      const alone = !pen && (i + 1 === points.length || points[i + 1][1] === null);
      path += `${pen ? "L" : "M"}${this.x(t).toFixed(1)} ${this.y(value).toFixed(1)}${alone ? "h1" : ""}`;
      pen = true;
    });
    return path;
  }

  finding() {
    const told = this.lines.map(line => {
      const known = line.points.map(p => p[1]).filter(v => v !== null);
      return known.length ? `${line.name} ${Numbers.short(known[known.length - 1])} now, between ${Numbers.short(Math.min(...known))} and ${Numbers.short(Math.max(...known))}` : `${line.name}: nothing yet`;
    });
    return told.join("; ") + ".";
  }

  // Reads the values at a time out into the caption; what was read, in words.
  read(t) {
    this.at = t;
    if (!this.lines || !this.lines[0].points.length) return "";
    const points = this.lines[0].points;
    let place = points.findIndex(p => p[0] >= t);
    if (place < 0) place = points.length - 1;
    const x = this.x(points[place][0]), marks = [Chart.element("path", { class: "cross", d: `M${x} ${this.top}V${this.bottom}` })], words = [Numbers.clock(points[place][0]) + ":"];
    for (const line of this.lines) {
      const value = line.points[place] ? line.points[place][1] : null;
      words.push(line.name + " " + (value === null ? "none" : Numbers.short(value)));
      if (value !== null) marks.push(Chart.element("circle", { class: "dot f-b", r: 4, cx: x, cy: this.y(value) }));
    }
    this.marks.replaceChildren(...marks);
    this.marks.setAttribute("visibility", "visible");
    this.tip.textContent = words.join("  ");
    this.figure.classList.add("reading");
    return words.join(" ");
  }

  hide() {
    this.at = null;
    if (this.marks) this.marks.setAttribute("visibility", "hidden");
    this.figure.classList.remove("reading");
  }
}
