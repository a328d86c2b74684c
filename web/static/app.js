// The console works without this file; it adds copy buttons, dialogs, a reminder to save a new token, and parts that
// stay fresh.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const live = () => document.getElementById("live");
  const say = (text) => {
    const region = live();
    if (region) {
      region.textContent = "";
      window.setTimeout(() => { region.textContent = text; }, 50);
    }
  };

  let unsaved = Boolean(document.querySelector("[data-unsaved]"));
  window.addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });

  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    const label = button.querySelector("[data-label]");
    const words = label.dataset.words || label.textContent;
    label.dataset.words = words;
    try {
      await navigator.clipboard.writeText(source.textContent);
      if (source.closest("[data-unsaved]")) unsaved = false;
      say(button.dataset.copied);
      label.textContent = "Copied";
      window.setTimeout(() => { label.textContent = words; }, 2000);
    } catch {
      select(source);
      say("Copying did not work. The text is selected: copy it with the keyboard.");
    }
  };

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const button = event.target.closest("button[data-copy]");
    if (button) {
      copy(button);
      return;
    }
    // A small button copies what stands before it.
    const mini = event.target.closest("[data-copy-before]");
    if (mini) {
      const value = mini.previousElementSibling;
      navigator.clipboard.writeText(value.textContent).then(() => {
        say(`${value.textContent} copied.`);
        mini.dataset.copied = "";
        window.setTimeout(() => { delete mini.dataset.copied; }, 2000);
      }, () => select(value));
      return;
    }
    if (event.target.closest("[data-saved]")) unsaved = false;
    const opener = event.target.closest("a[data-dialog]");
    const dialog = opener && document.getElementById(opener.dataset.dialog);
    if (dialog && typeof dialog.showModal === "function" && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      dialog.showModal();
      return;
    }
    const closer = event.target.closest("[data-close]");
    const open = closer && closer.closest("dialog");
    if (open) {
      event.preventDefault();
      open.close();
    }
  });

  // Parts of the page that the server keeps fresh, but for the time in which somebody has paused them or does not look.
  for (const box of document.querySelectorAll("[data-live]")) {
    const pause = document.querySelector(`[data-pause="${box.id}"]`);
    const state = document.querySelector(`[data-state-of="${box.id}"]`);
    const tell = (text) => { if (state) state.textContent = text; };
    const rests = () => document.hidden || (pause && pause.getAttribute("aria-pressed") === "true");
    let source = null;
    let last = "";
    const take = (event) => {
      if (event.lastEventId) last = event.lastEventId;
      const focused = document.activeElement && box.contains(document.activeElement) ? document.activeElement.id : "";
      if (box.dataset.liveMode === "prepend") {
        document.querySelectorAll("[data-waiting]").forEach((waiting) => waiting.remove());
        box.insertAdjacentHTML("afterbegin", event.data);
        while (box.children.length > 200) box.lastElementChild.remove();
      } else {
        box.innerHTML = event.data;
        const again = focused && document.getElementById(focused);
        if (again) again.focus();
      }
      if (window.htmx) window.htmx.process(box);
      // Of a part that is replaced as a whole, what is new is said once.
      const news = box.querySelector("[data-say]");
      if (news && news.dataset.say !== box.dataset.said) {
        if (box.dataset.said) say(news.dataset.say);
        box.dataset.said = news.dataset.say;
      }
    };
    const follow = () => {
      if (source) source.close();
      source = null;
      if (rests()) {
        tell("Paused");
        return;
      }
      const url = new URL(box.dataset.live, document.baseURI);
      if (last) url.searchParams.set("after", last);
      source = new EventSource(url);
      source.onopen = () => tell("Live");
      source.onmessage = take;
      source.onerror = (event) => tell(event.target.readyState === 2 ? "Not live: load the page again" : "Connecting…");
    };
    if (pause) {
      pause.addEventListener("click", () => {
        pause.setAttribute("aria-pressed", String(pause.getAttribute("aria-pressed") !== "true"));
        follow();
      });
    }
    document.addEventListener("visibilitychange", follow);
    follow();
  }

  // On a narrow screen the row of tabs is longer than the screen.
  const tab = document.querySelector(".tabs [aria-current]");
  const tabs = tab && tab.closest("ul");
  if (tabs) tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;

  // What is wrong with a form takes the focus, so that it is read first.
  const first = document.getElementById("problems") || document.querySelector("[data-focus]");
  if (first) first.focus();
})();
