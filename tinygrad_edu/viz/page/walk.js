// Walking through the drawing with the keyboard: it is one stop for Tab, from which the arrow keys follow its arrows,
// from box to arrow to box.
let stop = null; // the box or the arrow that Tab comes to
let origin = null; // the box from which an arrow was entered, and which end of it lies there

function makeOneStop() {
  for (const part of picture.querySelectorAll(".node:not(.constant), .wire:not(.pale)")) {
    part.setAttribute("role", "button");
    part.setAttribute("tabindex", -1);
  }
  stopAt(picture.querySelector(".node:not(.constant)"));
}

function stopAt(part) {
  stop?.setAttribute("tabindex", -1);
  part.setAttribute("tabindex", 0);
  stop = part;
}

function centreOf(part) {
  const { x, y, width, height } = part.getBBox();
  return { x: x + width / 2, y: y + height / 2, width };
}
const higher = (a, b) => centreOf(a).y - centreOf(b).y;

// The arrows that end in a box, or begin there, from the highest to the lowest.
function arrowsAt({ box, end }) {
  const here = wires.filter(({ local, node, index }) => local && box === boxes[end ? node : nodes[node].from[index]].box);
  return here.map(({ wire }) => wire).sort(higher);
}

function besides(part) {
  if (part.matches(".wire")) {
    const arrows = origin ? arrowsAt(origin) : [];
    return arrows.includes(part) ? arrows : arrowsAt({ box: boxes[wireOf(part).node].box, end: true });
  }
  const { x, width } = centreOf(part);
  const column = boxes.filter(({ box, data }) => data && Math.abs(centreOf(box).x - x) < width / 2);
  return column.map(({ box }) => box).sort(higher);
}

const wireOf = (part) => wires.find(({ wire }) => wire === part);

function neighbour(part, key) {
  if (key === "ArrowUp" || key === "ArrowDown") {
    const all = besides(part);
    return all[all.indexOf(part) + (key === "ArrowUp" ? -1 : 1)];
  }
  const back = key === "ArrowLeft";
  if (part.matches(".node")) {
    origin = { box: part, end: back };
    return arrowsAt(origin)[0];
  }
  const { node, index } = wireOf(part);
  return boxes[back ? nodes[node].from[index] : node].box;
}

drawing.addEventListener("keydown", (event) => {
  const part = event.target.closest(".node, .wire");
  if (!part || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Enter" || event.key === " ") choose(part);
  else if (event.key.startsWith("Arrow")) walkTo(neighbour(part, event.key));
  else return;
  event.preventDefault();
});

function walkTo(part) {
  if (!part) return;
  stopAt(part);
  part.focus({ preventScroll: true });
  bring([part]);
}
