// The quiz. It draws the items that quiz.py has checked and explains every option that is clicked.

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// `code` between backticks becomes <code>. Text stays text: nothing is ever parsed as HTML.
function withCode(text) {
  return text.split("`").map((part, i) => (i % 2 ? make("code", {}, part) : part));
}

// One span for each language, so that the language switch can hide either.
function bilingual({ zh, en }) {
  return [make("span", { lang: "zh" }, ...withCode(zh)), make("span", { lang: "en" }, ...withCode(en))];
}

function explanation({ correct, why }) {
  const verdict = correct ? { zh: "✓ 对。", en: "✓ Right. " } : { zh: "✗ 不对。", en: "✗ Not this one. " };
  return bilingual({ zh: verdict.zh + why.zh, en: verdict.en + why.en });
}

// What a question and its options have in common: a number or letter, and a text.
function labelled(label, text) {
  return [make("b", {}, `${label}.`), make("div", {}, ...bilingual(text))];
}

// One option: a button, and below it the place where its explanation appears.
// The place is there from the start, because screen readers announce only what changes in it.
function optionElement(option, letter, onClick) {
  const place = make("div", { className: "why", role: "status" });
  const button = make("button", { type: "button", ariaExpanded: "false" }, ...labelled(letter, option.text));
  button.dataset.lmSuppressShortcuts = "true"; // or JupyterLab acts on keys: B inserts a cell
  const explain = () => {
    button.ariaExpanded = "true";
    place.classList.add(option.correct ? "right" : "wrong");
    place.replaceChildren(...explanation(option));
  };
  button.addEventListener("click", () => {
    explain();
    onClick();
  });
  return { element: make("div", { className: "option" }, button, place), explain };
}

function itemElement(model, item, number) {
  const answerFirst = (choice) => {
    const answers = [...model.get("answers")];
    if (answers[number] !== null) return; // only the first answer counts
    answers[number] = choice;
    model.set("answers", answers);
    model.save_changes();
  };
  const order = model.get("order")[number]; // which option of the file is shown as A, B, ...
  const options = order.map((choice, place) =>
    optionElement(item.options[choice], "ABCDEFGH"[place], () => answerFirst(choice)),
  );
  const answered = model.get("answers")[number];
  if (answered !== null) options[order.indexOf(answered)].explain(); // drawn again, after it was answered

  const question = make("legend", {}, ...labelled(number + 1, item.question));
  return make("fieldset", {}, question, ...options.map((option) => option.element));
}

function scoreLine(items, answers) {
  const right = items.filter((item, i) => item.options[answers[i]]?.correct).length;
  return bilingual({
    zh: `首次答对：${right} / ${items.length}`,
    en: `${right} / ${items.length} answered right at first try`,
  });
}

function render({ model, el }) {
  const items = model.get("items");
  el.classList.add("gan-lessons-bilingual", "gan-lessons-quiz");
  el.append(...items.map((item, number) => itemElement(model, item, number)));

  const score = make("div", { className: "score", role: "status" });
  const showScore = () => score.replaceChildren(...scoreLine(items, model.get("answers")));
  model.on("change:answers", showScore);
  showScore();
  el.append(score);
  return () => model.off("change:answers", showScore);
}

export default { render };
