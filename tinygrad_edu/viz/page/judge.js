// The judge of answers: which mistake of calculus/mistakes.py gives a number, and formulas that were typed.

const { mistakes, hints, tolerance } = MISTAKES;
const isNear = (x, y) => Math.abs(x - y) < tolerance * Math.abs(y) + 1e-9;

// What a mistake gives: a name may stand for several numbers, and a missing one for none.
function results(tree, numbers) {
  if (typeof tree === "number") return [tree];
  if (typeof tree === "string") return [numbers[tree] ?? []].flat();
  const [sign, left, right] = tree;
  const first = results(left, numbers);
  if (right === undefined) return first.map((x) => -x);
  const operate = { "*": (x, y) => x * y, "+": (x, y) => x + y, "-": (x, y) => x - y }[sign];
  return first.flatMap((x) => results(right, numbers).map((y) => operate(x, y)));
}

// The mistake that gives an answer; "right", or null if none does.
function verdict(kind, answer, numbers) {
  if (isNear(answer, numbers.right)) return "right";
  const gives = (mistake) => results(mistake.formula, numbers).some((x) => isNear(answer, x));
  return mistakes.find((mistake) => mistake.kinds.includes(kind) && gives(mistake)) || null;
}

// How many mistakes give the right number.
function unnoticed(kind, numbers) {
  const ofKind = mistakes.filter((mistake) => mistake.kinds.includes(kind));
  if (!Number.isFinite(numbers.right) || numbers.right === 0) return ofKind.length;
  return ofKind.filter(({ formula }) => results(formula, numbers).some((x) => isNear(x, numbers.right))).length;
}

// ---- the numbers of a question, as calculus/mistakes.py names them ----

function localNumbers({ nodes, numbers, locals }, { node, index, parent, local }) {
  const real = locals[node].filter((_, i) => !nodes[nodes[node].from[i]].isConstant);
  return { right: local, other: real.filter((x) => x !== local), value: numbers[node], operand: numbers[parent] };
}

function flowNumbers({ numbers }, { node, upstream, local }) {
  const named = { right: upstream * local, added: upstream + local };
  if (upstream !== 1) named.local = local;
  if (local !== 1) [named.upstream, named.value] = [upstream, numbers[node]];
  return named;
}

function sumNumbers(flows) {
  const some = flows.filter((x) => x !== 0);
  const named = { right: flows.reduce((a, b) => a + b, 0) };
  if (some.length < 2) return named;
  return { ...named, one: some, product: some.reduce((a, b) => a * b), last: some.at(-1) };
}

// ---- answers ----

// The number that a typed formula of known names gives; an error tells what is wrong with it.
function evaluated(text, known, functions) {
  const words = text.replaceAll("−", "-").match(/\d+\.?\d*(?:e[-+]?\d+)?|\.\d+|\p{L}[\p{L}\p{No}\p{Nd}_⁽⁾₍₎#.]*|\*\*|\S/giu) || [];
  let i = 0;
  const take = (...wanted) => (wanted.includes(words[i]) ? words[i++] : null);
  const sum = () => chain(product, { "+": (a, b) => a + b, "-": (a, b) => a - b });
  const product = () => chain(signed, { "*": (a, b) => a * b, "·": (a, b) => a * b, "×": (a, b) => a * b, "/": divide });
  function chain(next, signs) {
    let x = next();
    for (let sign; (sign = take(...Object.keys(signs))); ) x = signs[sign](x, next());
    return x;
  }
  function signed() {
    const sign = take("-", "+");
    if (sign) return sign === "-" ? -signed() : signed();
    const base = atom();
    return take("**", "^") ? power(base, signed()) : base;
  }
  function atom() {
    const word = words[i++];
    if (word === undefined) throw new SyntaxError("something is missing at the end");
    if (word === "(") {
      const x = sum();
      if (!take(")")) throw new SyntaxError("a ( is never closed");
      return x;
    }
    if (/^[\d.]/.test(word)) return Number(word);
    if (words[i] === "(" && Object.hasOwn(functions, word)) return applied(functions[word]);
    if (!Object.hasOwn(known, word)) throw new SyntaxError(`there is no ${word} here`);
    return known[word];
  }
  function applied(f) {
    i++;
    const operands = [sum()];
    while (take(",")) operands.push(sum());
    if (!take(")")) throw new SyntaxError("a ( is never closed");
    return f(...operands);
  }
  const x = sum();
  if (i < words.length) throw new SyntaxError(`${words[i]} is not expected here`);
  if (!Number.isFinite(x)) throw new SyntaxError("this gives no number");
  return x;
}
