// The page without this works too: all it does is to enter, to keep the page live, and to lend keys.
"use strict";

// The token of `weal open` stands after the #, which no browser sends; the form sends it once.
const enter = document.getElementById("enter");
if (enter && location.hash.length > 1) {
  enter.elements.token.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  enter.submit();
}

// After an act the address names what changed: it is brought into view, gets the focus and is marked.
function look(id) {
  const changed = id && document.getElementById(id);
  if (!changed || changed.id === "main" || changed.id === "menu-end") return;
  changed.setAttribute("tabindex", "-1");
  changed.focus();
  changed.classList.add("changed");
}
look(decodeURIComponent(location.hash.slice(1)));

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) return event.preventDefault();
  event.target.dataset.sent = "yes";
  setTimeout(() => delete event.target.dataset.sent, 4000);
});

// An open window stays up to date: one stream of events says when, and the page is read again.
const lost = document.getElementById("live-lost");
let reading = false, again = false, spoken = 0;

function typing() {
  const main = document.getElementById("main");
  if (main.querySelector("[role=alert]")) return true; // what was wrong, and all that was typed with it
  if (main.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) return true;
  return [...main.querySelectorAll("input:not([type=hidden]), textarea, select")].some((field) =>
    field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked
      : field.options ? [...field.options].some((option) => option.selected !== option.defaultSelected && !field.required)
      : field.value !== field.defaultValue);
}

async function refresh() {
  if (reading) return void (again = true);
  if (typing()) return tell(lost.dataset.news);
  reading = true;
  const answer = await fetch(location.href, { headers: { "x-refresh": "1" } }).catch(() => null);
  if (answer && answer.ok && !typing()) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
  setTimeout(() => { reading = false; if (again) { again = false; refresh(); } }, 300);
}

function words(main) {
  return [...main.children].filter((part) => !part.matches(".notice")).map((part) => part.textContent).join("\n");
}

function swap(page) {
  const before = document.getElementById("main"), after = page.getElementById("main");
  if (!after || words(before) === words(after)) return;
  const texts = new Map([...before.querySelectorAll("li[id], tr[id]")].map((row) => [row.id, row.textContent]));
  const focused = document.activeElement && document.activeElement.id;
  const open = [...before.querySelectorAll("details")].map((part) => part.open);
  after.querySelectorAll("details").forEach((part, place) => { part.open = open[place] ?? part.open; });
  const told = [...before.querySelectorAll(":scope > .notice")];
  before.className = after.className;
  before.replaceChildren(...told, ...after.childNodes);
  before.querySelectorAll("li[id], tr[id]").forEach((row) => row.classList.toggle("changed", texts.get(row.id) !== row.textContent));
  if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
}

function tell(text) {
  lost.textContent = text;
  lost.hidden = !text;
}

if (lost && "EventSource" in window) {
  const strip = document.getElementById("strip");
  const events = new EventSource("/live");
  events.onopen = () => tell("");
  events.onerror = () => { if (lost.hidden) tell(lost.dataset.lost.replace("{time}", new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }))); };
  events.onmessage = (event) => {
    const news = JSON.parse(event.data);
    tell("");
    const say = () => { strip.className = "strip strip-" + news.tone; strip.lastElementChild.textContent = news.text; spoken = Date.now(); };
    if (strip.lastElementChild.textContent !== news.text) setTimeout(say, Math.max(0, spoken + 5000 - Date.now()));
    refresh();
  };
}

// Where the browser can read QR codes, the link of an invite is scanned; the picture stays here.
const scan = document.getElementById("scan");
if (scan && "BarcodeDetector" in window && navigator.mediaDevices) {
  const view = document.getElementById("scan-view");
  scan.hidden = false;
  scan.addEventListener("click", async () => {
    const camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).catch(() => null);
    if (!camera) return;
    const reader = new BarcodeDetector({ formats: ["qr_code"] });
    view.srcObject = camera;
    view.hidden = false;
    await view.play();
    for (let link = ""; !link && camera.active; ) {
      await new Promise((next) => setTimeout(next, 200));
      link = ((await reader.detect(view).catch(() => []))[0] || {}).rawValue || "";
      if (link) document.getElementById("f-link").value = link;
    }
    camera.getTracks().forEach((track) => track.stop());
    view.hidden = true;
  });
}

// Rows that wait for a word: j and k move among them, y and n press the buttons of the one that has the focus.
document.documentElement.classList.add("scripted");
document.addEventListener("keydown", (event) => {
  const list = document.querySelector("[data-keys]"), focused = document.activeElement;
  if (!list || event.ctrlKey || event.metaKey || event.altKey || focused.matches("input, textarea, select")) return;
  const rows = [...list.children], place = rows.findIndex((row) => row.contains(focused));
  if (event.key === "j" || event.key === "k") (rows[place + (event.key === "j" ? 1 : -1)] || rows[Math.max(place, 0)]).focus();
  if (place >= 0 && (event.key === "y" || event.key === "n")) rows[place].querySelector(`[data-key="${event.key}"]`).click();
});
