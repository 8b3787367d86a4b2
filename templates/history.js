// The history: two runs to compare, and the runs of experiments to unfold.
(() => {
  const form = document.getElementById("compare");
  if (form) form.addEventListener("submit", event => {
    event.preventDefault();
    location.href = "/api/compare.html?" + new URLSearchParams(new FormData(form));
  });
  for (const button of document.querySelectorAll(".more")) {
    button.addEventListener("click", () => {
      const runs = document.getElementById(button.getAttribute("aria-controls"));
      runs.hidden = !runs.hidden;
      button.ariaExpanded = String(!runs.hidden);
    });
  }
})();
