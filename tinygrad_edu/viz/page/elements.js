// The elements of the page, and how they are written.
const byId = (id) => document.getElementById(id);

// Write only what changed.
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function set(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

function mark(element, classes) {
  for (const [name, on] of Object.entries(classes)) element.classList.toggle(name, Boolean(on));
}

const written = new WeakMap();
function rebuild(parent, content, build) {
  const key = JSON.stringify(content, (_, part) => part?.tree || part);
  if (written.get(parent) === key) return;
  written.set(parent, key);
  parent.replaceChildren(...content.flatMap(build));
}

// A formula is built element by element: no text is ever parsed as markup.
const tags = {
  m: "math", r: "mrow", f: "mfrac", p: "msup", b: "msub", q: "msqrt", i: "mi", n: "mn", o: "mo", t: "mtext",
};
function mathml(tree) {
  const token = typeof tree === "string";
  const element = document.createElementNS("http://www.w3.org/1998/Math/MathML", tags[tree[0]]);
  if (token) element.textContent = tree.slice(1);
  else element.append(...tree.slice(1).map(mathml));
  return element;
}

function made(tag, ...content) {
  const element = document.createElement(tag);
  element.append(...content);
  return element;
}

// A term and what it says: a text, or a formula.
function entry([term, content]) {
  const terms = term ? [made("dt", term)] : [];
  if (typeof content !== "string") {
    const math = mathml(["m", content.tree]);
    math.setAttribute("displaystyle", "true");
    return [...terms, made("dd", math)];
  }
  const text = made("dd", content);
  text.className = "exact";
  return [...terms, text];
}
