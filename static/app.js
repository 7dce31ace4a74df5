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
    const pop = link.closest("[popover]");
    if (!dialog || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    if (pop) pop.hidePopover();
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

  // Shortcuts of one letter; the account menu switches them off (WCAG 2.1.4).
  // "/" goes to the search of the page or of everything, "g" and a letter to a page of the menu.
  let went = 0;
  const showShortcuts = () => document.getElementById("shortcuts")?.showModal();
  const search = () => {
    const all = document.querySelector("[data-search-all]");
    const field = document.querySelector("main [data-search]") || all;
    if (field?.checkVisibility()) field.focus();
    else if (all) location.assign(all.form.action);
  };
  const shortcut = (key) => {
    const going = Date.now() - went < 1500;
    went = 0;
    if (going) {
      const link = document.querySelector(`.menu [data-key="${CSS.escape(key)}"]`);
      if (link) location.assign(link.href);
      return Boolean(link);
    }
    if (key === "g") went = Date.now();
    else if (key === "/") search();
    else if (key === "?") showShortcuts();
    else return false;
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if (document.documentElement.dataset.keys === "off" || event.key.length > 1) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")) return;
    if (document.querySelector("dialog[open]")) return;
    if (shortcut(event.key)) event.preventDefault();
  });

  // The zone that the browser is in, offered where another one is chosen.
  const offer = document.querySelector("[data-zone-offer]");
  if (offer) {
    const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const option = document.querySelector(`#zone-name option[value="${CSS.escape(name)}"]`);
    if (option && !option.selected) {
      offer.querySelector("[data-zone-name]").textContent = name.replaceAll("_", " ");
      offer.querySelector("button").value = name;
      offer.hidden = false;
    }
  }

  // On paper the numbers beneath a picture stand open.
  const folded = () => document.querySelectorAll(".chart-table:not([open])");
  addEventListener("beforeprint", () => {
    for (const details of folded()) { details.open = true; details.dataset.folded = ""; }
  });
  addEventListener("afterprint", () => {
    for (const details of document.querySelectorAll("[data-folded]")) {
      details.open = false;
      delete details.dataset.folded;
    }
  });

  // htmx: a form that was refused comes back as 422 and is shown like any other answer.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status === 422) event.detail.shouldSwap = true;
  });
  // A session that ended answers with the sign-in page: go there instead of showing it in a table.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (/\/(sign-in|second-step|account)\//.test(event.detail.xhr.responseURL)) {
      event.preventDefault();
      location.reload();
    }
  });

  const show = (root) => { showCopyButtons(root); showTicks(root); };
  show(document);
  document.addEventListener("htmx:load", (event) => show(event.detail.elt));
})();
