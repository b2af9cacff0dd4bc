// The view: the drawing and the panel beside it, which show one step.

let { steps, nodes } = story(computation);
const boxes = nodes.map((_, i) => byId("n" + i));
const drawing = byId("drawing");
const picture = drawing.querySelector("svg");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let at = 0;
let timer = null;

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

function list(parent, lines) {
  parent.replaceChildren();
  for (const [term, content] of lines) {
    if (term) {
      const dt = document.createElement("dt");
      dt.textContent = term;
      parent.append(dt);
    }
    const dd = document.createElement("dd");
    if (typeof content === "string") {
      dd.textContent = content;
      dd.className = "exact";
    } else {
      const math = mathml(["m", content.tree]);
      math.setAttribute("displaystyle", "true");
      dd.append(math);
    }
    parent.append(dd);
  }
}

function sign(element, [direction]) {
  element.classList.toggle("positive", direction > 0);
  element.classList.toggle("negative", direction < 0);
}

// Everything in the drawing follows from the steps up to the current one, whichever way one came to it.
function redraw() {
  boxes.forEach((box, i) => {
    box.classList.remove("current", "source", "known", "positive", "negative");
    box.classList.toggle("unknown", nodes[i].kind !== "constant");
    if (nodes[i].kind !== "constant") box.querySelector(".grad").textContent = "grad 0";
  });
  for (const wire of document.querySelectorAll(".wire")) {
    wire.classList.remove("reached", "current", "used", "positive", "negative");
    wire.querySelector("path").style.strokeWidth = "";
  }
  steps.slice(0, at + 1).forEach((step, i) => {
    for (const shown of step.shows || []) boxes[shown].classList.remove("unknown");
    for (const [node, text, ...strength] of step.grads || []) {
      boxes[node].querySelector(".grad").textContent = "grad " + text;
      boxes[node].classList.add("known");
      sign(boxes[node], strength);
      boxes[node].querySelector(".tint").setAttribute("fill-opacity", 0.12 + 0.5 * strength[1]);
    }
    if (step.edge) {
      const wire = byId("e" + step.edge);
      wire.classList.add("reached");
      sign(wire, step.flow);
      wire.querySelector("path").style.strokeWidth = 1.5 + 4 * step.flow[1];
      wire.classList.toggle("current", i === at);
    }
  });
  boxes.forEach((box, i) => {
    if (nodes[i].kind === "constant") return;
    const heard = [nodes[i].name, nodes[i].kind];
    if (!box.classList.contains("unknown")) heard.push(box.querySelector(".data").textContent);
    if (box.classList.contains("known")) heard.push(box.querySelector(".grad").textContent);
    box.setAttribute("aria-label", heard.join(", "));
  });
}

// Take another story of the same graph, and stay at the step.
function tell(told) {
  ({ steps, nodes } = told);
  const chosen = boxes.findIndex((box) => box.classList.contains("chosen"));
  for (const [i, { name, kind, number }] of nodes.entries()) {
    if (kind !== "constant") write(boxes[i].querySelector(".data"), `data ${Number.isNaN(number) ? "?" : shortNumber(number)}`);
  }
  for (const { edge, use } of steps) {
    if (edge) write(byId("e" + edge).querySelector(".local"), `× ${shortNumber(use.local)}`);
  }
  byId("slider").max = steps.length - 1;
  show(at);
  if (chosen >= 0) choose(chosen);
}

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function show(step) {
  forget();
  at = Math.max(0, Math.min(step, steps.length - 1));
  const now = steps[at];
  const back = now.phase === "backward";
  redraw();
  picture.classList.toggle("backward", back);
  byId("phase").textContent = back ? "Backward pass" : "Forward pass";
  byId("count").textContent = `step ${at + 1} of ${steps.length}`;
  byId("title").textContent = now.title;
  byId("words").textContent = now.words;
  list(byId("lines"), now.lines);
  const slider = byId("slider");
  slider.value = at;
  slider.setAttribute("aria-valuetext", `Step ${at + 1} of ${steps.length}: ${now.title}`);
  byId("first").disabled = byId("previous").disabled = at === 0;
  byId("last").disabled = byId("next").disabled = at === steps.length - 1;
  if (at === steps.length - 1) pause();
  if (now.node === undefined) return;
  boxes[now.node].classList.add("current");
  for (const source of now.from || []) boxes[source].classList.add("source");
  if (!back) {
    for (const wire of document.querySelectorAll(`[id^="e${now.node}_"]`)) wire.classList.add("used");
  }
  bring(boxes[now.node]);
}

// Scroll the drawing, and nothing else, so that the box is well inside it.
function bring(box) {
  const inner = box.getBoundingClientRect();
  const outer = drawing.getBoundingClientRect();
  const shift = (low, high, from, to) => (low < from ? low - from : high > to ? high - to : 0);
  const left = shift(inner.left - 60, inner.right + 60, outer.left, outer.right);
  const top = shift(inner.top - 30, inner.bottom + 30, outer.top, outer.bottom);
  drawing.scrollBy({ left, top, behavior: calm.matches ? "auto" : "smooth" });
}

function pause() {
  clearInterval(timer);
  timer = null;
  byId("play").setAttribute("aria-pressed", "false");
  byId("play").setAttribute("aria-label", "Play");
}

function play() {
  if (timer !== null) return pause();
  if (at === steps.length - 1) show(0);
  timer = setInterval(() => show(at + 1), 2000);
  byId("play").setAttribute("aria-pressed", "true");
  byId("play").setAttribute("aria-label", "Pause");
}

function choose(i) {
  const node = nodes[i];
  if (node.kind === "constant") return;
  boxes.forEach((box, j) => box.classList.toggle("chosen", i === j));
  byId("about-name").textContent = node.name;
  byId("about-kind").textContent = node.kind;
  const lines = [["value", node.value]];
  lines.push(...node.computed);
  lines.push(["gradient", node.gradient], ...node.parts);
  list(byId("about-lines"), lines);
  byId("about-check").textContent = node.check;
  byId("step").hidden = true;
  byId("about").hidden = false;
  byId("panel").scrollTop = 0;
}

// Back from what was chosen to the step.
function forget() {
  const chosen = document.querySelector(".node.chosen");
  if (chosen) chosen.classList.remove("chosen");
  byId("about").hidden = true;
  byId("step").hidden = false;
  return chosen;
}

function close() {
  const inside = byId("about").contains(document.activeElement);
  const chosen = forget();
  if (chosen && inside) chosen.focus({ preventScroll: true });
}

// The drawing fills its place, but its text stays readable: a large one is scrolled.
function fit() {
  const { width, height } = picture.viewBox.baseVal;
  const room = Math.min((drawing.clientWidth - 32) / width, (drawing.clientHeight - 32) / height);
  const whole = byId("whole").getAttribute("aria-pressed") === "true";
  const scale = Math.max(whole ? 0.05 : 0.8, Math.min(room, 1.7));
  byId("whole").hidden = room >= 0.8;
  picture.style.width = width * scale + "px";
  picture.style.height = height * scale + "px";
}

const go = (step) => () => {
  pause();
  show(step());
};
const actions = {
  first: go(() => 0),
  previous: go(() => at - 1),
  next: go(() => at + 1),
  last: go(() => steps.length - 1),
  play,
  close,
};
for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
byId("slider").max = steps.length - 1;
byId("slider").addEventListener("input", (event) => go(() => Number(event.target.value))());

const keys = { ArrowLeft: "previous", ArrowRight: "next", Home: "first", End: "last", Escape: "close" };
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || (event.target === byId("slider") && event.key !== "Escape")) return;
  if (event.key === " " && !event.target.closest("button, .node")) {
    event.preventDefault();
    play();
  } else if (keys[event.key]) {
    event.preventDefault();
    actions[keys[event.key]]();
  }
});
boxes.forEach((box, i) => {
  box.addEventListener("mousedown", (event) => event.preventDefault()); // keep the focus, and the space bar for play
  box.addEventListener("click", () => choose(i));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(i);
      byId("close").focus();
    }
  });
});
byId("whole").addEventListener("click", () => {
  const pressed = byId("whole").getAttribute("aria-pressed") === "true";
  byId("whole").setAttribute("aria-pressed", String(!pressed));
  byId("whole").textContent = pressed ? "Whole graph" : "Readable size";
  fit();
  const current = document.querySelector(".node.current");
  if (current) bring(current);
});
addEventListener("resize", fit);
fit();
setUpInputs();
addEventListener("hashchange", recall);
recall();
