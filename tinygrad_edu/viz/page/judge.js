// The judge of answers: the same functions by the same names as in calculus/mistakes.py, whose table `mistakes_for_page`
// puts into the page. A name may stand for several numbers; where one is missing, a formula gives nothing.
function diagnoseAnswer(table, kind, answer, numbers) {
  if (isNear(table, answer, numbers.right)) return "right";
  const made = (mistake) => mistakeResults(mistake.formula, numbers).some((x) => isNear(table, answer, x));
  return table.mistakes.find((mistake) => mistake.kinds.includes(kind) && made(mistake)) ?? null;
}

function unnoticed(table, kind, numbers) {
  const ofKind = table.mistakes.filter((mistake) => mistake.kinds.includes(kind));
  if (!Number.isFinite(numbers.right) || numbers.right === 0) return ofKind;
  const hidden = (x) => isNear(table, x, numbers.right);
  return ofKind.filter((mistake) => mistakeResults(mistake.formula, numbers).some(hidden));
}

function localNumbers(locals, index, value, operands) {
  const right = locals[index];
  return { right, other: locals.filter((local) => local !== right), value, operand: operands[index] };
}

function flowNumbers(upstream, local, value) {
  const numbers = { right: upstream * local, added: upstream + local };
  if (upstream !== 1) numbers.local = local;
  if (local !== 1) Object.assign(numbers, { upstream, value });
  return numbers;
}

function sumNumbers(flows) {
  const right = flows.reduce((sum, flow) => sum + flow, 0);
  const one = flows.filter((flow) => flow !== 0);
  if (one.length < 2) return { right };
  return { right, one, product: one.reduce((product, flow) => product * flow, 1), last: one[one.length - 1] };
}

// What a formula gives: a name, a number, or a list of a sign and its operands.
function mistakeResults(formula, numbers) {
  if (typeof formula === "number") return [formula];
  if (typeof formula === "string") return [numbers[formula] ?? []].flat();
  const [sign, ...operands] = formula;
  const [left, right] = operands.map((operand) => mistakeResults(operand, numbers));
  if (right === undefined) return left.map((x) => -x);
  return left.flatMap((x) => right.map((y) => (sign === "*" ? x * y : sign === "+" ? x + y : x - y)));
}

function isNear(table, x, y) {
  return Math.abs(x - y) < table.tolerance * Math.abs(y) + 1e-9;
}
