// What HTML cannot do by itself. Every page works without this file.
"use strict";
(() => {
  const announce = (text) => {
    const region = document.getElementById("announce");
    region.textContent = "";
    requestAnimationFrame(() => { region.textContent = text; });
  };

  // Copy buttons: shown only where they can work. The value stands in an input beside them.
  const showCopyButtons = (root) => {
    for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
  };
  const copy = async (button) => {
    const input = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(input.value);
    } catch { // not a secure address: the older way
      input.select();
      if (!document.execCommand("copy")) return announce("Press Ctrl+C to copy the selected text");
      button.focus();
    }
    const word = button.querySelector("span");
    const before = word.innerHTML;
    word.textContent = "Copied";
    announce("Copied");
    setTimeout(() => { word.innerHTML = before; }, 2000);
  };

  // Links to a question open the same question as a dialog over the page.
  const ask = (event, link) => {
    const dialog = document.getElementById(link.dataset.dialog);
    if (!dialog || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    dialog.showModal(); // the browser returns the focus to the link by itself
  };

  // Appearance: at once, without losing what is on the page (a token that is shown once).
  const setScheme = (event, form) => {
    event.preventDefault();
    const value = event.submitter.value;
    if (value) document.documentElement.dataset.scheme = value;
    else delete document.documentElement.dataset.scheme;
    document.cookie = `scheme=${value}; path=/; max-age=${value ? 31536000 : 0}; samesite=lax`;
    for (const button of form.querySelectorAll("[aria-pressed]")) {
      button.setAttribute("aria-pressed", String(button === event.submitter));
    }
  };

  // Ticks in a table: "12 of 50 selected", all of the page at once, a range with Shift.
  const ticksOf = (form, name) => [...form.querySelectorAll(`input[type=checkbox][name="${name}"]`)];
  const showTicks = (root) => {
    for (const all of root.querySelectorAll("[data-select-all][hidden]")) all.hidden = false;
  };
  const tell = (form) => {
    for (const place of form.querySelectorAll("[data-selected]")) {
      const ticks = ticksOf(form, place.dataset.selected);
      place.textContent = `${ticks.filter((tick) => tick.checked).length} of ${ticks.length} selected`;
    }
  };
  let lastTick = null;
  const tick = (event, box) => {
    const all = box.closest("[data-select-all]");
    if (all) for (const one of ticksOf(box.form, all.dataset.selectAll)) one.checked = box.checked;
    const ticks = box.name ? ticksOf(box.form, box.name) : [];
    if (event.shiftKey && ticks.includes(lastTick)) {
      const [from, to] = [ticks.indexOf(lastTick), ticks.indexOf(box)].sort((a, b) => a - b);
      for (const one of ticks.slice(from, to + 1)) one.checked = box.checked;
    }
    lastTick = box;
    tell(box.form);
  };

  document.addEventListener("click", (event) => {
    if (event.target.matches("form .tick input[type=checkbox]")) tick(event, event.target);
    const button = event.target.closest("[data-copy]");
    if (button) return void copy(button);
    const link = event.target.closest("[data-dialog]");
    if (link) return ask(event, link);
    const close = event.target.closest("[data-close]");
    if (close) close.closest("dialog").close();
  });

  document.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-select]")) event.target.select();
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-scheme-form]")) return setScheme(event, form);
    if (form.method !== "post") return;
    // A second press while the first is under way would do the deed twice.
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
  });

  // "/" goes to the search of the page; the account menu switches it off (WCAG 2.1.4).
  document.addEventListener("keydown", (event) => {
    if (document.documentElement.dataset.keys === "off" || event.key !== "/") return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const search = document.querySelector("[data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
  });

  // htmx: a form that was refused comes back as 422 and is shown like any other answer.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status === 422) event.detail.shouldSwap = true;
  });
  // A session that ended answers with the sign-in page: go there instead of showing it in a table.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.responseURL.includes("/sign-in/")) {
      event.preventDefault();
      location.reload();
    }
  });

  const show = (root) => { showCopyButtons(root); showTicks(root); };
  show(document);
  document.addEventListener("htmx:load", (event) => show(event.detail.elt));
})();
