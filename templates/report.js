(() => {
  const root = document.documentElement, space = "http://www.w3.org/2000/svg";
  root.classList.remove("no-js");
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme:dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  for (const button of document.querySelectorAll(".legend button")) {
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      for (const same of document.querySelectorAll(`.legend button[data-arm=${button.dataset.arm}]`)) same.setAttribute("aria-pressed", shown);
      document.getElementById("charts").classList.toggle("hide-" + button.dataset.arm, !shown);
    });
  }
  const live = document.getElementById("live"), groups = {};
  const nearest = (list, x) => {
    let best = -1, distance = Infinity;
    list.forEach((value, i) => { const d = Math.abs(value - x); if (d < distance) { distance = d; best = i; } });
    return best;
  };
  for (const figure of document.querySelectorAll("figure[data-group]")) {
    const svg = figure.querySelector("svg"), data = JSON.parse(figure.querySelector("script").textContent);
    if (!data.lines.length) continue;
    const tip = figure.querySelector(".tip"), marks = document.createElementNS(space, "g"), cross = document.createElementNS(space, "line");
    cross.setAttribute("class", "cross"); cross.setAttribute("y1", data.box[1]); cross.setAttribute("y2", data.box[3]); marks.append(cross);
    const dots = data.lines.map(line => {
      const dot = document.createElementNS(space, "circle");
      dot.setAttribute("r", 4); dot.setAttribute("class", "dot f-" + line.class); marks.append(dot);
      return dot;
    });
    marks.setAttribute("visibility", "hidden"); svg.append(marks);
    const chart = {
      // The longest line leads: its points are where the keys step.
      lead: data.lines.reduce((a, b) => b.x.length > a.x.length ? b : a),
      show(x, aloud) {
        marks.setAttribute("visibility", "visible"); cross.setAttribute("x1", x); cross.setAttribute("x2", x);
        tip.replaceChildren();
        const words = [];
        data.lines.forEach((line, i) => {
          const k = nearest(line.x, x), far = Math.abs(line.x[k] - x) > 24;
          dots[i].setAttribute("visibility", far ? "hidden" : "inherit");
          if (far) return;
          dots[i].setAttribute("cx", line.x[k]); dots[i].setAttribute("cy", line.y[k]);
          if (!words.length) { const at = document.createElement("b"); at.textContent = line.at[k]; tip.append(at); words.push(line.at[k] + ":"); }
          const part = document.createElement("span"), value = document.createElement("b");
          part.className = line.class; part.textContent = line.name + " "; value.textContent = line.value[k]; part.append(value); tip.append(part);
          words.push(line.name + " " + line.value[k]);
        });
        figure.classList.add("reading");
        if (aloud) live.textContent = words.join(" ");
      },
      hide() { marks.setAttribute("visibility", "hidden"); figure.classList.remove("reading"); },
    };
    const group = groups[figure.dataset.group] = groups[figure.dataset.group] || [];
    group.push(chart);
    let step = -1;
    figure.addEventListener("pointermove", event => {
      const frame = svg.getBoundingClientRect(), x = (event.clientX - frame.left) / frame.width * svg.viewBox.baseVal.width;
      for (const other of group) other.show(Math.min(Math.max(x, data.box[0]), data.box[2]));
    });
    const hide = () => { for (const other of group) other.hide(); };
    figure.addEventListener("pointerleave", hide);
    figure.addEventListener("blur", hide);
    figure.addEventListener("keydown", event => {
      const last = chart.lead.x.length - 1, by = event.shiftKey ? 10 : 1;
      if (event.key === "ArrowRight") step = Math.min(last, step + by);
      else if (event.key === "ArrowLeft") step = Math.max(0, step - by);
      else if (event.key === "Home") step = 0;
      else if (event.key === "End") step = last;
      else { if (event.key === "Escape") hide(); return; }
      event.preventDefault();
      for (const other of group) other.show(chart.lead.x[step]);
      chart.show(chart.lead.x[step], true);
    });
  }
})();
