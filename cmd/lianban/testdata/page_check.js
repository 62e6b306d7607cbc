// Says what is wrong with the page, as a list of sentences. lang is what the
// page must be written in.
Object.assign((lang) => {
  const wrong = [];
  const say = (what, element) => wrong.push(element ? what + ": " + element.outerHTML.slice(0, 160) : what);
  const all = (css) => [...document.querySelectorAll(css)];

  if (document.documentElement.lang !== lang) say("its language is " + document.documentElement.lang);
  if (document.title.trim() === "") say("no title");
  if (all("h1").length !== 1) say(all("h1").length + " first headings");
  if (all("main").length !== 1) say("no main part, or several");
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) say("it scrolls sideways");

  const ids = new Set();
  for (const e of all("[id]")) {
    if (ids.has(e.id)) say("a second element of this id", e);
    ids.add(e.id);
  }
  for (const e of all("input:not([type=hidden]), select, textarea")) {
    if (![...e.labels].some((l) => l.textContent.trim()) && !e.ariaLabel) say("no label", e);
  }
  for (const e of all("a[href], button, summary")) {
    if (!e.textContent.trim() && !e.ariaLabel) say("no name", e);
  }

  // What the keyboard reaches must show that it is there (WCAG 2.4.7).
  const reached = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  for (const e of all(reached)) {
    if (e.tabIndex < 0 || e.disabled || !e.checkVisibility()) continue;
    e.focus({ preventScroll: true });
    const style = getComputedStyle(e);
    if (document.activeElement !== e) say("cannot be focused", e);
    else if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) say("focus is not seen", e);
  }
  document.activeElement.blur();

  // On an English page Chinese stands only where it is marked as such; the
  // numbers of records are proper names (WCAG 3.1.2).
  if (lang === "en") {
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (words.nextNode()) {
      const e = words.currentNode.parentElement;
      const text = words.currentNode.data.replace(/\p{Script=Han}+〔\d{4}〕/gu, "");
      if (/\p{Script=Han}/u.test(text) && !e.closest("bdi, [lang^=zh]")) say("Chinese, not marked", e);
    }
  }
  return wrong;
}, {
  overflow: () => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const wide = [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > width + 1 && !e.closest(".scroll"));
    return ["scrolls sideways on a telephone: " + (wide.length ? wide[0].outerHTML.slice(0, 160) : "the frame")];
  },
})
