// The levels of a page on a large computation: an overview, whose boxes are neurons or layers and hold many values, and
// the inside of each box, for which the operations of one example stand. Each is told as a story, as story.js tells one.
// What the overview says is what viz/explaining/folded.py says.

const MANY_PARAMETERS = 8; // more than this are told as a range

// The scenes, first the overview, then each example of each box: their drawings, their stories, the leaves that are in them,
// what an operand is called, and the scene that a box opens.
function levelsOf(computation) {
  const { boxes, nodes, leaves } = computation;
  const home = new Map(); // of each value that is computed, the scene that computes it
  const insides = boxes.map((box, b) => (box.examples || []).map((example, e) => {
    const inside = sceneInside(computation, b, e, home);
    for (const i of example.own) if (nodes[i].row) home.set(i, inside);
    return inside;
  }));
  for (const examples of insides) for (const inside of examples) inside.examples = examples;
  const operand = (b, k) => formula(...boxes[boxes[b].sources[k]].name);
  return [{ name: "", leaves, tell: () => overview(computation), operand, opens: (b) => insides[b][0] }, ...insides.flat()];
}

const wordFor = (path) => (path ? "example" : "value"); // of a single operation there may be several in an example

function sceneInside(computation, b, e, home) {
  const { name, path, examples } = computation.boxes[b];
  const { received, own, drawing } = examples[e];
  const shown = [...received, ...own];
  return {
    name: name[0] + (e ? `, ${wordFor(path)} ${e + 1}` : ""),
    one: `${wordFor(path)} ${e + 1} of ${examples.length}`,
    title: `Inside ${name[0]}`,
    box: b,
    picture: byId("inside" + drawing).content.firstElementChild, // others may have the same
    leaves: shown,
    tell: () => insideOf(computation, b, e),
    operand: (n, k) => operandName(shown[n], k),
    opens: (n) => (n < received.length ? home.get(shown[n]) : undefined),
  };
}

// ---- the overview ----

function overview(computation) {
  const { boxes, forwardError, backwardError } = computation;
  const all = boxes.map((box) => contents(computation, box));
  const scale = scaled(computation.gradients);
  const colour = (numbers) => strength(scale(strongest(numbers)));
  const steps = [givenBoxes(all)];
  const made = [...all.keys()].filter((b) => !all[b].isLeaf);
  for (const b of made) {
    if (!all[b].isKnown) break;
    steps.push(computedBox(all, b));
  }
  if (forwardError) steps.push({ ...failed(computation), node: all.findIndex(({ members }) => members.includes(forwardError.node)) });
  else if (backwardError) steps.push(end(computation));
  else {
    const arrived = new Map([[computation.root, 1]]);
    steps.push(...made.reverse().map((b) => backThrough(all, b, colour, arrived)), endOfBoxes(computation, all, colour));
  }
  return { steps, nodes: all.map((box) => aboutContents(computation, all, box)) };
}

const strongest = (numbers) => numbers.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);

// The numbers of a box: what it gave, the gradients that arrived, and what it sends back to each box before it.
function contents(computation, { name, path, by, members, sources, outputs, examples }) {
  const { boxes, nodes, numbers, gradients, uses } = computation;
  const within = new Set(members);
  const sums = new Map();
  for (const { node, parent, amount } of uses) {
    if (within.has(node) && !within.has(parent)) sums.set(parent, (sums.get(parent) || 0) + amount);
  }
  const sent = (s) => boxes[s].members.filter((i) => sums.has(i)).map((i) => sums.get(i));
  const parameters = examples ? members.filter((i) => nodes[i].role === "parameter") : [];
  return {
    name: formula(...name), path, by, members, sources, sums,
    isLeaf: !examples,
    isKnown: outputs.every((i) => numbers[i] !== undefined),
    values: outputs,
    gave: outputs.map((i) => numbers[i]),
    arrived: outputs.map((i) => gradients[i]),
    sent: sources.map(sent),
    parameters: parameters.map((i) => ({ name: nodes[i].name, gradient: gradients[i] })),
  };
}

function givenBoxes(all) {
  const leaves = [...all.keys()].filter((b) => all[b].isLeaf);
  return {
    phase: "forward",
    title: "What is given",
    words: "The forward pass computes each box from those before it. It starts from these, and from the parameters in the boxes.",
    shows: leaves,
    get lines() {
      return listed(leaves.map((b) => equation(all[b].name, spread(all[b].gave))));
    },
  };
}

function computedBox(all, b) {
  const { name, by, sources, gave } = all[b];
  return {
    phase: "forward",
    title: `Compute ${name.text}`,
    shows: [b],
    node: b,
    from: sources,
    get words() {
      const names = sources.map((s) => all[s].name.text);
      const source = names.length > 6 ? `${names.length} boxes` : inWords(names) || "its parameters";
      const come = gave.length > 1 ? `come ${gave.length} values, ${spread(gave).text}` : `comes ${spread(gave).text}`;
      return `From ${source} ${come}, by ${by}.`;
    },
    get lines() {
      return [...receivedBy(all, all[b]), ["gave", spread(gave)]];
    },
  };
}

function receivedBy(all, { sources }) {
  const lines = listed(sources.map((s) => equation(all[s].name, spread(all[s].gave))));
  return lines.map(([, line], i) => [i ? "" : "received", line]);
}

function backThrough(all, b, colour, soFar) {
  const { name, sources, arrived, sent, sums, values } = all[b];
  for (const [i, amount] of sums) soFar.set(i, (soFar.get(i) || 0) + amount);
  const sofar = (s) => all[s].values.map((i) => soFar.get(i) || 0);
  const grads = [[b, arrived], ...sources.map((s) => [s, sofar(s)])];
  return {
    phase: "backward",
    title: `Back through ${name.text}`,
    node: b,
    from: sources,
    flows: sources.map((_, k) => [`${b}_${k}`, ...colour(sent[k])]),
    grads: grads.map(([box, numbers]) => [box, spread(numbers).text, ...colour(numbers)]),
    get words() {
      const begins = b === all.length - 1 ? "The backward pass starts here, with 1" : `${spread(arrived).text} has arrived at ${name.text}`;
      const sends = sources.length ? "; what it sends back adds up where it arrives" : "";
      return `${begins}${values.length > 1 ? `, one for each of ${values.length} values` : ""}${sends}.`;
    },
    get lines() {
      return [["grad that arrived", spread(arrived)], ...sentBack(all, all[b]), ...learned(all[b])];
    },
    along: (k) => ({
      words: `Forward ${spread(all[sources[k]].gave).text} goes along this arrow, backward ${spread(sent[k]).text}.`,
      lines: [],
    }),
  };
}

function sentBack(all, { sources, sent }) {
  const to = sources.flatMap((s, k) => (sent[k].length ? [separated("→", [spread(sent[k]), all[s].name])] : []));
  return listed(to).map(([, line], i) => [i ? "" : "sends back", line]);
}

function learned({ parameters }) {
  if (parameters.length > MANY_PARAMETERS) {
    const range = spread(parameters.map(({ gradient }) => gradient));
    return [[`grads of its ${parameters.length} parameters`, range]];
  }
  return parameters.map(({ name, gradient }, i) => [i ? "" : "grads of its parameters", equation(name, gradient)]);
}

function endOfBoxes({ root, nodes }, all, colour) {
  const leaves = [...all.keys()].filter((b) => all[b].isLeaf);
  return {
    phase: "backward",
    title: "All gradients are known",
    words: `If a value grows by a little, ${nodes[root].name.text} changes by its gradient times as much.`,
    grads: leaves.map((b) => [b, spread(all[b].arrived).text, ...colour(all[b].arrived)]),
    get lines() {
      return listed(leaves.map((b) => equation(ratio("∂", nodes[root].name, all[b].name), spread(all[b].arrived))));
    },
  };
}

function aboutContents(computation, all, box) {
  const { nodes, numbers, forwardError, backwardError } = computation;
  const { name, path, by, sources, values, gave, arrived, isLeaf } = box;
  const fails = forwardError ? "forward" : backwardError ? "backward" : "";
  return {
    name: name.text,
    kind: path && path !== name.text ? `${path}: ${by}` : by,
    shown: spread(gave).text,
    value: `${gave.length > 1 ? `${gave.length} values, ` : ""}${spread(gave).text}`,
    from: sources,
    locals: [],
    get computed() {
      const each = values.length > 1 ? listed(values.map((i) => equation(nodes[i].name, spread([numbers[i]])))) : [];
      return [...receivedBy(all, box), ...each.map(([, line], i) => [i ? "" : "values", line])];
    },
    gradient: fails ? `not known, because the ${fails} pass fails` : spread(arrived).text,
    get parts() {
      return fails ? [] : [...sentBack(all, box), ...learned(box)];
    },
    check: "",
  };
}

// ---- the inside of a box ----

// The operations of one example, with what they received: told as the whole computation is, from this box only.
function insideOf(computation, b, e) {
  const { nodes, numbers, uses, gradients, forwardError, backwardError } = computation;
  const { name, path, examples } = computation.boxes[b];
  const { received, own, results } = examples[e];
  const within = new Set(own);
  const shown = [...received, ...own].filter((i) => !nodes[i].isConstant);
  const from = shown.filter((i) => !within.has(i) || !nodes[i].row);
  const title = name[0];
  const scale = scaled(gradients);
  const grads = (all) => all.map((i) => [i, shortNumber(gradients[i]), ...strength(scale(gradients[i]))]);
  const which = examples.length > 1 ? ` This is ${wordFor(path)} ${e + 1} of ${examples.length}.` : "";
  const steps = [{
    phase: "forward",
    title: `What ${title} is given`,
    words: `It computes from what it received and from its own parameters.${which}`,
    shows: from.filter((i) => numbers[i] !== undefined),
    get lines() {
      return listed(from.map((i) => equation(nodes[i].name, spread([numbers[i]]))));
    },
  }];
  for (const i of own) if (nodes[i].row && numbers[i] !== undefined) steps.push(computed(computation, i));
  if (forwardError) steps.push(failed(computation));
  else if (backwardError) steps.push(end(computation));
  else {
    steps.push({
      phase: "backward",
      title: `What arrives at ${title}`,
      words: `The backward pass has come to ${title}. From what was made of it has arrived:`,
      grads: grads(results),
      get lines() {
        return listed(results.map((i) => equation(computation.gradientName(i), gradients[i])));
      },
    });
    for (const use of uses) if (within.has(use.node)) steps.push(flow(computation, use, scale));
    steps.push({
      phase: "backward",
      title: "All gradients are known",
      words: `They are of the whole computation: what came from elsewhere${examples.length > 1 ? ", and from other examples," : ""} is in the sums.`,
      grads: grads(shown),
      get lines() {
        return listed(from.map((i) => equation(computation.gradientName(i), gradients[i])));
      },
    });
  }
  return renumbered({ steps, nodes: nodes.map((_, i) => about(computation, i)) }, [...received, ...own], within);
}

// The same story, where values have the numbers of their boxes in the drawing.
function renumbered({ steps, nodes }, shown, within) {
  const number = new Map(shown.map((i, n) => [i, n]));
  const arrow = ({ use: { node, index }, flows: [[, ...flow]] }) => {
    const edge = `${number.get(node)}_${index}`;
    return { edge, flows: [[edge, ...flow]] };
  };
  const those = (all) => all?.filter((i) => number.has(i)).map((i) => number.get(i));
  return {
    steps: steps.map((step) => Object.assign(Object.create(step), {
      shows: those(step.shows),
      node: number.get(step.node),
      from: those(step.from),
      grads: step.grads?.filter(([i]) => number.has(i)).map(([i, ...grad]) => [number.get(i), ...grad]),
      ...(step.use && arrow(step)),
    })),
    nodes: shown.map((i) => Object.assign(Object.create(nodes[i]), {
      from: within.has(i) ? those(nodes[i].from) : [],
      locals: within.has(i) ? nodes[i].locals : [],
    })),
  };
}
