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

// What a choice asks for besides opens with it; what another one asks for closes.
for (const part of document.querySelectorAll("details[data-for]")) {
  part.closest("form").addEventListener("change", ({ target }) => {
    if (target.name === "kind") {
      part.open = target.value === part.dataset.for;
    }
  });
}

// Where somebody checks in is asked of the telephone only when the person asks for it
// (INS-1002).
for (const button of document.querySelectorAll("[data-position]")) {
  const form = button.closest("form");
  const said = form.querySelector("[data-position-said]");
  button.hidden = !navigator.geolocation;
  button.addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        for (const name of ["latitude", "longitude", "accuracy"]) {
          form.elements[name].value = coords[name];
        }
        said.textContent = button.dataset.position;
      },
      () => {
        said.textContent = button.dataset.failed;
      },
      { enableHighAccuracy: true, timeout: 15000 },
    );
  });
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

// A hand scanner types a number and presses Enter faster than pages load. With
// script the numbers are sent one after another, the field is free at once, and
// each answer is also heard: high for done, low for not (DEL-921, DEL-952).
let sent = Promise.resolve();
let speaker;

function sound(kind) {
  speaker ??= new AudioContext();
  const tone = speaker.createOscillator();
  tone.frequency.value = kind === "bad" ? 220 : 880;
  tone.connect(speaker.destination);
  tone.start();
  tone.stop(speaker.currentTime + (kind === "bad" ? 0.4 : 0.1));
}

// show takes over what an answer says and leaves the field alone, in which the
// next number may already stand.
function show(page) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (fresh) {
      part.replaceWith(fresh);
    }
  }
  const said = document.getElementById("answer")?.dataset.sound;
  if (said) {
    sound(said);
  }
}

async function scanned(form, body) {
  let response;
  try {
    response = await fetch(form.action, { method: "POST", body });
  } catch {
    const answer = document.getElementById("answer");
    answer.innerHTML = `<p class="note bad answer"></p>`;
    answer.firstChild.textContent = form.dataset.offline;
    sound("bad");
    return;
  }
  if (response.redirected) { // what was found has a page of its own
    location.assign(response.url);
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (!page.getElementById("answer")) { // the session ended, say
    location.reload();
    return;
  }
  show(page);
}

for (const form of document.querySelectorAll("form[data-scan]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form));
    const field = document.getElementById("scan-number");
    field.value = "";
    field.focus();
    sent = sent.then(() => scanned(form, body));
  });
}
