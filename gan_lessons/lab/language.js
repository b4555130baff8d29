// The language switch. A click writes the choice on the root of the page, as data-lesson-lang;
// one style sheet in the page's head does the hiding, so cells scrolled in later obey as well.

const KEY = "gan-lessons-lang"; // where the browser remembers the choice, and the name of our event
const CHOICES = { zh: "中文", en: "English", both: "双语 both" };

// A Markdown cell belongs to the language of its outermost element; all of the cell is hidden.
// It shrinks to nothing and keeps its place: with display: none, JupyterLab would jump to the top
// of the notebook each time Shift+Enter or an arrow key moves on to a hidden cell.
const NOTHING = "height: 0; min-height: 0; margin: 0; padding: 0; border: 0; overflow: hidden; visibility: hidden;";

// In our own widgets, marked .gan-lessons-bilingual, only the text of the other language is hidden.
const hideWhileReading = (chosen, other) => `
  [data-lesson-lang=${chosen}] .jp-MarkdownCell:has(.jp-RenderedMarkdown > [lang=${other}]) { ${NOTHING} }
  [data-lesson-lang=${chosen}] .gan-lessons-bilingual [lang=${other}] { display: none !important; }`;

function addStyleOnce() {
  if (document.getElementById(KEY)) return;
  const style = document.createElement("style");
  style.id = KEY;
  style.textContent = hideWhileReading("en", "zh") + hideWhileReading("zh", "en");
  document.head.append(style);
}

// A browser may refuse localStorage (private window, blocked cookies): then nothing is remembered.
function remember(choice) {
  try {
    localStorage.setItem(KEY, choice);
  } catch {}
}

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function apply(choice) {
  document.documentElement.dataset.lessonLang = choice;
  document.dispatchEvent(new Event(KEY)); // every switch on the page shows the new choice
}

function render({ model, el }) {
  addStyleOnce();
  el.classList.add("gan-lessons-switch");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "语言 / Language");

  const buttons = Object.entries(CHOICES).map(([choice, label]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => {
      remember(choice);
      apply(choice);
    });
    button.dataset.choice = choice;
    button.dataset.lmSuppressShortcuts = "true"; // or JupyterLab acts on keys: B inserts a cell
    return button;
  });
  el.append(...buttons);

  const showChoice = () => {
    const current = document.documentElement.dataset.lessonLang;
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.choice === current);
  };
  document.addEventListener(KEY, showChoice);

  const choice = model.get("first") || (remembered() ?? document.documentElement.dataset.lessonLang);
  apply(choice in CHOICES ? choice : "both");
  return () => document.removeEventListener(KEY, showChoice);
}

export default { render };
