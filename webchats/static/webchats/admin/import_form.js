"use strict";
// A file that is dropped anywhere on the page is selected. A file that is too large is not sent.
{
  const input = document.getElementById("id_file");
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  // Counted, because the event also occurs for each element that the pointer leaves.
  let entered = 0;
  const mark = (change) => {
    entered = change ? entered + change : 0;
    input.classList.toggle("drop", entered > 0);
  };
  document.addEventListener("dragenter", (event) => hasFiles(event) && mark(1));
  document.addEventListener("dragleave", (event) => hasFiles(event) && mark(-1));
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    // Otherwise the browser opens the file.
    event.preventDefault();
    mark(0);
    const selected = new DataTransfer();
    selected.items.add(event.dataTransfer.files[0]);
    input.files = selected.files;
    input.focus();
  });
  input.form.addEventListener("submit", (event) => {
    const { maxBytes, tooLarge } = input.dataset;
    const isTooLarge = input.files[0]?.size >= Number(maxBytes);
    input.setCustomValidity(isTooLarge ? tooLarge : "");
    if (isTooLarge) event.preventDefault();
    input.reportValidity();
  });
}
