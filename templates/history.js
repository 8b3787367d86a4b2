// The history: two runs to compare, and the runs of experiments to unfold.
(() => {
  const form = document.getElementById("compare");
  if (form) form.addEventListener("submit", event => {
    event.preventDefault();
    location.href = "/api/compare.html?" + new URLSearchParams(new FormData(form));
  });
  // Two ticks compare the older run with the newer one; a third takes the first one's place.
  const compared = document.getElementById("ticked");
  let ticked = [];
  if (compared) {
    for (const box of document.querySelectorAll(".tick input")) {
      box.addEventListener("change", () => {
        ticked = ticked.filter(other => other !== box);
        if (box.checked) ticked.push(box);
        if (ticked.length > 2) ticked.shift().checked = false;
        compared.disabled = ticked.length < 2;
      });
    }
    compared.addEventListener("click", () => {
      const [baseline, treatment] = ticked.map(box => box.value).sort((a, b) => a - b);
      location.href = "/api/compare.html?" + new URLSearchParams({ baseline, treatment });
    });
  }
  for (const button of document.querySelectorAll(".more[aria-controls]")) {
    button.addEventListener("click", () => {
      const runs = document.getElementById(button.getAttribute("aria-controls"));
      runs.hidden = !runs.hidden;
      button.ariaExpanded = String(!runs.hidden);
    });
  }
})();
