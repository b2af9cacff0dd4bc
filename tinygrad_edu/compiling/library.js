// The arithmetic of Python's floats and the functions of its module math, with the errors that they raise there.
"use strict";

class PythonError extends Error {
  // kind: "ValueError", "ZeroDivisionError" or "OverflowError"
  constructor(kind, message) {
    super(message);
    this.name = this.kind = kind;
  }
}

function divide(a, b) {
  if (b === 0) throw new PythonError("ZeroDivisionError", "division by zero");
  return a / b;
}

// What is left of a after whole numbers of b; it has the sign of b.
function remainder(a, b) {
  if (b === 0) throw new PythonError("ZeroDivisionError", "modulo by zero");
  const rest = a % b;
  if (rest === 0) return b < 0 ? -0.0 : 0.0;
  return rest < 0 === b < 0 ? rest : rest + b;
}

function power(x, n) {
  if (n === 0 || x === 1 || (x === -1 && Math.abs(n) === Infinity)) return 1.0;
  if (x === 0 && n < 0 && n !== -Infinity) {
    throw new PythonError("ZeroDivisionError", "zero to a negative power");
  }
  const y = x ** n;
  const isComplex = y !== y && x === x && n === n;
  const size = isComplex ? Math.abs(x) ** n : Math.abs(y);
  if (size === Infinity && Number.isFinite(x) && Number.isFinite(n)) {
    throw new PythonError("OverflowError", "result too large");
  }
  if (isComplex) throw new PythonError("ValueError", "a negative number to a fractional power is not real");
  return y;
}

// From left to right: operands[0] * operands[pairs] + operands[1] * operands[pairs + 1] + ..., and what comes after.
function sumOfProducts(operands, pairs) {
  const terms = operands.slice(0, pairs).map((x, i) => x * operands[pairs + i]);
  terms.push(...operands.slice(2 * pairs));
  return terms.length ? terms.reduce((a, b) => a + b) : 0.0;
}

const math = (() => {
  // Numbers give a number: otherwise the function is undefined there, or its result too large for a float.
  function checked(f, overflows = false) {
    return (...numbers) => {
      const y = f(...numbers);
      if (y !== y && numbers.every((x) => x === x)) throw new PythonError("ValueError", "math domain error");
      if (Math.abs(y) === Infinity && numbers.every(Number.isFinite)) {
        throw overflows ? new PythonError("OverflowError", "math range error")
          : new PythonError("ValueError", "math domain error");
      }
      return y;
    };
  }

  function whole(f) {
    return (x) => {
      if (x !== x) throw new PythonError("ValueError", "cannot convert float NaN to integer");
      if (!Number.isFinite(x)) throw new PythonError("OverflowError", "cannot convert float infinity to integer");
      return f(x) + 0.0; // an integer has no -0
    };
  }

  // exp(-x²); x is split so that the square of its first part is exact (an error in x² would be multiplied by x²).
  function gauss(x) {
    const first = Math.round(x * 16) / 16;
    return Math.exp(-first * first) * Math.exp((first - x) * (first + x));
  }

  // Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.6: 2/√π exp(-x²) (x + 2/3 x³ + 2²/(3·5) x⁵ + ...)
  function erfNearZero(x) {
    let term = x, sum = x;
    for (let n = 3; Math.abs(term) > 1e-17 * Math.abs(sum); n += 2) {
      term *= 2 * x * x / n;
      sum += term;
    }
    return 2 / Math.sqrt(Math.PI) * gauss(x) * sum;
  }

  // The same, 7.1.14: exp(-x²)/√π / (x + (1/2)/(x + (2/2)/(x + (3/2)/(x + ...)))), for x that are not small
  function erfcFarFromZero(x) {
    let below = x;
    for (let n = 150; n > 0; n--) below = x + n / 2 / below;
    return gauss(x) / Math.sqrt(Math.PI) / below;
  }

  const FAR = 1.25;

  function erf(x) {
    if (x !== x) return x;
    if (Math.abs(x) < FAR) return erfNearZero(x);
    return x > 0 ? 1 - erfc(x) : erfc(-x) - 1;
  }

  function erfc(x) {
    if (x !== x) return x;
    if (x < -FAR) return 2 - erfc(-x);
    if (x < FAR) return 1 - erfNearZero(x);
    return x < 30 ? erfcFarFromZero(x) : 0.0;
  }

  const functions = {
    erf, erfc, pow: power,
    abs: Math.abs, fabs: Math.abs, atan2: Math.atan2, hypot: Math.hypot,
    floor: whole(Math.floor), ceil: whole(Math.ceil),
    fmod: checked((a, b) => a % b),
    copysign: (a, b) => b < 0 || Object.is(b, -0.0) ? -Math.abs(a) : Math.abs(a),
    degrees: (x) => x * (180 / Math.PI), radians: (x) => x * (Math.PI / 180),
    max: (...numbers) => numbers.reduce((a, b) => b > a ? b : a),
    min: (...numbers) => numbers.reduce((a, b) => b < a ? b : a),
  };
  for (const name of ["acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "log", "log10", "log1p", "log2", "sin",
    "sqrt", "tan", "tanh"]) functions[name] = checked(Math[name]);
  for (const name of ["cosh", "exp", "expm1", "sinh"]) functions[name] = checked(Math[name], true);
  return Object.freeze(functions);
})();
