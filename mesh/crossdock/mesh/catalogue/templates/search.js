"use strict";
// Filters what is on the page already: nothing is loaded, so it works from a file.
(function () {
  const box = document.getElementById("search");
  if (!box) return;
  const count = document.getElementById("count");
  const groups = Array.from(document.querySelectorAll("[data-group]"), (group) => ({
    element: group,
    cards: Array.from(group.querySelectorAll("[data-search]"), (card) => ({
      element: card,
      text: card.dataset.search.toLowerCase(),
    })),
  }));
  function filter() {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const group of groups) {
      let any = false;
      for (const card of group.cards) {
        const fits = words.every((word) => card.text.includes(word));
        card.element.hidden = !fits;
        any = any || fits;
        shown += fits ? 1 : 0;
      }
      group.element.hidden = !any;
    }
    count.textContent = words.length ? shown + " found" : "";
  }
  box.addEventListener("input", filter);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== box) {
      event.preventDefault();
      box.focus();
    }
  });
  filter();
})();
