// What pages do with script; without it nothing is lost but comfort.

// A button that prints appears only where it can.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// After a refusal the first wrong field is the one to go on with.
document.querySelector("[aria-invalid=true]")?.focus();

// What only a paper needs is out of the way while a call is chosen.
for (const part of document.querySelectorAll("[data-paper]")) {
  const show = () => {
    part.hidden = part.closest("form").elements.channel.value === "phone";
  };
  part.closest("form").addEventListener("change", show);
  window.addEventListener("pageshow", show);
  show();
}

// A second click while the first is under way does nothing. The server guards
// against it anyway. A page that comes back from the history works again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method === "post" && !form.hasAttribute("data-again")) {
    form.dataset.sent = "yes";
  }
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) {
    delete form.dataset.sent;
  }
});
