// Sorting, paging and search are DataTables'; here: which rows the filters let through, and folds.
const form = document.getElementById("filters");
const names = [...form.elements].filter((field) => field.name).map((field) => field.name);
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", follow);
follow();

const told = (id) => JSON.parse(document.getElementById(id).textContent);
const labels = ["", "", "", "paper", "stored", "yours", "yours agrees"]; // of cells, on a phone
const column = (label, i) => ({
  data: { _: `cells.${i}`, sort: `orders.${i}`, type: `orders.${i}`, filter: i ? `cells.${i}` : "words" },
  cellType: i ? "td" : "th",
  searchable: i !== 2,
  createdCell(cell) {
    cell.setAttribute("role", i ? "cell" : "rowheader");
    if (!i) cell.scope = "row";
    if (label) cell.dataset.label = label;
  },
});
const table = new DataTable("#table", {
  data: told("rows"),
  columns: labels.map(column),
  rowId: "id",
  createdRow(row, data) {
    row.setAttribute("role", "row");
    Object.assign(row.dataset, data.filters);
  },
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
table.search.fixed("filters", (_text, { filters }) =>
  names.every((name) => !form.elements[name].value || form.elements[name].value === filters[name]));

let details = null; // read when the first claim is unfolded

function unfolded(row) {
  details ??= told("details");
  const content = document.createElement("template");
  content.innerHTML = details.claims[row.id()];
  for (const place of content.content.querySelectorAll("[data-story]")) {
    place.innerHTML = details.stories[place.dataset.story];
  }
  return content.content.firstElementChild;
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
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (wanted.has("claim")) return show(`claim-${wanted.get("claim")}`);
  if (!names.some((name) => wanted.has(name))) return;
  choose(wanted);
  table.search("").draw();
  document.getElementById("claims").scrollIntoView();
}

function choose(wanted) {
  for (const name of names) form.elements[name].value = wanted.get(name) ?? "";
}

function show(id) {
  choose(new URLSearchParams());
  table.search("").order([]).draw();
  const row = table.row((_index, data) => data.id === id);
  if (!row.any()) return;
  const place = table.rows({ order: "applied" }).indexes().toArray().indexOf(row.index());
  const length = table.page.len();
  table.page(length > 0 ? Math.floor(place / length) : 0).draw("page");
  fold(row, true);
  row.node().scrollIntoView();
  row.node().querySelector(".fold").focus({ preventScroll: true });
}

function write() {
  const chosen = new URLSearchParams();
  for (const name of names) if (form.elements[name].value) chosen.set(name, form.elements[name].value);
  history.replaceState(null, "", chosen.size ? `#${chosen}` : "#claims");
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
