// The form that starts a run, where there is one.
(() => {
  const form = document.getElementById("form");
  if (!form) return;
  const offers = JSON.parse(document.getElementById("offers").textContent).scenarios, field = name => form.elements[name];
  const options = (select, values) => {
    const before = select.value;
    select.replaceChildren(...values.map(([value, text]) => new Option(text, value)));
    if (values.some(([value]) => value === before)) select.value = before;
  };

  function offer() {
    const chosen = offers.find(offer => offer.file === field("scenario").value), experiment = field("command").value === "experiment";
    document.getElementById("why").textContent = chosen.why;
    field("command").options[1].disabled = !chosen.experiment;
    if (!chosen.experiment) field("command").value = "run";
    for (const only of form.querySelectorAll("[data-only]")) only.hidden = only.dataset.only !== field("command").value;
    options(field("profile"), chosen.profiles.map(name => [name, name]));
    const loads = chosen.loads.map(load => [load.name, `${load.name}: ${load.text}`]);
    options(field("load"), experiment && chosen.experiment ? [["", `as the experiment says: ${chosen.experiment.load}`], ...loads] : loads);
  }

  const filled = () => {
    const values = Object.fromEntries(new FormData(form));
    delete values[values.command === "experiment" ? "profile" : "rounds"];
    for (const name in values) values[name] = values[name].trim();
    return values;
  };
  async function told(path) {
    const answer = await Live.post(path, filled()), said = await answer.json();
    for (const input of form.elements) input.removeAttribute("aria-invalid");
    document.getElementById("wrong").textContent = said.text || "";
    document.getElementById("go").disabled = !answer.ok;
    if (said.field && field(said.field)) {
      field(said.field).setAttribute("aria-invalid", "true");
      field(said.field).setAttribute("aria-describedby", "wrong");
    }
    if (answer.ok) document.getElementById("line").textContent = said.command;
    return answer.ok;
  }

  let waiting;
  form.addEventListener("input", () => {
    offer();
    clearTimeout(waiting);
    waiting = setTimeout(() => told("/api/command"), 150);
  });
  form.addEventListener("submit", async event => {
    event.preventDefault();
    if (await told("/api/start")) { Live.begun(); Live.follow(); }
  });
  offer();
  told("/api/command");
})();
