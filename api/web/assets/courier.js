// What a courier's page does with script. Without it every form is sent as it
// stands; with it a form outlives a lost connection: it is kept on this phone
// until the server has answered for it (DEL-1002, 1003, 1005).

const status = document.querySelector("[data-kept]");

// Records

const opened = new Promise((resolve, reject) => {
  const request = indexedDB.open("lianban", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("forms", { keyPath: "id" });
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

async function store(mode, act) {
  const db = await opened;
  return new Promise((resolve, reject) => {
    const tx = db.transaction("forms", mode);
    const request = act(tx.objectStore("forms"));
    tx.oncomplete = () => resolve(request.result);
    tx.onabort = tx.onerror = () => reject(tx.error);
  });
}

// Files are kept as bytes: some phones lose stored Blobs (DEL-1001).
async function record(form) {
  const fields = [];
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string") {
      fields.push([name, value]);
    } else if (value.size > 0) {
      fields.push([name, { name: value.name, type: value.type, bytes: await value.arrayBuffer() }]);
    }
  }
  return { id: form.elements.event.value, courier: form.dataset.keep, to: form.action, at: Date.now(), fields };
}

function body(kept, live) {
  const data = new FormData();
  for (const [name, value] of kept.fields) {
    data.append(name, typeof value === "string" ? value : new File([value.bytes], value.name, { type: value.type }));
  }
  data.set("sent_at", stamp()); // measures this phone's clock
  if (live) {
    data.set("live", "yes"); // somebody waits for the answer and can type again (DEL-611)
  }
  const token = document.querySelector("[name=csrf]"); // of this session: the kept one may have ended
  if (token) {
    data.set("csrf", token.value);
  }
  return data;
}

// stamp is this phone's time with its offset (DEL-506).
function stamp() {
  const now = new Date();
  const two = (n) => String(Math.trunc(Math.abs(n))).padStart(2, "0");
  const east = -now.getTimezoneOffset();
  const local = new Date(now.getTime() + east * 60000).toISOString().slice(0, -1);
  return `${local}${east < 0 ? "-" : "+"}${two(east / 60)}:${two(east % 60)}`;
}

// Sending

// send gives what came of it: "done" with the page that the server leads to,
// "refused" with its page, "kept" when nobody answered for the record.
async function send(kept, live) {
  let answer;
  try {
    answer = await fetch(kept.to, { method: "POST", body: body(kept, live), credentials: "same-origin" });
  } catch {
    return { is: "kept" };
  }
  const login = new URL(answer.url).pathname === "/login";
  if (login || answer.status === 429 || answer.status >= 500) {
    return { is: "kept", login };
  }
  const page = answer.ok && answer.redirected ? "" : await answer.text();
  await store("readwrite", (s) => s.delete(kept.id));
  return page ? { is: "refused", page } : { is: "done", to: answer.url };
}

async function act(form) {
  let kept;
  try {
    kept = await record(form);
    await store("readwrite", (s) => s.put(kept));
  } catch {
    form.submit(); // this browser keeps nothing: send it as it stands
    return;
  }
  say("local");
  const came = await send(kept, true);
  delete form.dataset.sent;
  if (came.is === "done") {
    say("sent");
    location.assign(came.to);
  } else if (came.is === "refused") {
    const page = new DOMParser().parseFromString(came.page, "text/html");
    document.querySelector("main").replaceWith(page.querySelector("main"));
    prepare();
    window.scrollTo(0, 0);
  } else {
    say(came.login ? "login" : "local");
  }
}

// drain sends what earlier pages left. A record of somebody else stays.
let draining = false;
async function drain() {
  if (draining || !status) {
    return;
  }
  draining = true;
  let left = 0;
  let login = false;
  let sent = 0;
  for (const kept of await store("readonly", (s) => s.getAll())) {
    const came = kept.courier === status.dataset.kept ? await send(kept) : { is: "kept" };
    left += came.is === "kept" ? 1 : 0;
    sent += came.is === "kept" ? 0 : 1;
    login = login || came.login;
  }
  draining = false;
  if (left > 0) {
    say(login ? "login" : "local", left);
  } else if (sent > 0) {
    say("sent", sent);
  }
}

function say(what, n) {
  if (!status) {
    return;
  }
  status.hidden = false;
  status.className = what === "sent" ? "note good" : "note warn";
  status.textContent = status.dataset[what].replace("{n}", n || 1);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.keep || event.defaultPrevented) {
    return;
  }
  event.preventDefault();
  form.elements.occurred.value = form.elements.occurred.value || stamp();
  act(form);
});

for (const what of ["online", "pageshow"]) {
  window.addEventListener(what, () => drain().catch(() => {}));
}
document.addEventListener("visibilitychange", () => document.hidden || drain().catch(() => {}));
setInterval(() => drain().catch(() => {}), 30000);

// Photos and signatures

const longestSide = 1600; // DEL-604

// shrink makes a photo small enough to send from a stairwell. Drawing it anew
// also leaves out where it was taken.
async function shrink(input) {
  const file = input.files[0];
  if (!file || !window.createImageBitmap) {
    return;
  }
  const image = await createImageBitmap(file);
  const scale = Math.min(1, longestSide / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  put(input, await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.8)), "photo.jpg");
}

function put(input, blob, name) {
  const files = new DataTransfer();
  if (blob) {
    files.items.add(new File([blob], name, { type: blob.type }));
  }
  input.files = files.files;
}

// pad lets a receiver sign on the screen; what is drawn goes into the file field
// beside it, its strokes into the hidden one. A form that comes back for another
// reason brings them along, so nobody signs twice. Whether it is a signature the
// server says, too (DEL-605).
function pad(box) {
  const canvas = box.querySelector("canvas");
  const input = box.querySelector("input[type=file]");
  const drawn = box.querySelector("input[name=drawn]");
  const pen = canvas.getContext("2d");
  let strokes = [];
  let stroke = []; // the one being drawn
  box.querySelector("[data-pad]").hidden = false;
  const point = (event) => {
    const edge = canvas.getBoundingClientRect();
    return [(event.clientX - edge.left) * canvas.width / edge.width, (event.clientY - edge.top) * canvas.height / edge.height].map(Math.round);
  };
  const begin = () => { stroke = []; strokes.push(stroke); };
  const extend = (x, y) => { // a tap is a dot
    const n = stroke.length;
    pen.beginPath();
    pen.moveTo(n ? stroke[n - 2] : x, n ? stroke[n - 1] : y);
    pen.lineTo(x, y);
    pen.stroke();
    stroke.push(x, y);
  };
  const signed = () => {
    const points = strokes.reduce((n, stroke) => n + stroke.length / 2, 0);
    const side = (from, most) => {
      const all = strokes.flatMap((stroke) => stroke.filter((_, i) => i % 2 === from)).map((n) => Math.min(most, Math.max(0, n)));
      return Math.max(...all) - Math.min(...all);
    };
    return (strokes.length >= 3 || points >= 20) && side(0, canvas.width) * side(1, canvas.height) * 20 >= canvas.width * canvas.height;
  };
  const keep = () => {
    drawn.value = strokes.length ? JSON.stringify({ w: canvas.width, h: canvas.height, strokes }) : "";
    if (signed()) {
      canvas.toBlob((blob) => put(input, blob, "signature.png"), "image/png");
    } else {
      put(input, null);
    }
  };
  const blank = () => {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.lineWidth = 3;
    pen.lineCap = pen.lineJoin = "round";
    strokes = [];
    stroke = [];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    begin();
    extend(...point(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons !== 1 || !stroke.length || stroke.length >= 4000) {
      return;
    }
    const [x, y] = point(event);
    const n = stroke.length;
    if (Math.hypot(x - stroke[n - 2], y - stroke[n - 1]) >= 3) { // line enough, and a small record
      extend(x, y);
    }
  });
  canvas.addEventListener("pointerup", keep);
  input.addEventListener("change", () => { drawn.value = ""; }); // a photo of paper instead
  box.querySelector("button").addEventListener("click", () => { blank(); keep(); });
  blank();
  if (drawn.value) {
    for (const was of JSON.parse(drawn.value).strokes) {
      begin();
      for (let i = 0; i < was.length; i += 2) {
        extend(was[i], was[i + 1]);
      }
    }
    keep();
  }
}

function prepare() {
  for (const input of document.querySelectorAll("input[data-shrink]")) {
    input.addEventListener("change", () => shrink(input).catch(() => {}));
  }
  document.querySelectorAll("[data-sign]").forEach(pad);
}
prepare();
