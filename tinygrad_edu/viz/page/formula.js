// Formulas as text and as trees of MathML, laid out as formulas/formula.py does it: the same functions by the same names.
// A tree is a list, ["r", "ix", "o+", "n1"] for a row of x + 1: first its element, and a token is one string.
const SUM = 1, PRODUCT = 2, POWER = 3, ATOM = 4; // how tightly a formula holds together
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉", SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const DOTS = formula("…", "o⋯"), APPLIED = formula("", "o\u2061");

function formula(text, tree, binding = ATOM, parts = [""], number = null) {
  return { text, tree, binding, parts, number };
}
const length = (text) => [...text].length;
const subscript = (text) => text.replace(/\d/g, (d) => SUBSCRIPTS[d]).replace("(", "₍").replace(")", "₎");
const superscripted = (text) => text.replace(/\d/g, (d) => SUPERSCRIPTS[d]).replace(/[-−]/g, "⁻");

// ---- numbers, as Python writes them ----

// Four significant digits; what lies half way goes to the even digit, as in Python, where JavaScript rounds it up.
function rounded(x) {
  let [digits, exponent] = x.toExponential(3).split("e").map(Number);
  const rest = (x / 10 ** (exponent - 3)) % 1;
  const isHalfWay = Math.abs(rest - 0.5) < 1e-6 && /^\d\.\d{3}50*e/.test(x.toExponential(60));
  if (isHalfWay && Math.round(digits * 1000) % 2) digits -= 0.001;
  const mantissa = String(Number(digits.toFixed(3)));
  if (exponent < -4 || exponent >= 4) return [mantissa, exponent];
  return [String(Number(`${digits.toFixed(3)}e${exponent}`)), 0];
}

function numeral(x, constant = false) {
  let [text, power] = [String(Math.abs(x)), 0];
  if (Number.isNaN(x)) text = "NaN";
  else if (!Number.isFinite(x)) text = "∞";
  else if (!Number.isInteger(x) || Math.abs(x) >= 1e6) [text, power] = rounded(Math.abs(x));
  let result = formula(text, "n" + text);
  if (power) {
    const tree = ["r", "n" + text, "o×", ["p", "n10", "n" + String(power).replace("-", "−")]];
    result = formula(`${text}×10${superscripted(String(power))}`, tree, PRODUCT);
  }
  if (x < 0) result = row([formula("−", "o−"), result], SUM);
  return { ...result, number: constant ? x : null };
}
const shortNumber = (x) => numeral(x).text;

// All digits, as Python's repr of a float.
function wholeNumber(x) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (Object.is(x, -0)) return "-0.0";
  const [mantissa, exponent] = x.toExponential().split("e");
  if (x !== 0 && (exponent < -4 || exponent >= 16)) {
    const power = String(Math.abs(exponent)).padStart(2, "0");
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${power}`;
  }
  if (Number.isInteger(x)) return x.toFixed(0) + ".0";
  const text = String(x);
  return text.includes("e") ? x.toFixed(mantissa.replace(/[-.]/g, "").length - 1 - exponent) : text;
}

// ---- layouts ----

function row(pieces, binding = ATOM, parts = [""]) {
  return formula(pieces.map((piece) => piece.text).join(""), ["r", ...pieces.map((piece) => piece.tree)], binding, parts);
}
const within = (inner, binding) => (inner.binding >= binding ? inner : fenced("(", inner, ")"));
const formulaOf = (x) => (typeof x === "number" ? numeral(x) : x);

function signed(sign, left = " ", right = " ") {
  const shown = sign === "-" ? "−" : sign;
  return formula(sign === "·" ? shown : left + shown + right, "o" + shown);
}

function separated(sign, formulas, binding = 0) {
  const between = sign === "," ? signed(sign, "") : signed(sign);
  return row(formulas.flatMap((each) => [between, each]).slice(1), binding);
}
// Numbers, from the smallest to the largest.
function spread(numbers) {
  if (!numbers.length || numbers.includes(undefined)) return formula("not known", "tnot known");
  const [low, high] = [numeral(Math.min(...numbers)), numeral(Math.max(...numbers))];
  return low.text === high.text ? low : row([low, formula(" … ", "o…"), high]);
}

const equation = (...sides) => separated("=", sides.map(formulaOf));

function fenced(left, inner, right) {
  return row([formula(left, "o" + left), inner, formula(right, "o" + right)]);
}

function infix(sign, left, right) {
  const level = { "+": SUM, "-": SUM, "·": PRODUCT }[sign];
  if (sign === "·") [left, right] = [factor(left), factor(right)];
  [left, right] = level ? [within(left, level), within(right, level + 1)] : [within(left, ATOM), within(right, ATOM)];
  const terms = sign !== "-" && left.parts[0] === sign ? left.parts.slice(1) : [left];
  return row([left, signed(sign), right], level || SUM, [sign, ...terms, right]);
}
const factor = (inner) => (inner.parts[0] === "/" ? { ...inner, text: `(${inner.text})`, binding: ATOM } : inner);

function prefix(sign, inner) {
  const before = formula(sign === "-" ? "−" : sign, "o" + (sign === "-" ? "−" : sign));
  return row([before, within(inner, "+-·".includes(sign) ? PRODUCT : ATOM)], SUM, [sign, inner]);
}
const suffix = (inner, sign) => row([within(inner, ATOM), formula(sign, "o" + sign)], POWER);

function fraction(top, bottom) {
  const text = `${factor(within(top, PRODUCT)).text} / ${within(bottom, POWER).text}`;
  return formula(text, ["f", top.tree, bottom.tree], PRODUCT, ["/", top, bottom]);
}
const radical = (inner) => formula("√" + within(inner, ATOM).text, ["q", inner.tree], POWER);

function superscript(base, exponent) {
  const isWhole = /^\p{Nd}+$/u;
  const whole = exponent.text.replaceAll("−", "-");
  const raised = isWhole.test(whole.replaceAll("-", "")) ? superscripted(whole) : "^" + within(exponent, ATOM).text;
  if (base.parts[0] === "call" && isWhole.test(exponent.text)) {
    const [, head, inner] = base.parts;
    return row([formula(head.text + raised, ["p", head.tree, exponent.tree]), APPLIED, inner], POWER);
  }
  base = within(base, ATOM);
  return formula(base.text + raised, ["p", ["r", base.tree], exponent.tree], POWER);
}

function call(head, operands) {
  const [called, inner] = [formula(head, "i" + head), fenced("(", separated(",", operands), ")")];
  return row([called, APPLIED, inner], ATOM, ["call", called, inner]);
}

function shortened(long, terms = 6) {
  const [sign, ...operands] = long.parts;
  if (["", "call", "-", "/"].includes(sign) || operands.length <= terms) return long;
  return [...operands.slice(1, 3), DOTS, ...operands.slice(-2)].reduce((a, b) => infix(sign, a, b), operands[0]);
}

const continued = (line, sign, next) => row(line ? [line, signed(sign), next] : [signed(sign, ""), next], 0);

function joined(items, sign = "×") {
  const level = sign === "+" ? SUM : PRODUCT;
  const [first, ...others] = (items.length ? items : [1]).map(formulaOf);
  return separated(sign, [within(first, level), ...others.map((each) => within(each, level + 1))], level);
}

function ratio(sign, top, bottom) {
  [top, bottom] = [within(top, ATOM), within(bottom, ATOM)];
  const space = sign === "d" && /^\p{L}/u.test(top.text) && length(top.text) > 1 ? " " : "";
  const tree = ["f", ["r", "i" + sign, top.tree], ["r", "i" + sign, bottom.tree]];
  return formula(`${sign}${space}${top.text}/${sign}${bottom.text}`, tree);
}

function marked(name, use) {
  return formula(name.text + subscript(`(${use})`), ["b", ["r", name.tree], `n(${use})`]);
}
