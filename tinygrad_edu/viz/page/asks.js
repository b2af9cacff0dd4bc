// "Ask me": before each step back the page asks for what comes next: the local derivative, what flows, and the sum.

const quiz = { isOn: false, step: 0, open: [], tries: 0, right: 0, asked: 0, done: new Set() };

// What can be asked before a step back.
function questions(use) {
  const { nodes, uses, locals, numbers } = computation;
  const { node, index, parent, upstream, local } = use;
  const operands = nodes[node].from.map((j) => numbers[j]);
  const [from, to] = [nodes[node].name.text, nodes[parent].name.text];
  const { ratio } = computation.localDerivative(use);
  const flows = uses.filter((other) => other.parent === parent).map((other) => other.amount);
  const which = uses.filter((other) => other.parent === parent).indexOf(use) + 1;
  const asked = [];
  if (typeof computation.rule(nodes[node], node)[index] !== "number") {
    const words = `From ${from} back to ${to}. What is the local derivative?`;
    asked.push({ kind: "local", words, formula: ratio, numbers: localNumbers(locals[node], index, numbers[node], operands) });
  }
  if (upstream !== 1 || !asked.length) {
    const words = `${shortNumber(upstream)} has arrived at ${from}. What flows back to ${to}?`;
    const formula = joined([computation.gradientName(node), ratio]);
    asked.push({ kind: "flow", words, formula, numbers: flowNumbers(upstream, local, numbers[node]) });
  }
  if (which > 1) {
    const words = `${to} is used ${flows.length} times, and this is number ${which}. What is its gradient so far?`;
    asked.push({ kind: "sum", words, formula: computation.gradientName(parent), numbers: sumNumbers(flows.slice(0, which)) });
  }
  return asked;
}

// How many mistakes, in all questions, would give the right number.
function hidden() {
  if (computation.forwardError || computation.backwardError) return Infinity;
  const all = computation.uses.flatMap(questions);
  return all.reduce((count, { kind, numbers }) => count + unnoticed(MISTAKES, kind, numbers).length, 0);
}

// Give the inputs other numbers, where mistakes can be told from what is right.
function drawNumbers() {
  const before = [...computation.given];
  let [best, fewest] = [null, hidden()];
  for (let i = 0; i < 40 && fewest > 0; i++) {
    const drawn = [...MISTAKES.telling].sort(() => Math.random() - 0.5);
    computation.leaves.forEach((leaf, k) => (computation.given[leaf] = drawn[k % drawn.length]));
    computation.compute();
    const count = hidden();
    if (count < fewest) [best, fewest] = [[...computation.given], count];
  }
  computation.given.splice(0, before.length, ...(best || before));
  change({});
  return best !== null;
}

function switchQuiz() {
  quiz.isOn = !quiz.isOn;
  set(byId("quiz"), "aria-pressed", quiz.isOn);
  Object.assign(quiz, { right: 0, asked: 0 });
  forgetQuestions();
  if (!quiz.isOn) return showScore();
  const few = computation.uses.length <= 60 && !computation.fixed;
  const drawn = few && hidden() > 0 && drawNumbers();
  show(steps.findIndex(({ phase }) => phase === "backward"));
  const why = drawn ? "These numbers were drawn: with the old ones a mistake could have given the right answer. " : "";
  write(byId("score"), `${why}Go on to the next step: first you are asked.`);
  say(byId("score").textContent);
}

// Ask before going on to a step; false if there is nothing to ask.
function ask(step) {
  const { use, edge } = steps[step] || {};
  if (!quiz.isOn || !use || quiz.done.has(edge)) return false;
  if (quiz.open.length && quiz.step === step) return true;
  Object.assign(quiz, { step, open: questions(use), tries: 0 });
  showQuestion();
  byId("answer").focus();
  return true;
}

function showQuestion() {
  const [question] = quiz.open;
  byId("panel").classList.toggle("asked", Boolean(question));
  byId("question").hidden = !question;
  for (const wire of document.querySelectorAll(".wire.asked")) wire.classList.remove("asked");
  if (!question) return;
  byId("e" + steps[quiz.step].edge).classList.add("asked");
  write(byId("question-words"), question.words);
  rebuild(byId("question-lines"), [["", equation(question.formula, formula("?", "o?"))]], entry);
  byId("answer").value = "";
  write(byId("feedback"), "");
  byId("feedback").className = "";
  byId("give-up").hidden = quiz.tries === 0;
}

function judge(event) {
  event.preventDefault();
  const [question] = quiz.open;
  let answer;
  try {
    answer = evaluated(byId("answer").value, knownNames(), { ...math, ...functions });
  } catch (error) {
    const reason = error instanceof PythonError ? "this is undefined" : error.message;
    return feedback(`${capital(reason)}: type a number, or a formula such as 2*x.`, "unclear");
  }
  const found = diagnoseAnswer(MISTAKES, question.kind, answer, question.numbers);
  quiz.tries += 1;
  if (found === "right") {
    quiz.right += quiz.tries === 1;
    return answered(`✓ ${shortNumber(question.numbers.right)} is right.`);
  }
  const hint = found ? found.hint : MISTAKES.hints[question.kind];
  feedback(quiz.tries === 1 ? `✗ Not yet. ${hint}` : `✗ ${found ? found.diagnosis : hint}`, "wrong");
  byId("give-up").hidden = false;
}

// At other numbers, and in another drawing, other things can be asked.
function forgetQuestions() {
  quiz.open = [];
  quiz.done.clear();
  showQuestion();
}

// The numbers that an answer may name: all that have arrived forward.
function knownNames() {
  const names = computation.nodes.flatMap(({ name, label, isConstant }, i) =>
    isConstant ? [] : [name.text, label].filter(Boolean).map((word) => [word, computation.numbers[i]])
  );
  return Object.fromEntries(names);
}

function feedback(words, kind) {
  write(byId("feedback"), words);
  byId("feedback").className = kind;
  byId("feedback").scrollIntoView({ block: "nearest" });
  say(words);
}

// Go on to the next question or, after the last one, to the step.
function answered(words) {
  quiz.asked += 1;
  quiz.open.shift();
  quiz.tries = 0;
  if (quiz.open.length) showQuestion();
  else {
    quiz.done.add(steps[quiz.step].edge);
    showQuestion();
    show(quiz.step);
    byId("next").focus({ preventScroll: true });
  }
  feedback(words, "right");
  showScore();
}

function showScore() {
  const isOver = quiz.done.size === steps.filter(({ use }) => use).length;
  const count = `${quiz.right} of ${quiz.asked} at the first try${isOver ? ". That was all!" : ""}`;
  write(byId("score"), quiz.isOn && quiz.asked ? count : "");
}

function giveUp() {
  const [question] = quiz.open;
  answered(`It is ${shortNumber(question.numbers.right)}.`);
}

byId("quiz").addEventListener("click", switchQuiz);
byId("question").addEventListener("submit", judge);
byId("give-up").addEventListener("click", giveUp);
