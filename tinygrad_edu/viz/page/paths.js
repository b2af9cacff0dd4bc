// All paths from the result back to one value: along each the local derivatives are multiplied, and the products add up.
// As viz/explaining/paths.py does it.
const MAX_PATHS = 20;

function countPaths(target) {
  const counts = nodes.map(() => 0n);
  counts[nodes.length - 1] = 1n;
  for (let i = nodes.length - 1; i > target; i--) for (const j of nodes[i].from) counts[j] += counts[i];
  return counts[target];
}

// Those with the largest products: each { edges, product }, an edge being [number of a value, which of its operands].
function largestPaths(target) {
  const leading = new Set([target]);
  nodes.forEach((node, i) => node.from.some((j) => leading.has(j)) && leading.add(i));
  const arrived = nodes.map(() => []);
  arrived[nodes.length - 1].push({ edges: [], product: 1 });
  for (let i = nodes.length - 1; i > target; i--) {
    const begun = largest(arrived[i]);
    nodes[i].from.forEach((j, k) => {
      if (!leading.has(j)) return;
      for (const { edges, product } of begun) {
        arrived[j].push({ edges: [...edges, [i, k]], product: product * nodes[i].locals[k] });
      }
    });
  }
  return largest(arrived[target]);
}

function largest(paths) {
  const size = ({ product }) => (Number.isNaN(product) ? Infinity : Math.abs(product));
  const chosen = new Set([...paths].sort((a, b) => size(b) - size(a) || 0).slice(0, MAX_PATHS));
  return paths.filter((path) => chosen.has(path));
}

// ---- as formulas ----

const operandName = (i, k) => computation.operandNames(computation.nodes[i])[k];

function inFormulas({ edges, product }) {
  return {
    through: separated("→", [computation.nodes.at(-1).name, ...edges.map(([i, k]) => operandName(i, k))]),
    product: equation(joined(edges.map(([i, k]) => nodes[i].locals[k])), product),
  };
}

function sumOf(target, paths, count) {
  const [whole, total] = [computation.gradientName(target), nodes[target].grad];
  const products = paths.map(({ product }) => product);
  if (count === 1n) return [["", equation(whole, total)]];
  if (count <= MAX_PATHS) return [["the sum", equation(whole, joined(products, "+"), total)]];
  const shown = products.reduce((a, b) => a + b, 0);
  return [["these add up to", numeral(shown)], ["all add up to", equation(whole, total)]];
}
