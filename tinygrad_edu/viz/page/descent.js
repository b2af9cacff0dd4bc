// Gradient descent by hand: the inputs that learn go against their gradients, and the result goes down.

const losses = [];

function setUpDescent() {
  byId("descent").hidden = Boolean(computation.fixed);
  const roles = computation.leaves.map((leaf) => computation.nodes[leaf].role);
  for (const leaf of fields.keys()) {
    const { name, role } = computation.nodes[leaf];
    const learns = made("input");
    learns.type = "checkbox";
    learns.checked = roles.includes("parameter") ? role === "parameter" : /^[wb]/i.test(name.text);
    learns.title = "learns";
    learns.setAttribute("aria-label", `${name.text} learns`);
    fields.get(leaf).field.before(learns);
    fields.get(leaf).learns = learns;
  }
  byId("descend").addEventListener("click", () => descend(1));
  byId("descend-ten").addEventListener("click", () => descend(10));
}

function descend(count) {
  const rate = read(byId("rate").value);
  const learning = [...fields.keys()].filter((leaf) => fields.get(leaf).learns.checked);
  if (!(rate > 0)) return descended("The rate is a number above 0, such as 0.1.");
  if (!learning.length) return descended("Nothing learns: tick the inputs that shall.");
  const before = computation.numbers[computation.root];
  if (losses.at(-1) !== before) losses.splice(0, losses.length, before); // numbers were changed in between
  for (let i = 0; i < count; i++) {
    const { gradients, forwardError, backwardError } = computation;
    if (forwardError || backwardError) break;
    for (const leaf of learning) computation.given[leaf] -= rate * gradients[leaf];
    computation.compute();
    losses.push(computation.numbers[computation.root] ?? NaN);
  }
  change({});
  const name = computation.nodes[computation.root].name.text;
  const after = losses.at(-1);
  const moved = `${name}: ${shortNumber(before)} → ${shortNumber(after)}`;
  const failed = computation.forwardError || computation.backwardError;
  if (failed) return descended(`${capital(failed.message)}. Reset, and take a smaller rate.`);
  descended(after > before ? `${moved}: it went up. Take a smaller rate.` : `${moved} after ${losses.length - 1} steps.`);
}

function descended(words) {
  write(byId("descended"), words);
  say(words);
  drawCurve();
}

// The result after each step, as a line from left to right.
function drawCurve() {
  byId("curve").toggleAttribute("hidden", losses.length < 2);
  if (losses.length < 2) return;
  const known = losses.filter(Number.isFinite);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const x = (i) => 4 + (292 * i) / Math.max(losses.length - 1, 1);
  const y = (loss) => 60 - (52 * (loss - low)) / (high - low || 1);
  const points = losses.flatMap((loss, i) => (Number.isFinite(loss) ? [`${x(i).toFixed(1)},${y(loss).toFixed(1)}`] : []));
  byId("curve").querySelector("polyline").setAttribute("points", points.join(" "));
  set(byId("curve"), "aria-label", `The result after each of ${losses.length - 1} steps, from ${shortNumber(losses[0])} to ${shortNumber(losses.at(-1))}`);
}

function forgetDescent() {
  losses.length = 0;
  drawCurve();
  write(byId("descended"), "");
}
