// The page: what is shown of the steps and the values, and what buttons and keys do.
const computation = new Computation(JSON.parse(byId("data").textContent), functions);
let steps, nodes; // its story: set by tell, and nowhere else
let scene, boxes, wires; // the drawing that is shown, its boxes and its arrows: set by stage
let at = 0; // the step that is shown
let chosen = null; // or all about the box or the arrow that has this id
let routes = null; // the paths to the chosen box, if they are listed
let route = -1; // which of them is lit
let timer = null; // of play

// Tell the story of the computation, for the first time or at other numbers, and stay at the step.
function tell() {
  const again = steps !== undefined;
  ({ steps, nodes } = scene.tell());
  update();
  if (again) say(`${nodes.at(-1).name} = ${nodes.at(-1).shown}`);
}

function update() {
  at = Math.max(0, Math.min(at, steps.length - 1));
  routes = routes && largestPaths(Number(chosen.slice(1)));
  showDrawing();
  showPanel();
}

// ---- the drawing ----

const LETTER = 8.9; // at most so wide, as svg.py has it
const partsOf = (whole, ...names) => Object.fromEntries(names.map((name) => [name, whole.querySelector("." + name)]));
function partsOfBox(box) {
  const parts = partsOf(box, "name", "data", "grad", "tint");
  const { x, width } = parts.tint?.getBBox() || { x: 0, width: 0 };
  return { box, room: 2 * (x + width - parts.name.getAttribute("x")) - 6, ...parts };
}
function partsOfWire(wire) {
  const [node, index] = wire.id.slice(1).split("_").map(Number);
  if (!wire.querySelector(".hit")) {
    const hit = wire.querySelector(".line").cloneNode(); // wide enough for a finger
    hit.setAttribute("class", "hit");
    wire.prepend(hit);
  }
  return { wire, node, index, ...partsOf(wire, "line", "local"), flow: wire.querySelector(".flow text") };
}
const signs = (direction) => ({ positive: direction > 0, negative: direction < 0 });
const flowsOn = (step, id) => step.flows?.some(([edge]) => "e" + edge === id);
const stepOf = (id) => steps.findIndex((step) => flowsOn(step, id));

// Everything follows from the steps up to the current one, whichever way one came to it.
function showDrawing() {
  const now = steps[at];
  const back = now.phase === "backward";
  const [shown, grads, flows] = [new Set(), new Map(), new Map()];
  for (const step of steps.slice(0, at + 1)) {
    for (const i of step.shows || []) shown.add(i);
    for (const [i, ...grad] of step.grads || []) grads.set(i, grad);
    for (const [edge, ...flow] of step.flows || []) flows.set("e" + edge, { flow, amount: step.use?.amount });
  }
  const lit = routes?.[route]?.edges || [];
  mark(picture, { backward: back, dimmed: lit.length });
  boxes.forEach((parts, i) => showBox(parts, i, shown.has(i), grads.get(i), lit));
  for (const parts of wires) {
    const { wire, node, index } = parts;
    mark(wire, {
      current: flowsOn(now, wire.id),
      used: !back && now.node === node,
      lit: lit.some(([i, k]) => i === node && k === index),
    });
    showWire(parts, flows.get(wire.id));
  }
}

// What is too long for its box gets narrower letters.
function writeInside(room, element, text) {
  if (element.textContent === text) return;
  element.textContent = text;
  element.removeAttribute("textLength");
  if (length(text) * LETTER <= room || element.getComputedTextLength() <= room) return;
  element.setAttribute("textLength", room);
  element.setAttribute("lengthAdjust", "spacingAndGlyphs");
}

function showBox({ box, room, name: label, data, grad, tint }, i, shown, slope, lit) {
  const { name, kind, shown: number } = nodes[i];
  const { node, from = [] } = steps[at];
  const [text, direction, strength] = slope || ["0", 0, 0];
  mark(box, {
    current: node === i,
    source: from.includes(i),
    lit: lit.some(([j, k]) => j === i || nodes[j].from[k] === i),
    chosen: chosen === box.id,
  });
  write(label, length(name) > 24 ? [...name].slice(0, 23).join("") + "…" : name);
  if (kind === "constant") return;
  mark(box, { unknown: !shown, known: slope, ...signs(direction) });
  writeInside(room, data, "data " + number);
  writeInside(room, grad, "grad " + text);
  set(tint, "fill-opacity", slope ? 0.12 + 0.5 * strength : 0);
  const heard = [name, kind];
  if (shown) heard.push(data.textContent);
  if (slope) heard.push(grad.textContent);
  set(box, "aria-label", heard.join(", "));
}

function showWire({ wire, node, index, line, local, flow }, back) {
  if (!local) return; // from a constant
  const [direction, strength] = back?.flow || [0, 0];
  const slope = nodes[node].locals[index];
  mark(wire, { reached: back, chosen: chosen === wire.id, ...signs(direction) });
  write(local, slope === undefined ? "" : "× " + shortNumber(slope));
  write(flow, back ? "−0+"[direction + 1] : "");
  set(line, "stroke-width", 1.5 + 4 * strength);
  const ends = `arrow from ${nodes[nodes[node].from[index]].name} to ${nodes[node].name}`;
  const heard = [ends];
  if (back && slope !== undefined) heard.push(`local derivative ${shortNumber(slope)}`);
  if (back?.amount !== undefined) heard.push(`${shortNumber(back.amount)} flows back`);
  set(wire, "aria-label", heard.join(", "));
}

// ---- the panel ----

function showPanel() {
  const { phase, title, words, lines } = steps[at];
  write(byId("phase"), phase === "backward" ? "Backward pass" : "Forward pass");
  write(byId("count"), `step ${at + 1} of ${steps.length}`);
  write(byId("title"), title);
  write(byId("words"), words);
  rebuild(byId("lines"), lines, entry);
  const slider = byId("slider");
  slider.max = steps.length - 1;
  slider.value = at;
  set(slider, "aria-valuetext", `Step ${at + 1} of ${steps.length}: ${title}`);
  byId("first").disabled = byId("previous").disabled = at === 0;
  byId("last").disabled = byId("next").disabled = at === steps.length - 1;
  byId("step").hidden = chosen !== null;
  byId("about").hidden = chosen === null;
  if (chosen !== null) showAbout(chosen.startsWith("n") ? aboutBox(Number(chosen.slice(1))) : aboutWire(chosen));
  byId("paths").hidden = !routes;
  set(byId("all"), "aria-expanded", Boolean(routes));
  if (routes) showPaths(Number(chosen.slice(1)));
}

function showAbout({ name, kind, lines, check, step, paths, opens }) {
  write(byId("about-name"), name);
  write(byId("about-kind"), kind);
  write(byId("about-check"), routes ? "" : check);
  rebuild(byId("about-lines"), routes ? [] : lines, entry);
  byId("open").hidden = !opens;
  if (opens) write(byId("open"), `Open ${opens.name}`);
  byId("go").hidden = step === undefined;
  byId("all").hidden = !paths;
}

function aboutBox(i) {
  const { name, kind, value, computed, gradient, parts, check } = nodes[i];
  const lines = [["value", value], ...computed, ["gradient", gradient], ...parts];
  const paths = scenes.length === 1 && i < nodes.length - 1 && nodes.every(({ from, locals }) => from.length === locals.length);
  return { name, kind, lines, check, paths, opens: scene.opens?.(i) };
}

function aboutWire(id) {
  const [i, k] = id.slice(1).split("_").map(Number);
  const name = `${scene.operand(i, k).text} → ${nodes[i].name}`;
  const step = steps[stepOf(id)];
  if (!step) return { name, kind: "Nothing flows back here: the backward pass ends before.", lines: [], check: "" };
  const { words, lines } = step.along?.(k) || step;
  return { name, kind: words, lines, check: "", step };
}

function showPaths(target) {
  const count = countPaths(target);
  const [from, to] = [nodes.at(-1).name, nodes[target].name];
  const paths = count === 1n ? "One path leads" : `${count.toLocaleString("en")} paths lead`;
  const shown = count > MAX_PATHS ? `, of which these ${MAX_PATHS} have the largest products` : "";
  write(byId("paths-title"), `${paths} from ${from} back to ${to}${shown}. Along each, local derivatives multiply:`);
  rebuild(byId("routes"), routes.map(inFormulas), ({ through, product }) => {
    const button = made("button", made("span", through.text), mathml(["m", product.tree]));
    button.type = "button";
    button.addEventListener("click", () => light([...byId("routes").children].indexOf(button.parentElement)));
    return made("li", button);
  });
  [...byId("routes").children].forEach((item, i) => set(item.firstChild, "aria-pressed", i === route));
  rebuild(byId("paths-sum"), sumOf(target, routes, count), entry);
}

// For a screen reader: once for each thing that was done.
function say(words) {
  write(byId("said"), words);
}

// ---- what one does ----

function show(step) {
  const was = at;
  [chosen, routes, route] = [null, null, -1];
  at = step;
  update();
  remember();
  if (at === steps.length - 1) pause();
  follow();
  const { title, words } = steps[at];
  if (at !== was) say(document.activeElement === byId("slider") ? words : `${title}. ${words}`); // it says the title
}

function follow() {
  const { node, from = [], shows = [] } = steps[at];
  const seen = node === undefined ? shows : [node, ...from];
  if (seen.length) bring(seen.map((i) => boxes[i].box));
}

function choose(part) {
  if (part.matches(".constant, .pale")) return;
  if (chosen === part.id && part.matches(".node") && scene.opens?.(Number(chosen.slice(1)))) return open();
  [chosen, routes, route] = [part.id, null, -1];
  update();
  stopAt(part);
  bring([part]);
  byId("panel").scrollTop = 0;
  const { name, kind, check } = part.matches(".node") ? aboutBox(Number(chosen.slice(1))) : aboutWire(chosen);
  const { value, gradient } = nodes[Number(chosen.slice(1))] || {};
  say([name, kind, value && `value ${value}`, gradient && `gradient ${gradient}`, check].filter(Boolean).join(". "));
}

// Back from what was chosen to the step.
function close() {
  if (chosen === null) return document.activeElement.matches("input") || back(); // a field is only left
  const left = byId("about").contains(document.activeElement) ? byId(chosen) : null;
  [chosen, routes, route] = [null, null, -1];
  update();
  left?.focus({ preventScroll: true });
  say(steps[at].title);
}

// ---- from scene to scene ----

// A large computation has levels; any other one scene.
const scenes = computation.boxes
  ? levelsOf(computation)
  : [{ tell: () => story(computation), leaves: computation.leaves, operand: operandName }];
scenes[0].picture = drawing.querySelector("svg");

function stage(next) {
  if (scene === next) return;
  if (scene) scene.at = at;
  scene = next;
  [chosen, routes, route] = [null, null, -1];
  showLevel(scene);
  if (picture !== scene.picture) hang(scene.picture);
  boxes = [...picture.querySelectorAll(".node")].map(partsOfBox);
  wires = [...picture.querySelectorAll(".wire")].map(partsOfWire);
  makeOneStop();
  showFields();
  forgetQuestions();
  byId("quiz").hidden = scene === scenes[0] && scenes.length > 1; // an overview asks nothing
}

function showLevel({ title = "", examples = [] }) {
  byId("level").hidden = !title;
  byId("level-name").textContent = title;
  byId("example").hidden = examples.length < 2;
  byId("example").replaceChildren(...examples.map(({ one }) => made("option", one)));
  byId("example").selectedIndex = examples.indexOf(scene);
}

// Go to another scene; it begins with the pass that is on.
function enter(next, atStep, left = null) {
  pause();
  const byKeyboard = document.activeElement.matches("#open:focus-visible, #back:focus-visible, #drawing :focus-visible");
  const { phase } = steps[at];
  stage(next);
  ({ steps, nodes } = scene.tell());
  at = atStep ?? Math.max(0, steps.findIndex((step) => step.phase === phase));
  update();
  follow();
  if (left) stopAt(boxes[left.box].box);
  if (byKeyboard) stop.focus({ preventScroll: true });
  say(`${scene.title || "The network"}. ${steps[at].title}. ${steps[at].words}`);
  remember();
}

function open() {
  enter(scene.opens(Number(chosen.slice(1))));
}

function back() {
  if (scene === scenes[0]) return;
  enter(scenes[0], scenes[0].at, scene);
}

function listPaths() {
  [routes, route] = [routes ? null : [], -1];
  update();
  if (routes) say(`${byId("paths-title").textContent} ${byId("paths-sum").textContent}`);
}

function light(which) {
  route = route === which ? -1 : which;
  update();
  if (route < 0) return;
  if (view.scale > scaleOfWhole()) zoomTo(scaleOfWhole(), true);
  const { through, product } = inFormulas(routes[route]);
  say(`${through.text}: ${product.text}`);
}

function pause() {
  clearInterval(timer);
  timer = null;
  set(byId("play"), "aria-pressed", false);
  set(byId("play"), "aria-label", "Play");
}

function play() {
  if (timer !== null) return pause();
  if (at === steps.length - 1) show(0);
  timer = setInterval(() => show(at + 1), 2000 / Number(byId("speed").value));
  set(byId("play"), "aria-pressed", true);
  set(byId("play"), "aria-label", "Pause");
}

function changeSpeed() {
  if (timer === null) return;
  pause();
  play();
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
}

const to = (step) => () => {
  pause();
  show(step());
};
const actions = {
  first: to(() => 0),
  previous: to(() => at - 1),
  next: () => ask(at + 1) || to(() => at + 1)(),
  last: to(() => steps.length - 1),
  go: to(() => stepOf(chosen)),
  play,
  close,
  open,
  back,
  all: listPaths,
  smaller: () => zoom(1 / 1.25),
  larger: () => zoom(1.25),
  whole: () => (view.scale === scaleOfWhole() ? fit(true) : zoomTo(scaleOfWhole(), true)),
  full: fullScreen,
  ask: () => byId("help").showModal(),
};
for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
byId("slider").addEventListener("input", (event) => to(() => Number(event.target.value))());
byId("speed").addEventListener("change", changeSpeed);
byId("example").addEventListener("change", (event) => enter(scene.examples[event.target.selectedIndex], at));
byId("full").hidden = !document.fullscreenEnabled;

const keys = {
  ArrowLeft: "previous", ArrowRight: "next", PageUp: "previous", PageDown: "next", Home: "first", End: "last",
  Escape: "close", " ": "play", "-": "smaller", "−": "smaller", "+": "larger", "=": "larger", 0: "whole", f: "full",
  F: "full", "?": "ask",
};
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || byId("help").open) return;
  if (event.key !== "Escape" && event.target.matches("input:not([type=range]), select")) return;
  if (/^(Arrow|Page|Home|End)/.test(event.key) && event.target.matches("[type=range]")) return;
  if (event.key === " " && event.target.closest("button, summary")) return;
  if (!keys[event.key] || byId(keys[event.key]).hidden) return;
  event.preventDefault();
  actions[keys[event.key]]();
});
drawing.addEventListener("mousedown", (event) => event.preventDefault()); // keep the focus, and the space bar for play
drawing.addEventListener("click", (event) => {
  const part = event.target.closest(".node, .wire");
  if (part && !dragged) choose(part);
});
addEventListener("resize", () => {
  fit();
  follow();
});
