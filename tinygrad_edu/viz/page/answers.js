// Answers as formulas: numbers, names, + - * / and powers, parentheses and functions, read without eval.

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
