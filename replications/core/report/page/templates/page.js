// Sorting, paging and search are DataTables'; here: which rows the filters let through, and folds.
const form = document.getElementById("filters");
const names = [...form.elements].filter((field) => field.name).map((field) => field.name);
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", follow);
follow();

const table = new DataTable("#table", {
  autoWidth: false,
  order: [],
  pageLength: 25,
  lengthMenu: [25, 100, { label: "all", value: -1 }],
  layout: { topStart: "search", topEnd: "pageLength", bottomStart: "info", bottomEnd: "paging" },
  language: {
    search: "Search ",
    searchPlaceholder: "words, a paper, a metric",
    lengthMenu: "_MENU_ claims a page",
    info: "_START_ to _END_ of _TOTAL_ claims",
    infoEmpty: "no claims",
    infoFiltered: "(of _MAX_)",
    zeroRecords: "No claim is so.",
  },
});
table.search.fixed("filters", (_text, _cells, index) => {
  const row = table.row(index).node().dataset;
  return names.every((name) => !form.elements[name].value || form.elements[name].value === row[name]);
});

function unfolded(row) {
  const content = document.getElementById(`detail-${row.node().id}`).content.cloneNode(true);
  for (const place of content.querySelectorAll("[data-story]")) {
    place.append(document.getElementById(place.dataset.story).content.cloneNode(true));
  }
  return content.firstElementChild;
}

function fold(row, open) {
  if (open && !row.child()) row.child(unfolded(row), "unfolded");
  if (open) row.child.show();
  else if (row.child()) row.child.hide();
  row.node().querySelector(".fold").setAttribute("aria-expanded", open);
}

table.on("click", "button.fold", (event) => {
  const row = table.row(event.target.closest("tr"));
  fold(row, !row.child.isShown());
});

// The address says what is shown: #paper=lee2015&verdict=open, or #claim=lee2015.<claim>.
function read() {
  const told = new URLSearchParams(location.hash.slice(1));
  if (told.has("claim")) return show(`claim-${told.get("claim")}`);
  if (!names.some((name) => told.has(name))) return;
  choose(told);
  table.search("").draw();
  document.getElementById("claims").scrollIntoView();
}

function choose(told) {
  for (const name of names) form.elements[name].value = told.get(name) ?? "";
}

function show(id) {
  choose(new URLSearchParams());
  table.search("").order([]).draw();
  const row = table.row((_index, _cells, node) => node.id === id);
  if (!row.any()) return;
  const place = table.rows({ order: "applied" }).indexes().toArray().indexOf(row.index());
  const length = table.page.len();
  table.page(length > 0 ? Math.floor(place / length) : 0).draw("page");
  fold(row, true);
  row.node().scrollIntoView();
  row.node().querySelector(".fold").focus({ preventScroll: true });
}

function write() {
  const told = new URLSearchParams();
  for (const name of names) if (form.elements[name].value) told.set(name, form.elements[name].value);
  history.replaceState(null, "", told.size ? `#${told}` : "#claims");
  table.draw();
}

form.addEventListener("change", write);
form.addEventListener("reset", () => setTimeout(() => (table.search(""), write())));
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", read);
table.draw();
read();

// The other tables become sortable when they come near the screen.
const near = new IntersectionObserver((seen) => {
  for (const { target } of seen.filter((entry) => entry.isIntersecting)) {
    near.unobserve(target);
    new DataTable(target.querySelector("table"), {
      autoWidth: false, paging: false, info: false, order: [],
      layout: { topStart: "search", topEnd: null }, language: { search: "Search " },
    });
  }
}, { rootMargin: "1500px" });
document.querySelectorAll(".tall").forEach((place) => near.observe(place));

// On paper every claim that the filters let through.
let before = table.page.len();
addEventListener("beforeprint", () => {
  before = table.page.len();
  table.page.len(-1).draw();
});
addEventListener("afterprint", () => table.page.len(before).draw());
document.documentElement.dataset.ready = Math.round(performance.now()); // ms since it was asked for
