"use strict";
// Replaces the address of a response to a form, so that a reload does not submit the form again.
history.replaceState(null, "", document.querySelector("[data-address]").dataset.address);
