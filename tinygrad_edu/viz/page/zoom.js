// The view of the drawing: it follows the steps, is zoomed by wheel, fingers, keys and buttons, and moved by dragging.
// The point (x, y) of the drawing is seen at (left + scale · x, top + scale · y).
const drawing = byId("drawing");
let picture, extent; // set by hang
const view = { left: 0, top: 0, scale: 1 };
const EDGE = 12;

function hang(another) {
  picture = another;
  extent = picture.viewBox.baseVal;
  Object.assign(picture.style, { width: extent.width + "px", height: extent.height + "px" });
  drawing.replaceChildren(picture);
  fit();
}

function look(left, top, scale, smoothly) {
  const bounded = (x, size, room) => Math.max(60 - size * scale, Math.min(x, room - 60)); // some of it is always seen
  view.left = bounded(left, extent.width, drawing.clientWidth);
  view.top = bounded(top, extent.height, drawing.clientHeight);
  view.scale = scale;
  picture.classList.toggle("smoothly", smoothly);
  picture.style.transform = `translate(${view.left}px, ${view.top}px) scale(${scale})`;
}

function scaleOfWhole() {
  const fits = (room, size) => (room - 2 * EDGE) / size;
  return Math.min(fits(drawing.clientWidth, extent.width), fits(drawing.clientHeight, extent.height), 1.7);
}

function zoomTo(scale, smoothly) {
  const start = (room, size) => Math.max(EDGE, (room - size * scale) / 2);
  look(start(drawing.clientWidth, extent.width), start(drawing.clientHeight, extent.height), scale, smoothly);
}

// The whole is seen at first, unless its text were too small to read; the style sheet knows what that is.
function fit(smoothly = false) {
  zoomTo(Math.max(scaleOfWhole(), Number(getComputedStyle(drawing).getPropertyValue("--readable"))), smoothly);
}

function zoom(factor, x = drawing.clientWidth / 2, y = drawing.clientHeight / 2, smoothly = true) {
  const scale = Math.max(Math.min(scaleOfWhole(), 0.4), Math.min(view.scale * factor, 4));
  const grown = scale / view.scale;
  look(x - (x - view.left) * grown, y - (y - view.top) * grown, scale, smoothly);
}

// Move the drawing so that all these parts of it are seen or, where there is no room for all, the first of them.
function bring(parts) {
  const { left, top, scale } = view;
  const room = { x: drawing.clientWidth, y: drawing.clientHeight };
  const span = (few, axis, side) => {
    const sizes = few.map((part) => part.getBBox());
    return [Math.min(...sizes.map((size) => size[axis])), Math.max(...sizes.map((size) => size[axis] + size[side]))];
  };
  const shift = (start, axis, side) => {
    let [low, high] = span(parts, axis, side).map((x) => start + scale * x);
    if (high - low > room[axis]) [low, high] = span(parts.slice(0, 1), axis, side).map((x) => start + scale * x);
    return start + Math.max(EDGE - low, 0) - Math.max(high + EDGE - room[axis], 0);
  };
  look(shift(left, "x", "width"), shift(top, "y", "height"), scale, true);
}

// ---- mouse and fingers ----

const pointers = new Map(); // those that are down, by id, where they were last
let dragged = false; // so that letting go is not a click

function inside(event) {
  const { left, top } = drawing.getBoundingClientRect();
  return { x: event.clientX - left, y: event.clientY - top };
}
const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

drawing.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  pointers.set(event.pointerId, inside(event));
  dragged = pointers.size > 1;
});
drawing.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const now = inside(event);
  if (!dragged && distance(now, before) < 5) return;
  dragged = true;
  drawing.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, now);
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  if (other) zoom(distance(now, other) / distance(before, other), other.x, other.y, false);
  else look(view.left + now.x - before.x, view.top + now.y - before.y, view.scale, false);
});
for (const end of ["pointerup", "pointercancel"]) {
  drawing.addEventListener(end, (event) => pointers.delete(event.pointerId));
}
drawing.addEventListener(
  "wheel",
  (event) => {
    if (self !== top && !event.ctrlKey) return; // in a notebook the wheel scrolls the notebook
    event.preventDefault();
    const { x, y } = inside(event);
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 30 : 1) * (event.ctrlKey ? 0.01 : 0.0015)), x, y, false);
  },
  { passive: false },
);
