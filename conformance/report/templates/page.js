"use strict";
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  document.documentElement.classList.add("js");

  const island = $("#complaints");
  const complaints = island ? JSON.parse(island.textContent) : {};
  const vendors = $$(".vendor");
  const findings = $$(".finding").map((element) => ({
    element,
    vendor: element.closest(".vendor").dataset.vendor,
    dimension: element.dataset.dimension,
    level: element.dataset.level,
    clients: element.dataset.clients.split("|"),
    id: $("article", element).id,
    words: null,
  }));
  const names = ["vendor", "dimension", "level", "client", "q"];
  const form = $(".filters");
  const shown = $(".shown");
  const levels = { must: ["must"], should: ["must", "should"], note: ["note"] };

  // --- filters: the fragment holds the state, so that a link shows what its sender saw

  const read = () => {
    const hash = location.hash.slice(1);
    return hash.includes("=") ? Object.fromEntries(new URLSearchParams(hash)) : null;
  };
  const state = () => Object.fromEntries(names.map((name) => [name, form.elements[name].value.trim()]));
  const words = (finding) => (finding.words ??= finding.element.textContent.toLowerCase());
  const indexFrom = (at) => (deadline) => {
    while (at < findings.length && deadline.timeRemaining() > 2) words(findings[at++]);
    if (at < findings.length) requestIdleCallback(indexFrom(at));
  };
  const admits = (finding, wanted, terms) =>
    (!wanted.vendor || finding.vendor === wanted.vendor) &&
    (!wanted.dimension || finding.dimension === wanted.dimension) &&
    (!wanted.level || (levels[wanted.level] || []).includes(finding.level)) &&
    (!wanted.client || finding.clients.includes(wanted.client)) &&
    terms.every((term) => words(finding).includes(term));

  const visible = () => findings.filter((finding) => !finding.element.hidden).map((finding) => finding.element);
  const opener = $("#open-all");
  const allOpen = () => visible().every((element) => element.open);
  const label = () => {
    opener.textContent = allOpen() ? "Fold all" : "Open all";
    opener.disabled = !visible().length;
  };
  const openAll = () => {
    const open = !allOpen();
    for (const element of visible()) element.open = open;
    label();
  };

  const apply = () => {
    const wanted = state();
    const terms = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
    const filtered = names.some((name) => wanted[name]);
    const left = new Map();
    let count = 0;
    for (const finding of findings) {
      const yes = admits(finding, wanted, terms);
      if (finding.element.hidden === yes) finding.element.hidden = !yes;
      if (yes) {
        count += 1;
        left.set(finding.vendor, true);
      }
    }
    for (const vendor of vendors) vendor.hidden = filtered && !left.has(vendor.dataset.vendor);
    $("#nothing-left").hidden = !filtered || count > 0;
    label();
    shown.textContent = filtered ? `${count} of ${findings.length} findings` : `${findings.length} findings`;
  };
  const remember = () => {
    const kept = Object.entries(state()).filter(([, value]) => value);
    const hash = kept.length ? `#${new URLSearchParams(kept)}` : "#findings";
    history.replaceState(null, "", hash);
  };
  const set = (wanted) => {
    for (const name of names) form.elements[name].value = wanted[name] || "";
    for (const select of $$("select", form)) if (select.selectedIndex < 0) select.selectedIndex = 0;
    apply();
  };
  const change = () => {
    remember();
    apply();
  };

  // --- going to a place: whatever folds it away is opened, whatever hides it is cleared

  const reveal = (id) => {
    const target = id && document.getElementById(id);
    if (!target) return;
    if (target.closest("[hidden]") && form) set({});
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    target.scrollIntoView({ block: target.tagName === "ARTICLE" ? "center" : "start" });
    const open = target.closest(".finding");
    if (open) {
      for (const before of $$(".is-target")) before.classList.remove("is-target");
      open.classList.add("is-target");
      open.scrollIntoView({ block: "start" });
      current = open;
    }
  };
  const follow = () => {
    const wanted = read();
    if (wanted && form) {
      set(wanted);
      if (!vendors.some((vendor) => !vendor.hidden)) return;
      $("#findings").scrollIntoView();
    } else reveal(decodeURIComponent(location.hash.slice(1)));
  };

  // --- copying

  const complaint = (finding) => {
    const article = $("article", finding);
    const exchange = document.getElementById(($(".to-exchange", article)?.hash || "").slice(1));
    const quoted = document.getElementById(article.dataset.quoted || "") || exchange;
    const texts = {
      curl: $(".curl", article)?.textContent || "",
      request: (quoted && $(".request", quoted)?.textContent) || "",
      response: $(".extract", article)?.textContent || "",
    };
    return (complaints[article.id] || "").replace(/\{\{(curl|request|response)\}\}/g, (_, slot) => texts[slot]);
  };
  const link = (finding) => `${location.href.split("#")[0]}#${$("article", finding).id}`;
  const texts = {
    complaint,
    link,
    curl: (finding) => $(".curl", finding).textContent,
  };
  const byHand = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("refused");
  };
  const copy = async (finding, what) => {
    const text = texts[what](finding);
    const button = $(`[data-copy=${what}]`, finding);
    const before = (button.dataset.label ??= button.textContent);
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      try {
        byHand(text);
      } catch {
        said = "Could not copy";
      }
    }
    button.textContent = said;
    setTimeout(() => { button.textContent = before; }, 1500);
  };

  // --- keys

  let current = null;
  const step = (by) => {
    const there = visible();
    if (!there.length) return;
    const at = there.indexOf(current?.isConnected && !current.hidden ? current : null);
    current = there[at < 0 ? (by > 0 ? 0 : there.length - 1) : Math.min(Math.max(at + by, 0), there.length - 1)];
    $("summary", current).focus({ preventScroll: true });
    current.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    "/": () => form.elements.q.focus(),
    j: () => step(1),
    k: () => step(-1),
    c: () => current && copy(current, "complaint"),
    l: () => current && copy(current, "link"),
    Escape: () => { set({}); remember(); },
  };
  const onKey = (event) => {
    const typing = event.target.matches?.("input, select, textarea");
    if (event.ctrlKey || event.metaKey || event.altKey || (typing && event.key !== "Escape")) return;
    if (!keys[event.key] || (event.key !== "Escape" && !$("#keys-on").checked)) return;
    event.preventDefault();
    if (typing) event.target.blur();
    keys[event.key]();
  };

  // --- the log: pytest-html's own script, started when it is wanted

  const startLog = () => {
    const body = $("#log-body");
    if (!body.hidden) return;
    body.hidden = false;
    $("#data-container").dataset.jsonblob = $("#log-data").textContent;
    const script = document.createElement("script");
    script.textContent = $("#log-script").textContent;
    const place = location.href;
    body.append(script);
    history.replaceState(null, "", place);
  };

  // --- printing: nothing that is printed is folded; the log and whole exchanges are not printed

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = $$("details:not([open])").filter((fold) => !fold.closest("#log, .exchanges, .keys"));
    for (const fold of folded) fold.open = true;
  });
  addEventListener("afterprint", () => { for (const fold of folded) fold.open = false; });

  document.addEventListener("click", (event) => {
    const cell = event.target.closest?.(".cell > a");
    const button = event.target.closest?.("[data-copy]");
    const anchor = event.target.closest?.('a[href^="#"]');
    if (cell) {
      event.preventDefault();
      set({ vendor: cell.dataset.vendor, dimension: cell.dataset.dimension });
      remember();
      $("#findings").scrollIntoView();
    } else if (button) {
      copy(button.closest(".finding"), button.dataset.copy);
    } else if (anchor && anchor.hash === location.hash) {
      event.preventDefault();
      reveal(anchor.hash.slice(1));
    }
  });
  if (form) {
    form.addEventListener("input", change);
    opener.addEventListener("click", openAll);
    for (const finding of findings) finding.element.addEventListener("toggle", label);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(change));
    document.addEventListener("keydown", onKey);
    document.addEventListener("focusin", (event) => { current = event.target.closest?.(".finding") || current; });
    apply();
    if (window.requestIdleCallback) requestIdleCallback(indexFrom(0));
  }
  $("#log-fold")?.addEventListener("toggle", startLog);
  addEventListener("hashchange", follow);
  follow();
})();
