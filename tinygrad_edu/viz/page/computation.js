// The computation: its numbers, its derivatives and its formulas, from the graph and the rows of the table that Python has
// sent, as explaining/explanation.py has them.

class Computation {
  // nodes: in topological order, the result last; rows and rules: of the table; functions: what each row
  // computes; product and quotient: which rows these are; boxes: those of the overview, if there is one.
  constructor({ nodes, rows, rules, product, quotient, fixed, boxes }, functions) {
    this.nodes = nodes.map((node) => ({
      ...node,
      isConstant: "constant" in node,
      name: node.name ? formula(...node.name) : numeral(Number(node.constant), true),
      rule: rules[node.rule],
      row: rows[node.row],
      from: node.from || [],
    }));
    [this.rows, this.functions, this.fixed, this.boxes] = [rows, functions, fixed, boxes];
    [this.product, this.quotient] = [rows[product], rows[quotient]];
    this.root = this.nodes.length - 1;
    this.given = this.nodes.map((node) => Number(node.constant ?? node.number));
    this.leaves = this.nodes.flatMap((node, i) => (node.row || node.isConstant ? [] : [i]));
    this.compute();
  }

  // Compute everything from what is given. After an error, forwardError or backwardError tells at which node it ended.
  compute() {
    [this.numbers, this.forwardError] = this.forward({});
    this.locals = this.nodes.map(() => []);
    this.gradients = this.nodes.map(() => 0);
    this.backwardError = null;
    this.uses = [];
    if (!this.forwardError) this.backward();
  }

  // All numbers, where those of some nodes may be replaced; after an error what is computed is undefined.
  forward(replaced) {
    const numbers = [];
    let failure = null;
    for (const [i, node] of this.nodes.entries()) {
      if (!node.row || i in replaced) numbers.push(replaced[i] ?? this.given[i]);
      else if (failure) numbers.push(undefined);
      else {
        try {
          numbers.push(this.result(node, node.from.map((j) => numbers[j])));
        } catch (error) {
          failure = { node: i, ...this.said(error, "", node, numbers) };
          numbers.push(undefined);
        }
      }
    }
    return [numbers, failure];
  }

  result(node, operands) {
    return this.fixed ? Number(node.data) : this.functions[node.row.name](...operands);
  }

  backward() {
    this.gradients[this.root] = 1;
    for (let i = this.root; i >= 0; i--) {
      const node = this.nodes[i];
      const upstream = this.gradients[i];
      if (!node.row) continue;
      try {
        this.locals[i] = this.derivatives(node, i);
      } catch (error) {
        if (!upstream) continue;
        this.backwardError = { node: i, ...this.said(error, "the derivative of ", node, this.numbers) };
        return;
      }
      node.from.forEach((parent, index) => {
        if (this.nodes[parent].isConstant) return;
        const local = this.locals[i][index];
        const amount = upstream === 0 || local === 0 ? 0 : upstream * local; // zero absorbs
        this.gradients[parent] += amount;
        this.uses.push({ node: i, index, parent, upstream, local, amount, total: this.gradients[parent] });
      });
    }
  }

  derivatives(node, i) {
    if (this.fixed) {
      if (!node.locals) throw new PythonError(...node.error);
      return node.locals.map(Number);
    }
    return this.rule(node, i).map((tree, index) =>
      this.nodes[node.from[index]].isConstant ? NaN : this.evaluate(tree, node, i)
    );
  }

  // The trees of a node's derivatives, in the way that its rule goes at these numbers.
  rule(node, i) {
    let cases = node.rule;
    while (cases && cases.ask) {
      const [sign, left, right] = cases.ask;
      const [a, b] = [this.evaluate(left, node, i), this.evaluate(right, node, i)];
      const holds = { "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "===": a === b, "!==": a !== b };
      cases = holds[sign] ? cases.yes : cases.no;
    }
    if (!cases) throw new PythonError("ValueError", "");
    return cases;
  }

  evaluate(tree, node, i) {
    if (Array.isArray(tree)) {
      const operands = tree.slice(1).map((part) => this.evaluate(part, node, i));
      return this.functions[this.rows[tree[0]].name](...operands);
    }
    if (tree === "y") return this.numbers[i];
    return isOperand(tree) ? this.numbers[node.from[tree]] : Number(tree);
  }

  // What Python says of an error.
  said(error, of, node, numbers) {
    if (!(error instanceof PythonError)) throw error;
    const { kind, message } = error;
    if (this.fixed) return { kind, message };
    const operands = node.from.slice(0, 4).map((j) => {
      const { label, name, isConstant } = this.nodes[j];
      const called = isConstant ? "" : label ?? name.text;
      return (called ? `${length(called) > 40 ? [...called].slice(0, 39).join("") + "…" : called} = ` : "") + wholeNumber(numbers[j]);
    });
    if (node.from.length > 4) operands.push(`${node.from.length - 4} more`);
    const described = [operands.slice(0, -1).join(", "), operands.at(-1)].filter(Boolean).join(" and ");
    const isInfinite = of && kind === "ZeroDivisionError";
    const verdict = isInfinite ? "is infinite" : kind === "OverflowError" ? "is too large for a float" : "is undefined";
    const reason = node.row.explains && !of ? ` (${message})` : "";
    return { kind, message: `${of}${node.row.name}${of ? " at " : " of "}${described} ${verdict}${reason}` };
  }

  // ---- formulas ----

  // The formula of an operation, as its notation says.
  write(row, operands, tidy = false) {
    if (row.definition) {
      if (row.repeated.some((i) => length(operands[i].text) > 12)) return call(row.left, operands);
      return this.follow(row.definition, operands, null, tidy);
    }
    return (tidy && this.tidied(row, operands)) || layout(row, this.abridged(row, operands, tidy));
  }

  abridged(row, operands, tidy) {
    return tidy && row.any && operands.length > 6 ? [...operands.slice(0, 3), DOTS, ...operands.slice(-2)] : operands;
  }

  tidied(row, operands) {
    const [a, b] = operands;
    if ((row === this.product || row === this.quotient) && a.number !== null && a.number < 0) {
      return prefix("-", this.write(row, [numeral(-a.number, true), b], true));
    }
    if (row === this.product && a.text === b.text) return superscript(a, numeral(2));
    if (row === this.quotient && a.parts[0] === "/") {
      return fraction(a.parts[1], this.write(this.product, [a.parts[2], b], true));
    }
    return null;
  }

  // The formula of a tree whose operands are known.
  follow(tree, operands, output, tidy) {
    if (Array.isArray(tree)) {
      const written = this.write(this.rows[tree[0]], tree.slice(1).map((part) => this.follow(part, operands, output, tidy)), tidy);
      return tidy ? shortened(written) : written;
    }
    if (tree === "y") return output;
    return isOperand(tree) ? operands[tree] : numeral(Number(tree), true);
  }

  // How a node was computed, in names and in numbers.
  formulas(i) {
    const { row, from } = this.nodes[i];
    const numbers = from.map((j) => numeral(this.numbers[j]));
    return [from.map((j) => this.nodes[j].name), numbers].map((operands) => shortened(this.write(row, operands)));
  }

  // The names of a node's operands, where it has one more than once with the number of the use.
  operandNames({ from }) {
    const seen = new Map();
    return from.map((j) => {
      seen.set(j, (seen.get(j) || 0) + 1);
      const isSeveral = from.filter((other) => other === j).length > 1 && !this.nodes[j].isConstant;
      return isSeveral ? marked(this.nodes[j].name, seen.get(j)) : this.nodes[j].name;
    });
  }

  // The derivative of a node by one of its operands: its name, and the rule in names and in numbers.
  localDerivative({ node: i, index }) {
    const node = this.nodes[i];
    const operands = this.operandNames(node);
    let whole = this.write(node.row, operands);
    if (length(whole.text) > 24) whole = node.name;
    const sign = node.from.filter((j) => !this.nodes[j].isConstant).length === 1 ? "d" : "∂";
    const numbers = node.from.map((j) => (this.nodes[j].isConstant ? this.nodes[j].name : numeral(this.numbers[j])));
    const tree = this.rule(node, i)[index];
    const rule = this.follow(tree, operands, this.write(node.row, operands, true), true);
    const inNumbers = this.follow(tree, numbers, numeral(this.numbers[i]), true);
    return { ratio: ratio(sign, whole, operands[index]), rule, inNumbers };
  }

  gradientName(i) {
    return ratio("∂", this.nodes[this.root].name, this.nodes[i].name);
  }
}

// In a tree, "0" is an operand, and a number, which where JSON has none is a word, a constant.
const isOperand = (tree) => typeof tree === "string" && /^\d+$/.test(tree);

function layout({ where, left, right }, operands) {
  if (where === "before" || !operands.length) return call(left, operands);
  if (where === "between") return operands.reduce({ "/": fraction, "^": superscript }[left] || ((a, b) => infix(left, a, b)));
  if (where === "bracketed") return fenced("[", operands.length > 1 ? infix(left, ...operands) : operands[0], "]");
  if (left && right) return fenced(left, operands[0], right);
  if (right) return suffix(operands[0], right);
  return left === "√" ? radical(operands[0]) : prefix(left, operands[0]);
}
