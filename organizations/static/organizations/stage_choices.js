"use strict";
// Forms with a pipeline and one of its stages: load the stages of the selected pipeline.
document.addEventListener("change", async ({ target }) => {
  if (!target.dataset.stages) return;
  const stages = target.form.elements.namedItem(target.dataset.stages), pipeline = target.value;
  const initial = (stages.dataset.initial ??= stages.querySelector("option[selected]")?.value ?? "");
  const show = (...options) => stages.replaceChildren(stages.options[0], ...options);
  show();
  stages.value = "";
  if (!pipeline) return;
  try {
    const response = await fetch(target.dataset.stagesUrl + encodeURIComponent(pipeline));
    if (!response.ok || response.redirected) throw new Error(String(response.status));
    const { stages: found } = await response.json();
    if (target.value !== pipeline) return;
    // ``wanted`` is set when a form is filled in again.
    const { wanted = initial } = stages.dataset;
    delete stages.dataset.wanted;
    show(...found.map(([id, name]) => new Option(name, id, id === initial, id === wanted)));
  } catch {
    const problem = new Option("The stages could not be loaded. Select the pipeline again.", "");
    problem.disabled = true;
    if (target.value === pipeline) show(problem);
  }
});
