// What the pages of our larger widgets have in common; base.py puts it in front of their scripts.

const LANGUAGE_EVENT = "gan-lessons-lang"; // sent by the language switch

// ---- elements ----

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// One span for each language, so that the language switch can hide either.
function bilingual([zh, en]) {
  if (zh === en) return [zh];
  return [make("span", { lang: "zh" }, zh), " ", make("span", { lang: "en" }, en)];
}

// Where only plain text can stand (options, labels for screen readers), choose the words instead.
function plain([zh, en]) {
  const language = document.documentElement.dataset.lessonLang;
  if (zh === en || language === "zh") return zh;
  return language === "en" ? en : `${zh} ${en}`;
}

// A kernel that was restarted knows nothing of the widgets on the page; ipywidgets then tells their
// models. The page says what to do, and controls that need the kernel are closed to mouse and keys.
const LOST = ["内核重启过，这里已经断开。请重新运行这个单元。", "The kernel was restarted, so this is cut off. Run this cell again."];

function watchKernel(model, el, controls) {
  const notice = make("div", { className: "problem lost", role: "alert", hidden: true });
  el.prepend(notice);
  const lost = () => {
    notice.hidden = false;
    notice.replaceChildren(...bilingual(LOST));
    for (const part of controls) part.inert = true;
    el.dataset.lost = true;
  };
  model.on("comm_live_update", lost);
  return () => model.off("comm_live_update", lost);
}

// ---- drawing ----

const exponential = (value) => value.toExponential(1).replace("e+", "e"); // -1.1e-4

// Canvases are as fine as the screen; drawing code counts in CSS pixels.
function canvas(width, height, name) {
  const scale = Math.min(window.devicePixelRatio || 1, 2);
  const element = make("canvas", { width: width * scale, height: height * scale, className: name });
  element.style.aspectRatio = `${width} / ${height}`;
  const pen = element.getContext("2d");
  pen.scale(scale, scale);
  return { element, pen, width, height };
}

// One small plot: lines over the first column, the lowest and highest value written at the side.
function drawPlot({ pen, width, height }, rows, lines, { low, high, now }, colours) {
  pen.clearRect(0, 0, width, height);
  const [left, right, top, bottom] = [48, width - 6, 8, height - 8];
  const last = Math.max(rows.at(-1)?.[0] ?? 0, 1);
  const x = (step) => left + ((right - left) * step) / last;
  const y = (value) => bottom - ((bottom - top) * (value - low)) / (high - low || 1);
  pen.strokeStyle = colours.line;
  pen.lineWidth = 1;
  pen.setLineDash([]);
  pen.strokeRect(left + 0.5, top + 0.5, right - left - 1, bottom - top - 1);
  pen.fillStyle = colours.text;
  pen.font = "11px system-ui, sans-serif";
  pen.textAlign = "right";
  // Two digits of the span are enough: beside 1.7, -0.0036 is 0.
  const decimals = Math.max(0, 1 - Math.floor(Math.log10(high - low)));
  const label = (value) => {
    if (value === 0) return "0";
    return decimals > 3 || Math.abs(value) >= 1e5 ? exponential(value) : String(+value.toFixed(decimals));
  };
  pen.fillText(label(high), left - 4, top + 8);
  pen.fillText(label(low), left - 4, bottom);
  pen.save();
  pen.beginPath();
  pen.rect(left, top - 1, right - left, bottom - top + 2);
  pen.clip();
  for (const { column, colour, dashes } of lines) {
    pen.beginPath();
    for (const row of rows) if (Number.isFinite(row[column])) pen.lineTo(x(row[0]), y(row[column]));
    pen.strokeStyle = colour;
    pen.lineWidth = 1.7;
    pen.setLineDash(dashes);
    pen.stroke();
  }
  pen.restore();
  if (now !== null) {
    pen.beginPath();
    pen.moveTo(x(now), top);
    pen.lineTo(x(now), bottom);
    pen.strokeStyle = colours.text;
    pen.lineWidth = 1;
    pen.setLineDash([2, 2]);
    pen.stroke();
  }
}

// The range of some columns; a few wild values do not flatten all the others: where the outermost
// 2 % would take more than half of the height, they are cut off.
function range(rows, columns) {
  const values = rows.flatMap((row) => columns.map((c) => row[c])).filter(Number.isFinite).sort((a, b) => a - b);
  if (!values.length) return { low: 0, high: 1 };
  const at = (share) => values[Math.round(share * (values.length - 1))];
  const [from, to] = [Math.min(at(0.02), 0), at(0.98)];
  const low = values[0] > 2 * from - to ? Math.min(values[0], 0) : from;
  const high = values.at(-1) < 2 * to - from ? values.at(-1) : to;
  return { low, high: high > low ? high : low + 1 };
}
