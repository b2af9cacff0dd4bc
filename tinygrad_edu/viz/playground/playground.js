// The page around the step: what was compiled above (gradient, losses, neurons, optimizers) trains, this draws.
const content = JSON.parse(document.getElementById("data").textContent);
const { layers, classes } = content;
const byId = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const GRID = 44; // so many places each way is the plane seen at
const SHAPES = ["circle", "square", "triangle", "cross"];

// ---- the network that learns -----------------------------------------------------------------------------------------

const count = content.parameters.length;
const parameters = Float64Array.from(content.parameters);
const slopes = new Float64Array(classes); // of an example's loss by the outputs
const gradients = new Float64Array(count); // of the mean loss by the parameters, as they are now
let points = [];
let rows, kinds, lossOf;
let optimizer, kept, rate;
let steps = 0; // of this optimizer
let history = []; // the loss at each epoch

function gather() {
  rows = Float64Array.from(points.flatMap((point) => point.place));
  kinds = points.map((point) => point.kind);
  lossOf = kinds.map((kind) => losses.get(kind));
}

function currentLoss() {
  return gradient(points.length, rows, kinds, lossOf, parameters, slopes, gradients);
}

// The loss and its gradient are known before and after: a step is the optimizer's rule, and the compiled gradient.
function step() {
  const before = parameters.slice();
  const settings = [];
  optimizer.settings([++steps, rate], settings);
  optimizer.update(count, settings, gradients, parameters, ...kept);
  const loss = currentLoss();
  if (!Number.isFinite(loss) || !parameters.every(Number.isFinite)) {
    parameters.set(before);
    currentLoss();
    forgetOptimizer();
    say(`The loss became ${Number.isFinite(loss) ? "too large" : loss}. Try a smaller learning rate than ${rate}.`, true);
    return false;
  }
  history.push(loss);
  return true;
}

function forgetOptimizer() {
  steps = 0;
  kept = Array.from({ length: optimizer.state }, () => new Float64Array(count));
}

function reset() {
  pause();
  parameters.set(content.parameters);
  forgetOptimizer();
  history = [currentLoss()];
  say("");
  redraw();
}

function changePoints(words) {
  gather();
  history[history.length - 1] = currentLoss();
  say(words);
  redraw();
}

// ---- what its neurons compute ----------------------------------------------------------------------------------------

const firstOf = layers.map((_, i) => layers.slice(0, i).reduce((sum, layer) => sum + layer.length, 0));
const neuronCount = layers.reduce((sum, layer) => sum + layer.length, 0);
const numbers = new Float64Array(2 + count);
const computed = new Float64Array(2 * neuronCount); // of each neuron its weighted sum and its output
const outputOf = (layer, index) => computed[2 * (firstOf[layer] + index) + 1];
const maps = Array.from({ length: neuronCount + 2 }, () => new Float64Array(GRID * GRID)); // the inputs come last
const sureness = new Float64Array(GRID * GRID); // from 0, where classes are equally likely, to 1
const likeliest = new Uint8Array(GRID * GRID);
const margins = Array.from({ length: classes }, () => new Float64Array(GRID * GRID)); // how clear each class is
let view = { left: -1, bottom: -1, size: 2 };

function compute(x, y) {
  numbers[0] = x;
  numbers[1] = y;
  neurons(numbers, computed);
}

function takeParameters() {
  content.order.forEach((place, i) => { numbers[2 + i] = parameters[place]; });
}

const scores = new Float64Array(classes); // of the classes; the larger by 1, the e times likelier
function findScores() {
  const last = layers.length - 1;
  if (layers[last].length > 1) {
    for (let k = 0; k < classes; k++) scores[k] = outputOf(last, k);
  } else {
    const z = outputOf(last, 0);
    scores[0] = content.threshold ? Math.log(1 - z) : 0;
    scores[1] = content.threshold ? Math.log(z) : z;
  }
}

function classOf(point) {
  compute(...point.place);
  findScores();
  return scores.indexOf(Math.max(...scores));
}

function look() {
  takeParameters();
  for (let i = 0; i < GRID * GRID; i++) {
    const x = view.left + ((i % GRID) + 0.5) / GRID * view.size;
    const y = view.bottom + (GRID - Math.floor(i / GRID) - 0.5) / GRID * view.size;
    compute(x, y);
    for (let n = 0; n < neuronCount; n++) maps[n][i] = computed[2 * n + 1];
    maps[neuronCount][i] = x;
    maps[neuronCount + 1][i] = y;
    findScores();
    let best = 0;
    for (let k = 1; k < classes; k++) if (scores[k] > scores[best]) best = k;
    let total = 0;
    for (let k = 0; k < classes; k++) {
      total += Math.exp(scores[k] - scores[best]);
      let other = -Infinity;
      for (let j = 0; j < classes; j++) if (j !== k && scores[j] > other) other = scores[j];
      margins[k][i] = scores[k] - other;
    }
    likeliest[i] = best;
    sureness[i] = (1 / total - 1 / classes) / (1 - 1 / classes);
  }
}

// ---- colours and numbers ---------------------------------------------------------------------------------------------

let colours;
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const rgb = (name) => [1, 3, 5].map((i) => parseInt(style.getPropertyValue(name).trim().slice(i, i + 2), 16));
  colours = {
    ink: rgb("--ink"), ground: rgb("--box"), focus: rgb("--focus"),
    classes: ["--negative-fill", "--positive-fill", "--third-fill", "--fourth-fill"].map(rgb),
  };
}

const css = (rgb) => `rgb(${rgb.join(" ")})`;

function digits(x) {
  if (x === 0 || !Number.isFinite(x)) return String(Math.abs(x));
  const text = Math.abs(x) >= 1e-4 && Math.abs(x) < 1e5 ? String(Number(x.toPrecision(3))) : x.toExponential(1);
  return text.replace("-", "−").replace("e-", "e−");
}

// Colour a picture of every stride-th place: in which colour, and how much of it there is in the ground.
function paint(canvas, stride, colourOf, shareOf) {
  const size = GRID / stride;
  if (canvas.width !== size) canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const image = context.createImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    const place = stride * (Math.floor(i / size) * GRID + i % size);
    const [colour, share] = [colourOf(place), shareOf(place)];
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = colours.ground[c] + share * (colour[c] - colours.ground[c]);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

// The numbers of a map in blue and orange, the largest in full.
function paintMap(canvas, map, stride) {
  let largest = 1e-9;
  for (const x of map) largest = Math.max(largest, Math.abs(x));
  paint(canvas, stride, (i) => colours.classes[map[i] > 0 ? 1 : 0], (i) => 0.9 * Math.abs(map[i]) / largest);
}

// ---- the plane -------------------------------------------------------------------------------------------------------

const plane = byId("plane");
const background = document.createElement("canvas");
let chosenPoint = null;
let pen = 0;
let cross = null; // where the keys have moved to

function setView() {
  const middle = [0, 1].map((i) => {
    const all = content.points.map((point) => point[i]);
    return [(Math.min(...all) + Math.max(...all)) / 2, Math.max(...all) - Math.min(...all)];
  });
  const size = 1.25 * Math.max(middle[0][1], middle[1][1], 0.1);
  view = { left: middle[0][0] - size / 2, bottom: middle[1][0] - size / 2, size };
}

const toScreen = ([x, y], size) => [(x - view.left) / view.size * size, (1 - (y - view.bottom) / view.size) * size];

function shape(context, kind, x, y, r) {
  context.beginPath();
  if (kind === 0) context.arc(x, y, r, 0, 2 * Math.PI);
  else if (kind === 1) context.rect(x - 0.88 * r, y - 0.88 * r, 1.76 * r, 1.76 * r);
  else if (kind === 2) [[0, -1.2], [1.1, 0.8], [-1.1, 0.8]].forEach(([u, v]) => context.lineTo(x + u * r, y + v * r));
  else {
    const [a, b] = [0.4 * r, 1.1 * r];
    [[-a, -b], [a, -b], [a, -a], [b, -a], [b, a], [a, a], [a, b], [-a, b], [-a, a], [-b, a], [-b, -a], [-a, -a]]
      .forEach(([u, v]) => context.lineTo(x + u, y + v));
  }
  context.closePath();
}

function drawPoint(context, kind, x, y, r) {
  shape(context, kind, x, y, r);
  context.fillStyle = css(colours.classes[kind]);
  context.fill();
  context.lineWidth = 1.4;
  context.strokeStyle = css(colours.ink);
  context.stroke();
}

// The line where a map is 0, a piece in each square of four places.
function contour(context, map, size) {
  const cell = size / GRID;
  context.beginPath();
  for (let row = 0; row + 1 < GRID; row++) {
    for (let column = 0; column + 1 < GRID; column++) {
      const corners = [[0, 0], [1, 0], [1, 1], [0, 1]];
      const at = corners.map(([u, v]) => map[(row + v) * GRID + column + u]);
      const crossings = [];
      for (let k = 0; k < 4; k++) {
        const [a, b] = [at[k], at[(k + 1) % 4]];
        if (a > 0 === b > 0) continue;
        const [[u, v], [s, t]] = [corners[k], corners[(k + 1) % 4]];
        const part = a / (a - b);
        crossings.push([column + 0.5 + u + part * (s - u), row + 0.5 + v + part * (t - v)]);
      }
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        context.moveTo(crossings[k][0] * cell, crossings[k][1] * cell);
        context.lineTo(crossings[k + 1][0] * cell, crossings[k + 1][1] * cell);
      }
    }
  }
  context.stroke();
}

function drawPlane() {
  const size = plane.clientWidth;
  const ratio = devicePixelRatio || 1;
  plane.width = plane.height = Math.round(size * ratio);
  const context = plane.getContext("2d");
  context.scale(ratio, ratio);
  paint(background, 1, (i) => colours.classes[likeliest[i]], (i) => 0.62 * sureness[i]);
  context.imageSmoothingEnabled = true;
  context.drawImage(background, 0, 0, size, size);
  context.strokeStyle = css(colours.ink);
  context.lineWidth = 2;
  for (const map of classes > 2 ? margins : margins.slice(1)) contour(context, map, size);
  const r = Math.max(4.5, Math.min(6.5, size / 75));
  for (const point of points) drawPoint(context, point.kind, ...toScreen(point.place, size), r);
  if (chosenPoint) {
    context.beginPath();
    context.arc(...toScreen(chosenPoint.place, size), r + 5, 0, 2 * Math.PI);
    context.lineWidth = 3;
    context.strokeStyle = css(colours.focus);
    context.stroke();
  }
  if (cross && document.activeElement === plane) {
    const [x, y] = toScreen(cross, size);
    context.lineWidth = 1.5;
    context.strokeStyle = css(colours.ink);
    context.beginPath();
    for (const [u, v] of [[1, 0], [0, 1]]) {
      context.moveTo(x - 12 * u, y - 12 * v);
      context.lineTo(x + 12 * u, y + 12 * v);
    }
    context.stroke();
  }
}

const near = (place) => `${SHAPES[pen]} at (${place.map(digits).join(", ")})`;

// Choose the point that is there, or add one.
function touch(place) {
  const size = plane.clientWidth;
  const [x, y] = toScreen(place, size);
  const distance = (point) => Math.hypot(...toScreen(point.place, size).map((u, i) => u - [x, y][i]));
  const closest = points.reduce((best, point) => distance(point) < distance(best) ? point : best, points[0]);
  if (closest && distance(closest) < 11) {
    chosenPoint = closest;
    say(`Chosen: class ${closest.kind}, ${SHAPES[closest.kind]} at (${closest.place.map(digits).join(", ")})`);
    return redraw();
  }
  chosenPoint = { place, kind: pen };
  points.push(chosenPoint);
  changePoints(`Added: class ${pen}, ${near(place)}`);
}

function removePoint() {
  if (points.length < 2 || !chosenPoint) return say("One point must stay.");
  points = points.filter((point) => point !== chosenPoint);
  chosenPoint = points[0];
  changePoints(`Removed; ${points.length} points are left.`);
}

function firstPoints() {
  points = content.points.map((place, i) => ({ place, kind: content.kinds[i] }));
  chosenPoint = points[0];
}

plane.addEventListener("click", (event) => {
  const box = plane.getBoundingClientRect();
  const [u, v] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  cross = null;
  touch([view.left + u * view.size, view.bottom + (1 - v) * view.size]);
});
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
plane.addEventListener("keydown", (event) => {
  const move = MOVES[event.key];
  cross = cross || [view.left + view.size / 2, view.bottom + view.size / 2];
  if (move) {
    const low = [view.left, view.bottom];
    cross = cross.map((x, i) => {
      const moved = x + move[i] * view.size / (event.shiftKey ? 100 : 25);
      return Math.min(Math.max(moved, low[i]), low[i] + view.size);
    });
    say(`(${cross.map(digits).join(", ")})`);
    drawPlane();
  } else if (event.key === "Enter" || event.key === " ") touch(cross);
  else if (event.key === "Delete" || event.key === "Backspace") removePoint();
  else if (event.key >= "0" && event.key < String(classes)) choosePen(Number(event.key));
  else return;
  event.preventDefault();
  event.stopPropagation();
});
for (const kind of ["focus", "blur"]) plane.addEventListener(kind, () => drawPlane());

function choosePen(kind) {
  pen = kind;
  document.querySelectorAll("#pens input")[kind].checked = true;
}

// ---- the network -----------------------------------------------------------------------------------------------------

const network = byId("network");
const cells = [[], ...layers.map(() => [])]; // the inputs, and the neurons of each layer
const wires = [];
let showsGradients = false;
let opened = [0, 0];

function create(tag, parent, properties = {}) {
  const element = Object.assign(document.createElement(tag), properties);
  parent.append(element);
  return element;
}

const layerName = (layer) => layer === layers.length - 1 ? "output" : `layer ${layer + 1}`;
const neuronName = (layer, index) => layer === layers.length - 1 && layers[layer].length === 1 ? "output neuron"
  : `neuron ${index + 1} of ${layer === layers.length - 1 ? "the output layer" : `layer ${layer + 1}`}`;

function buildNetwork() {
  for (const index of [0, 1]) {
    const cell = create("div", network, { className: "cell", title: index ? "y" : "x" });
    create("canvas", cell);
    cells[0].push(cell);
  }
  layers.forEach((layer, i) => layer.forEach((neuron, j) => {
    const cell = create("button", network, { className: "cell", type: "button", tabIndex: -1 });
    cell.setAttribute("aria-label", `Open ${neuronName(i, j)}`);
    create("canvas", cell);
    cell.addEventListener("click", () => openNeuron(i, j));
    cell.addEventListener("keydown", (event) => moveInNetwork(event, i, j));
    cells[i + 1].push(cell);
    neuron.w.forEach((place, from) => {
      const wire = document.createElementNS("http://www.w3.org/2000/svg", "path");
      byId("wires").append(wire);
      wires.push({ wire, place, from: [i, from], to: [i + 1, j] });
    });
  }));
  cells.forEach((column, i) => {
    const title = create("div", network, { className: "title" });
    const activation = i ? layers[i - 1][0].activation : "";
    title.textContent = i ? layerName(i - 1) : "inputs";
    title.append(document.createElement("br"), i ? activation || "no activation" : "x, y");
    column.title = title;
  });
}

function placeNetwork() {
  network.style.setProperty("--tallest", Math.max(...cells.map((column) => column.length)));
  const [width, height] = [network.clientWidth, network.clientHeight];
  const top = 44;
  const tallest = Math.max(...cells.map((column) => column.length));
  const gap = Math.min((height - top) / tallest, 84);
  const apart = (width - 20) / cells.length;
  const side = Math.max(14, Math.min(0.8 * gap, 0.5 * apart, 58));
  const at = (i, j) => [10 + apart * (i + 0.5), top + (height - top) / 2 + gap * (j - (cells[i].length - 1) / 2)];
  cells.forEach((column, i) => {
    Object.assign(column.title.style, { left: at(i, 0)[0] + "px", top: "0px" });
    column.forEach((cell, j) => {
      const [x, y] = at(i, j);
      Object.assign(cell.style, { left: x + "px", top: y + "px", width: side + "px", height: side + "px" });
    });
  });
  for (const { wire, from, to } of wires) {
    const [[x0, y0], [x1, y1]] = [at(...from), at(...to)];
    const [a, b] = [x0 + side / 2, x1 - side / 2];
    wire.setAttribute("d", `M${a} ${y0}C${(a + b) / 2} ${y0} ${(a + b) / 2} ${y1} ${b} ${y1}`);
  }
}

function drawNetwork() {
  const shown = showsGradients ? gradients : parameters;
  const largest = wires.reduce((most, { place }) => Math.max(most, Math.abs(shown[place])), 1e-300);
  for (const { wire, place } of wires) {
    const share = Math.abs(shown[place]) / largest;
    wire.classList.toggle("negative", shown[place] < 0);
    wire.style.strokeWidth = (0.6 + 5.4 * share).toFixed(2);
    wire.style.opacity = (0.25 + 0.75 * share).toFixed(2);
  }
  byId("largest").textContent = `thickest: ${digits(largest)}`;
  cells.forEach((column, i) => column.forEach((cell, j) => {
    paintMap(cell.firstChild, maps[i ? firstOf[i - 1] + j : neuronCount + j], 2);
  }));
}

function moveInNetwork(event, layer, index) {
  const move = MOVES[event.key];
  if (!move) return;
  const to = Math.min(Math.max(layer + move[0], 0), layers.length - 1);
  const place = (index + 0.5) / layers[layer].length;
  const row = to === layer ? index - move[1] : Math.floor(place * layers[to].length);
  cells[to + 1][Math.min(Math.max(row, 0), layers[to].length - 1)].focus();
  event.preventDefault();
}

// ---- one neuron, opened ----------------------------------------------------------------------------------------------

// Show all about a neuron in the panel.
function openNeuron(layer, index) {
  opened = [layer, index];
  cells.forEach((column, i) => column.forEach((cell, j) => {
    const isOpened = i === layer + 1 && j === index;
    cell.classList.toggle("chosen", isOpened);
    if (i) cell.tabIndex = isOpened ? 0 : -1;
    if (i) cell.setAttribute("aria-pressed", String(isOpened));
  }));
  byId("neuron-name").textContent = neuronName(layer, index).replace(/^./, (c) => c.toUpperCase()) + ", opened";
  drawNeuron();
}

function signed(cell, x) {
  cell.textContent = digits(x);
  if (x) cell.className = x < 0 ? "negative" : "positive";
}

function drawNeuron() {
  const [layer, index] = opened;
  const neuron = layers[layer][index];
  const { place: [x, y], kind } = chosenPoint;
  const ofPoint = new Float64Array(count); // the gradient of the loss at this point
  const loss = gradient(1, [x, y], [kind], [losses.get(kind)], parameters, slopes, ofPoint);
  compute(x, y);
  const received = layer ? layers[layer - 1].map((_, i) => outputOf(layer - 1, i)) : [x, y];
  const byOutput = layer === layers.length - 1 ? slopes[index]
    : layers[layer + 1].reduce((sum, next) => sum + parameters[next.w[index]] * ofPoint[next.b], 0);
  const body = byId("neuron-body");
  body.replaceChildren();
  const top = create("div", body, { className: "open" });
  paintMap(create("canvas", top), maps[firstOf[layer] + index], 1);
  create("p", top).textContent = `Its output over the plane; the numbers are those at the chosen point `
    + `(${digits(x)}, ${digits(y)}), class ${kind} (${SHAPES[kind]}), where the loss is ${digits(loss)}.`;
  const table = create("table", body);
  const head = create("tr", create("thead", table));
  for (const word of [layer ? "neuron" : "input", "received", "× weight", "= product", "∂loss/∂w"]) {
    create("th", head, { scope: "col" }).textContent = word;
  }
  const rowsOf = create("tbody", table);
  const line = (name, cells, className = "") => {
    const row = create("tr", rowsOf, { className });
    create("td", row).textContent = name;
    for (const number of cells) {
      if (typeof number === "number") signed(create("td", row), number);
      else create("td", row).textContent = number;
    }
  };
  const source = (i) => layer ? String(i + 1) : "xy"[i];
  neuron.w.forEach((place, i) => {
    line(source(i), [received[i], parameters[place], received[i] * parameters[place], ofPoint[place]]);
  });
  line("bias", ["", "", parameters[neuron.b], ofPoint[neuron.b]]);
  const z = computed[2 * (firstOf[layer] + index)];
  const output = computed[2 * (firstOf[layer] + index) + 1];
  line("sum: z", ["", "", z, ""], "total");
  const list = create("dl", body);
  const facts = [
    [`output${neuron.activation ? ` = ${neuron.activation}(z)` : " = z"}`, output],
    ["∂loss/∂output", byOutput],
    ["∂loss/∂z", ofPoint[neuron.b]],
  ];
  for (const [term, number] of facts) {
    create("dt", list).textContent = term;
    signed(create("dd", list), number);
  }
  create("p", body, { className: "hint" }).textContent = "∂loss/∂z is ∂loss/∂output times the slope of the activation at z; "
    + "∂loss/∂w is that times what the weight received. " + (layer === layers.length - 1 ? ""
      : "∂loss/∂output is the sum, over the neurons that take this output, of their weight for it times their ∂loss/∂z.");
}

// ---- the loss, and everything ----------------------------------------------------------------------------------------

function drawLoss() {
  const most = history.reduce((a, b) => Math.max(a, b), 1e-12);
  const last = history.length - 1;
  const stride = Math.max(1, Math.ceil(history.length / 400));
  const chosen = history.map((loss, i) => [i, loss]).filter(([i]) => i % stride === 0 || i === last);
  const path = chosen.map(([i, loss]) => `${(100 * i / Math.max(last, 1)).toFixed(2)} ${(100 - 96 * loss / most).toFixed(2)}`);
  byId("curve").setAttribute("d", `M${path.join("L")}${last ? "" : "h0.01"}`);
  byId("most").textContent = digits(most);
  byId("epoch").textContent = last;
  byId("now").textContent = digits(history[last]);
  const right = points.filter((point) => classOf(point) === point.kind).length;
  byId("right").textContent = `${right} of ${points.length}`;
}

function redraw() {
  look();
  drawPlane();
  drawLoss();
  drawNetwork();
  drawNeuron();
}

function say(words, isTrouble = false) {
  byId("said").textContent = words;
  byId("said").classList.toggle("trouble", isTrouble);
}

// ---- training --------------------------------------------------------------------------------------------------------

let running = false;

function frame() {
  if (!running) return;
  const many = Number(byId("speed").value) * (calm.matches ? 10 : 1);
  for (let i = 0; i < many; i++) {
    if (!step()) {
      pause();
      break;
    }
  }
  redraw();
  if (calm.matches) setTimeout(frame, 700); // few pictures instead of a film
  else requestAnimationFrame(frame);
}

function setRunning(now) {
  running = now;
  byId("run").setAttribute("aria-pressed", String(now));
  byId("run-name").textContent = now ? "Pause" : "Run";
}

function pause() {
  setRunning(false);
}

function run() {
  if (running) {
    pause();
    return say(`Paused at epoch ${history.length - 1}, loss ${digits(history[history.length - 1])}.`);
  }
  say("");
  setRunning(true);
  frame();
}

function chooseOptimizer(name) {
  optimizer = optimizers.get(name);
  forgetOptimizer();
  chooseRate(content.rates[name]);
  byId("rate").value = String(rate);
}

function chooseRate(value) {
  rate = Number(value);
}

byId("run").addEventListener("click", run);
byId("step").addEventListener("click", () => {
  pause();
  if (step()) say(`Epoch ${history.length - 1}, loss ${digits(history[history.length - 1])}.`);
  redraw();
});
byId("reset").addEventListener("click", reset);
byId("remove").addEventListener("click", removePoint);
byId("original").addEventListener("click", () => {
  firstPoints();
  changePoints("The first points are back.");
});
for (const name of optimizers.keys()) create("option", byId("optimizer")).textContent = name;
for (const value of [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3]) create("option", byId("rate")).textContent = value;
byId("optimizer").addEventListener("change", (event) => chooseOptimizer(event.target.value));
byId("rate").addEventListener("change", (event) => chooseRate(event.target.value));
for (const radio of document.querySelectorAll("[name=lines]")) {
  radio.addEventListener("change", () => {
    showsGradients = radio.value === "gradients";
    drawNetwork();
  });
}
for (let kind = 0; kind < classes; kind++) {
  const label = create("label", byId("pens"));
  const radio = create("input", label, { type: "radio", name: "pen", checked: kind === 0 });
  radio.setAttribute("aria-label", `class ${kind}, ${SHAPES[kind]}`);
  radio.addEventListener("change", () => choosePen(kind));
  const mark = create("span", label);
  create("canvas", mark, { width: 40, height: 40 });
}

function drawPens() {
  document.querySelectorAll("#pens canvas").forEach((canvas, kind) => {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, 40, 40);
    context.save();
    context.scale(2, 2);
    drawPoint(context, kind, 10, 10, 6.5);
    context.restore();
  });
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("button, select, input, canvas")) return;
  if (event.key === " ") {
    event.preventDefault();
    run();
  }
});

function redrawAll() {
  readColours();
  drawPens();
  placeNetwork();
  redraw();
}
addEventListener("resize", redrawAll);
new ResizeObserver(placeNetwork).observe(network);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);

setView();
firstPoints();
gather();
buildNetwork();
byId("optimizer").value = "Adam";
chooseOptimizer("Adam");
history = [currentLoss()];
readColours();
look();
openNeuron(0, 0);
redrawAll();
