// The story of a computation: its steps forward and back, and all there is to know about each value, in words and
// formulas. What is long to write is written when it is asked for.

const MANY = 12; // lines of a list that are shown
const WIDTH = 34; // characters of a formula that fit on a phone

function story(computation) {
  const { nodes, uses, forwardError, backwardError } = computation;
  const steps = [given(computation)];
  for (const [i, node] of nodes.entries()) {
    if (forwardError && i >= forwardError.node) break;
    if (node.row) steps.push(computed(computation, i));
  }
  if (forwardError) {
    steps.push(failed(computation));
  } else {
    const scale = scaled(computation.gradients);
    steps.push(start(computation, scale), ...uses.map((use) => flow(computation, use, scale)), end(computation));
  }
  return { steps, nodes: nodes.map((_, i) => about(computation, i)) };
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

// ---- the steps ----

function given({ nodes, leaves, numbers }) {
  return {
    phase: "forward",
    title: "What is given",
    words: "The forward pass computes each value from those before it. It starts from these.",
    shows: leaves,
    get lines() {
      return listed(leaves.map((i) => equation(nodes[i].name, numbers[i])));
    },
  };
}

function computed(computation, i) {
  const { nodes, numbers } = computation;
  const { name, row, from } = nodes[i];
  return {
    phase: "forward",
    title: `Compute ${name.text}`,
    shows: [i],
    node: i,
    from,
    get words() {
      const says = row.says ? `${row.says}. ` : ""; // signs speak for themselves
      const operands = from.filter((j) => !nodes[j].isConstant).map((j) => equation(nodes[j].name, numbers[j]).text);
      const source = operands.length > 4 ? `${operands.length} values` : inWords([...new Set(operands)]) || "constants";
      return `${says}From ${source} comes ${name.text} = ${shortNumber(numbers[i])}.`;
    },
    get lines() {
      return wrapped("", [name, ...computation.formulas(i), numeral(numbers[i])]);
    },
  };
}

function failed({ forwardError: { node, message } }) {
  return { phase: "forward", title: "Here it ends", words: `${capital(message)}.`, lines: [], node, failed: true };
}

function start(computation, scale) {
  const { root, nodes } = computation;
  const name = nodes[root].name.text;
  return {
    phase: "backward",
    title: `Start from ${name}`,
    words: `The backward pass finds out how much ${name} changes when each value changes a little. For ${name} itself that is as much: 1.`,
    node: root,
    grads: [[root, "1", ...strength(scale(1))]],
    get lines() {
      return [["", equation(computation.gradientName(root), 1)]];
    },
  };
}

function flow(computation, use, scale) {
  const { nodes, uses } = computation;
  const { node, index, parent, upstream, local, amount, total } = use;
  const [from, to] = [nodes[node].name.text, nodes[parent].name.text];
  return {
    phase: "backward",
    title: `From ${from} back to ${to}`,
    node: parent,
    from: [node],
    use,
    edge: `${node}_${index}`,
    flows: [[`${node}_${index}`, ...strength(scale(amount))]],
    grads: [[parent, shortNumber(total), ...strength(scale(total))]],
    get words() {
      const all = uses.filter((other) => other.parent === parent);
      const which = all.indexOf(use) + 1;
      const sum = which > 1 ? ", and they add up." : ".";
      const several = ` It is contribution ${which} of ${all.length}, because ${to} is used ${all.length} times${sum}`;
      return (
        `${shortNumber(upstream)} has arrived at ${from}. The local derivative is ${shortNumber(local)}, ` +
        `so ${shortNumber(amount)} flows on to ${to}.${all.length > 1 ? several : ""}`
      );
    },
    get lines() {
      return chainRule(computation, use);
    },
  };
}

function end(computation) {
  const { root, nodes, leaves, gradients, backwardError } = computation;
  if (backwardError) {
    const { kind, message } = backwardError;
    const words = `${message}: here backward() raises ${kind}, and adds nothing to any grad.`;
    return { phase: "backward", title: "Here it ends", words, lines: [] };
  }
  return {
    phase: "backward",
    title: "All gradients are known",
    words: `If a value grows by a little, ${nodes[root].name.text} changes by its gradient times as much.`,
    get lines() {
      return listed(leaves.map((i) => equation(computation.gradientName(i), gradients[i])));
    },
  };
}

// ---- lines of formulas: each a term, which may be empty, and a formula or a text ----

function listed(formulas) {
  const lines = formulas.slice(0, MANY).map((each) => ["", each]);
  if (formulas.length > MANY) lines.push(["", `and ${formulas.length - MANY} more`]);
  return lines;
}

function chainRule(computation, use) {
  const { node, parent, upstream, local, amount, total } = use;
  const derivative = computation.localDerivative(use);
  const rule = [derivative.ratio, derivative.rule];
  for (const more of [derivative.inNumbers, numeral(local)]) {
    if (more.text !== rule.at(-1).text) rule.push(more);
  }
  const chain = [joined([computation.gradientName(node), derivative.ratio]), joined([upstream, local]), numeral(amount)];
  const lines = [...wrapped("Rule", rule), ...wrapped("Chain rule", chain)];
  const all = computation.uses.filter((other) => other.parent === parent);
  const soFar = all.slice(0, all.indexOf(use) + 1);
  if (soFar.length > 1) {
    const terms = soFar.slice(-6).map((other) => other.amount);
    if (soFar.length > 6) terms.unshift(DOTS);
    lines.push(["Sum", equation(computation.gradientName(parent), joined(terms, "+"), total)]);
  }
  return lines;
}

// An equation on as many lines as a phone needs; each but the first begins with a sign, = or +.
function wrapped(term, formulas) {
  const lines = [formulas[0]];
  for (const next of formulas.slice(1)) {
    const parts = next.parts[0] === "+" && length(next.text) > WIDTH ? next.parts.slice(1) : [next];
    parts.forEach((part, i) => {
      const sign = i ? "+" : "=";
      const longer = continued(lines.at(-1), sign, part);
      if (length(longer.text) <= WIDTH) lines[lines.length - 1] = longer;
      else lines.push(continued(null, sign, part));
    });
  }
  return lines.map((line, i) => [i ? "" : term, line]);
}

function inWords(texts) {
  return [texts.slice(0, -1).join(", "), ...texts.slice(-1)].filter(Boolean).join(" and ");
}

// ---- about one value ----

function about(computation, i) {
  const { nodes, numbers, gradients, locals, root, uses } = computation;
  const { name, isConstant, row, role, from, label } = nodes[i];
  const number = numbers[i];
  if (isConstant) return { name: shortNumber(number), kind: "constant", value: wholeNumber(number), number, from, locals: [] };
  const isKnown = number !== undefined;
  return {
    name: name.text,
    label,
    kind: row ? `computed by ${row.name}` : role,
    value: isKnown ? wholeNumber(number) : "not known",
    shown: isKnown ? shortNumber(number) : "?",
    grad: gradients[i],
    from,
    locals: locals[i],
    get computed() {
      return row && isKnown ? wrapped("computed as", [name, ...computation.formulas(i), numeral(number)]) : [];
    },
    get gradient() {
      if (computation.forwardError) return "not known, because the forward pass fails";
      return computation.backwardError ? "not known, because the backward pass fails" : wholeNumber(gradients[i]);
    },
    get parts() {
      const parts = uses.filter((use) => use.parent === i).map((use) => [through(computation, use), product(use)]);
      if (i === root) parts.unshift(["as the start of the backward pass", numeral(1)]);
      if (parts.length > 1) parts.push(["sum", equation(computation.gradientName(i), gradients[i])]);
      return parts;
    },
    get check() {
      return nudged(computation, i);
    },
  };
}

const product = ({ upstream, local, amount }) => equation(joined([upstream, local]), amount);

function through(computation, { node, index, parent }) {
  const operand = computation.operandNames(computation.nodes[node])[index].text;
  const by = `through ${computation.nodes[node].name.text}`;
  return operand === computation.nodes[parent].name.text ? by : `${operand} ${by}`;
}

// What a small change of a value does: a check of its gradient that uses no rule.
function nudged(computation, i) {
  const { root, nodes, numbers, gradients, forwardError, backwardError, fixed } = computation;
  if (i === root || forwardError || backwardError || fixed) return "";
  const [x, y] = [nodes[i].name.text, nodes[root].name.text];
  const size = 10 ** Math.floor(Math.log10(Math.max(1, Math.abs(numbers[i]))));
  const slopes = (step) => {
    const [below, at, above] = [-step, 0, step].map((s) => computation.forward({ [i]: numbers[i] + s })[0][root]);
    return [(at - below) / step, (above - at) / step];
  };
  const step = 1e-5 * size;
  const [[below, above], [closeBelow, closeAbove]] = [slopes(step), slopes(step / 10)];
  if (Number.isNaN(below) || Number.isNaN(above)) return `Next to ${x} = ${shortNumber(numbers[i])}, ${y} is not defined.`;
  const largest = Math.max(Math.abs(below), Math.abs(above));
  const noise = (1e-14 * Math.max(Math.abs(numbers[root]), largest * size)) / step;
  const bend = Math.abs(above - below);
  if (bend > 1e-3 * largest + 100 * noise && Math.abs(closeAbove - closeBelow) > bend / 2) {
    return `A kink: below, ${y} changes ${shortNumber(below)} times as much as ${x}; above, ${shortNumber(above)} times.`;
  }
  const slope = (below + above) / 2;
  const agrees = Math.abs(slope - gradients[i]) <= 1e-5 * Math.max(Math.abs(slope), Math.abs(gradients[i])) + noise;
  const said = `nudge ${x} by ±${shortNumber(step)}, and ${y} changes ${shortNumber(slope)} times as much`;
  return agrees ? `✓ ${capital(said)}.` : `✗ ${capital(said)}, which does not agree.`;
}

// ---- colours ----

// The share of the largest gradient, from -1 to 1: its square root, so that small ones are seen beside large ones.
function scaled(gradients) {
  const largest = Math.max(0, ...gradients.map(Math.abs).filter(Number.isFinite));
  return (x) => (x ? Math.sign(x) * (largest ? Math.min(Math.sqrt(Math.abs(x) / largest), 1) : 1) : 0);
}
const strength = (share) => [Math.sign(share), Math.round(Math.abs(share) * 1000) / 1000];
