// The inputs: every number that was given can be typed, dragged and stepped by keys, and all that follows from it follows.
// The address of the page tells the numbers that were changed, and the step, so that it can be sent to others.

const original = [...computation.given];
const fields = new Map(); // of each leaf its number field and its slider

function setUpInputs() {
  byId("changes").hidden = Boolean(computation.fixed);
  byId("fixed").textContent = computation.fixed && `The numbers on this page stand still: ${computation.fixed}.`;
  if (computation.fixed) return;
  for (const leaf of computation.leaves) {
    const { name, role } = computation.nodes[leaf];
    const label = made("label", mathml(["m", name.tree]));
    const [field, slider] = [made("input"), made("input")];
    const line = made("div", label, field, slider);
    line.className = `input ${role}`;
    [field.type, field.inputMode, field.spellcheck, field.autocomplete] = ["text", "decimal", false, "off"];
    field.setAttribute("aria-label", `${name.text}, ${role}`);
    field.id = label.htmlFor = `x${leaf}`;
    const reach = span(original[leaf]);
    [slider.type, slider.min, slider.max, slider.step] = ["range", -reach, reach, reach / 100];
    slider.setAttribute("aria-label", `slide ${name.text}`);
    byId("leaves").append(line);
    fields.set(leaf, { field, slider, line });
    field.addEventListener("input", () => typed(leaf));
    field.addEventListener("blur", () => settle(leaf));
    field.addEventListener("keydown", (event) => {
      const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (event.key === "Enter" || event.key === "Escape") settle(leaf);
      if (!direction) return;
      event.preventDefault();
      change({ [leaf]: stepped(computation.given[leaf], direction * (event.shiftKey ? 10 : 1)) });
    });
    slider.addEventListener("input", () => change({ [leaf]: Number(slider.value) }));
    settle(leaf);
  }
  byId("reset").addEventListener("click", () => {
    forgetDescent();
    change({ ...original });
  });
}

// Show the fields of those leaves that are in the scene.
function showFields() {
  for (const [leaf, { line }] of fields) line.hidden = !scene.leaves.includes(leaf);
  byId("changes").open = scene.leaves.length <= 8;
  if (byId("changes").offsetHeight > byId("panel").clientHeight / 4) byId("changes").open = false; // room for the step
}

// How far the slider reaches: some times as far as the number that was given, but at least from -2 to 2.
function span(x) {
  const reach = Math.max(2, 2 * Math.abs(Number.isFinite(x) ? x : 1));
  const size = 10 ** Math.floor(Math.log10(reach));
  return Math.ceil(reach / size) * size;
}

// A number one step of its last digit but one further: 0.5, 0.51; 30, 31.
function stepped(x, steps) {
  const size = 10 ** Math.max(-2, Math.floor(Math.log10(Math.abs(x) || 1)) - 1);
  return Number((x + steps * Math.min(size, 1)).toFixed(6));
}

// A number as people type it, with a decimal comma and a long minus sign too; NaN for anything else.
function read(text) {
  const plain = text.trim().replace(",", ".").replace("−", "-");
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

function typed(leaf) {
  const { field } = fields.get(leaf);
  const x = read(field.value);
  field.setAttribute("aria-invalid", String(!Number.isFinite(x)));
  if (Number.isFinite(x)) change({ [leaf]: x }, leaf);
}

// Show in its field the number that a leaf has.
function settle(leaf) {
  const { field, slider } = fields.get(leaf);
  field.value = String(Number(computation.given[leaf].toPrecision(6))).replace("-", "−");
  field.removeAttribute("aria-invalid");
  slider.value = computation.given[leaf];
}

// Give leaves other numbers, and bring everything up to date.
function change(numbers, typing = null) {
  for (const [leaf, x] of Object.entries(numbers)) computation.given[leaf] = x;
  computation.compute();
  forgetQuestions(); // which were about other numbers
  tell();
  for (const leaf of fields.keys()) {
    if (leaf !== typing) settle(leaf);
  }
  byId("reset").disabled = computation.leaves.every((leaf) => Object.is(computation.given[leaf], original[leaf]));
  remember();
}

// ---- the address ----

function remember() {
  const state = new URLSearchParams();
  for (const leaf of computation.leaves) {
    if (computation.given[leaf] !== original[leaf]) state.set(computation.nodes[leaf].name.text, computation.given[leaf]);
  }
  if (scene.name) state.set("in", scene.name);
  if (at) state.set("step", at);
  if (location.protocol === "about:") return; // inside of a notebook there is no address
  history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
}

// Go to the state that the address tells; names that are not on the page and what is no number do not count.
function recall() {
  const state = new URLSearchParams(location.hash.slice(1));
  const numbers = {};
  for (const leaf of fields.keys()) {
    const x = read(state.get(computation.nodes[leaf].name.text) ?? "");
    numbers[leaf] = Number.isFinite(x) ? x : original[leaf];
  }
  const step = Number(state.get("step")) || 0;
  const name = state.get("in") || "";
  stage(scenes.find((each) => each.name === name) || scenes[0]);
  change(numbers);
  show(step);
}
