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
