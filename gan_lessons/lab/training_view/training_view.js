// The training view's page. While `fit` blocks the kernel, the kernel sends and cannot hear: so
// nothing here asks it for anything, and all pictures are kept in the model (traits `frames`,
// `picture_0`, ...). What is not defined here is in ../shared.js, which base.py puts in front.

const STAGE = 400; // side of the square for points, in CSS pixels
const TICK = 150; // milliseconds a picture stays while the run is played back
const STEP = 0; // columns of the curves
const [LOSS_D, LOSS_G, REAL, FAKE, GAP] = [1, 2, 3, 4, 5];

const LABELS = {
  waiting: ["… 还没有开始训练", "… Waiting for the training to begin"],
  training: ["▶ 训练中", "▶ Training"],
  stopped: ["■ 已停止，可以接着训练", "■ Stopped; it can go on"],
  finished: ["✓ 已完成", "✓ Finished"],
  diverged: ["⚠ 已发散：损失不再是有限数", "⚠ Diverged: the loss is no longer finite"],
  stopHint: ["想停下：按笔记本工具栏的 ■，这一步走完就停", "To stop: ■ in the notebook's toolbar; it ends after this step"],
  progress: ["进度", "Progress"],
  play: ["▶ 回放", "▶ Replay"],
  pause: ["❚❚ 暂停", "❚❚ Pause"],
  time: ["时间", "Time"],
  newest: ["最新", "newest"],
  past: ["过去", "past"],
  losses: ["损失", "Loss"],
  probability: ["D 认为是真的概率", "D: probability of real"],
  score: ["D 的分数", "D's score"],
  gap: ["分数之差：真实样本 − 生成样本", "Gap of scores: real − fake"],
  measured: ["测量：", "Measured: "],
  real: ["真实样本", "real"],
  fake: ["生成样本", "fake"],
  other: ["这一局的样本既不是图片也不是平面上的点，这里只画曲线。", "This game makes neither pictures nor points in the plane, so there are only curves."],
};

const digits = (value, most = 0) => value.toLocaleString("en", { maximumFractionDigits: most });
const rate = (value) => digits(value, value < 10 ? 1 : 0);

// Words with numbers in them.
const SAY = {
  step: ({ step, total }) =>
    total ? [`第 ${digits(step)} 步，共 ${digits(total)} 步`, `Step ${digits(step)} of ${digits(total)}`] : [`第 ${digits(step)} 步`, `Step ${digits(step)}`],
  speed: ({ steps, pictures }, points) => [
    `每秒 ${rate(steps)} 步，${rate(pictures)} ${points ? "个点" : "张图"}`,
    `${rate(steps)} steps, ${rate(pictures)} ${points ? "points" : "pictures"} a second`,
  ],
  left: ({ left }) => {
    const all = Math.ceil(left);
    const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
    if (hours) return [`还剩 ${digits(hours)} 小时 ${minutes} 分`, `${digits(hours)} h ${minutes} min left`];
    return minutes ? [`还剩 ${minutes} 分 ${seconds} 秒`, `${minutes} min ${seconds} s left`] : [`还剩 ${seconds} 秒`, `${seconds} s left`];
  },
  axis: ({ step }) => [`横轴：G 的步数，0 到 ${digits(step)}`, `Horizontal: steps of G, 0 to ${digits(step)}`],
  caption: (step) => [`第 ${digits(step)} 步：G 用同一组噪声做出的样本`, `Step ${digits(step)}: what G makes of the same noise`],
  measured: ({ name, floor, rows }) => {
    const [step, value] = rows.at(-1);
    return [
      `第 ${digits(step)} 步 ${name} ${value.toPrecision(3)}，真实样本 ${floor.toPrecision(3)}`,
      `${name} ${value.toPrecision(3)} at step ${digits(step)}, real ${floor.toPrecision(3)}`,
    ];
  },
  curve: (name, values) => [`${LABELS[name][0]}，最新值 ${values}`, `${LABELS[name][1]}, newest values ${values}`],
};

// ---- drawing ----

// The colours of the style sheet, which knows about light and dark pages.
function palette(el) {
  const style = getComputedStyle(el);
  const names = ["real", "fake", "mode", "line", "text", "edge"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--lab-${name}`).trim()]));
}

const floats = (view) => new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

// Points as squares (real) or discs (made by G), each with a rim, so that heaps stay readable.
function drawPoints(pen, pairs, limit, colour, square) {
  pen.fillStyle = colour;
  for (let i = 0; i < pairs.length; i += 2) {
    const [x, y] = [((pairs[i] / limit + 1) * STAGE) / 2, ((1 - pairs[i + 1] / limit) * STAGE) / 2];
    pen.beginPath();
    if (square) pen.rect(x - 1.8, y - 1.8, 3.6, 3.6);
    else pen.arc(x, y, 2.4, 0, 7);
    pen.fill();
  }
}

// Rows of the curves: what the kernel sent, and the gap behind it.
function readRows(view) {
  const flat = view ? floats(view) : [];
  return Array.from({ length: flat.length / 5 }, (_, i) => {
    const row = [...flat.slice(5 * i, 5 * i + 5)];
    return [...row, row[REAL] - row[FAKE]];
  });
}

// ---- the page ----

// Build all there is to see and to click; return the parts that change later.
function buildPage(el) {
  const state = make("strong", { className: "state", role: "status" });
  const [step, speed, left] = ["step", "speed", "left"].map((name) => make("span", { className: name }));
  const bar = make("progress", { max: 1, value: 0 });
  const hint = make("div", { className: "hint" }, ...bilingual(LABELS.stopHint));
  const problem = make("div", { className: "problem", role: "alert", hidden: true });

  const image = make("img", { alt: "" });
  const stage = canvas(STAGE, STAGE, "stage");
  stage.element.setAttribute("role", "img");
  const note = make("p", { hidden: true }, ...bilingual(LABELS.other));
  const caption = make("figcaption", { className: "caption" });

  const play = make("button", { type: "button" });
  const slider = make("input", { type: "range", min: 0, max: 0, value: 0 });
  const now = make("span", { className: "now" });

  const mark = (words, name) => make("span", { className: "legend" }, make("i", { className: name }), ...words);
  const plot = (name, ...legends) => {
    const picture = canvas(340, 96, `plot ${name}`);
    picture.element.setAttribute("role", "img");
    const title = make("span", {}, ...bilingual(LABELS[name] ?? LABELS.score));
    const figure = make("figure", {}, make("figcaption", {}, title, ...legends), picture.element);
    return { ...picture, figure, title };
  };
  const both = [mark(bilingual(LABELS.real), "line-d"), mark(bilingual(LABELS.fake), "line-g")];
  const plots = {
    losses: plot("losses", mark(["D"], "line-d"), mark(["G"], "line-g")),
    readings: plot("readings", ...both),
    gap: plot("gap"),
    measured: plot("measured"),
  };

  const axis = make("div", { className: "axis" });

  el.append(
    make("div", { className: "head" }, state, step, speed, left),
    bar,
    hint,
    problem,
    make(
      "div",
      { className: "board" },
      make("figure", { className: "left-side" }, image, stage.element, note, caption),
      make("div", { className: "right-side" }, ...Object.values(plots).map(({ figure }) => figure), axis),
    ),
    make("div", { className: "time" }, play, slider, now),
  );
  // What has the focus must say so itself, or JupyterLab acts on keys: B inserts a cell.
  for (const one of [play, slider]) one.dataset.lmSuppressShortcuts = "true";
  return { state, step, speed, left, bar, hint, problem, image, stage, note, caption, play, slider, now, plots, axis };
}

function showNumbers(model, el, page) {
  const numbers = model.get("numbers");
  const training = numbers.state === "training";
  if (el.dataset.state !== numbers.state) page.state.replaceChildren(...bilingual(LABELS[numbers.state])); // or it is read aloud again
  el.dataset.state = numbers.state;
  el.dataset.step = numbers.step;
  page.step.replaceChildren(...(numbers.state === "waiting" ? [] : bilingual(SAY.step(numbers))));
  page.speed.replaceChildren(...(numbers.steps ? bilingual(SAY.speed(numbers, model.get("scene").kind === "points")) : []));
  page.left.replaceChildren(...(training && numbers.left ? bilingual(SAY.left(numbers)) : []));
  page.axis.replaceChildren(...bilingual(SAY.axis(numbers)));
  page.hint.hidden = !training;
  page.bar.hidden = !numbers.total;
  if (numbers.total) page.bar.value = numbers.step / numbers.total;
  page.bar.ariaLabel = plain(LABELS.progress);
  const { zh, en } = model.get("problem");
  page.problem.hidden = !zh;
  page.problem.replaceChildren(...(zh ? bilingual([`⚠ ${zh}`, `⚠ ${en}`]) : []));
}

function showCurves(model, el, page, now) {
  const rows = readRows(model.get("table"));
  const { reading, gap } = model.get("scene");
  const colours = palette(el);
  const pair = (first, second) => [
    { column: first, colour: colours.real, dashes: [] },
    { column: second, colour: colours.fake, dashes: [5, 3] },
  ];
  const draw = (name, plot, lines, limits, table = rows) => {
    const columns = lines.map(({ column }) => column);
    drawPlot(plot, table, lines, { ...(limits ?? range(table, columns)), now }, colours);
    const newest = columns.map((column) => table.at(-1)?.[column]?.toPrecision(3) ?? "–").join(" / ");
    plot.element.ariaLabel = plain(SAY.curve(name, newest));
  };
  const readings = reading ?? "score";
  page.plots.readings.title.replaceChildren(...bilingual(LABELS[readings]));
  page.plots.gap.figure.hidden = !gap;
  draw("losses", page.plots.losses, pair(LOSS_D, LOSS_G));
  draw(readings, page.plots.readings, pair(REAL, FAKE), readings === "probability" ? { low: 0, high: 1 } : null);
  draw("gap", page.plots.gap, [{ column: GAP, colour: colours.mode, dashes: [] }]);
  const measured = model.get("measured");
  page.plots.measured.figure.hidden = !measured.rows?.length;
  if (measured.rows?.length) {
    const { floor } = measured;
    page.plots.measured.title.replaceChildren(...bilingual(SAY.measured(measured)));
    // the floor reaches from the beginning to now; what is not a number is not drawn
    const table = [[0, NaN, floor], ...measured.rows.map((row) => [...row, floor]), [rows.at(-1)?.[STEP] ?? 0, NaN, floor]];
    draw("measured", page.plots.measured, pair(2, 1), null, table);
    page.plots.measured.element.ariaLabel = plain(SAY.measured(measured));
  }
  el.dataset.rows = rows.length;
}

// ---- the widget ----

function render({ model, el }) {
  el.classList.add("gan-lessons-bilingual", "gan-lessons-live", "gan-lessons-training");
  const page = buildPage(el);
  const { image, stage, note, caption, play, slider, now } = page;
  let chosen = null; // the step that the learner looks at, null for the newest
  let timer = null;
  let shown = null;
  let url = "";

  const index = () => {
    const frames = model.get("frames");
    if (chosen !== null && !frames.some(([step]) => step >= chosen)) chosen = null; // another game
    return chosen === null ? frames.length - 1 : frames.findIndex(([step]) => step >= chosen); // or its neighbour, if it was thinned out
  };

  const showPicture = (view, step) => {
    if (!view?.byteLength || view === shown) return;
    shown = view;
    const old = url;
    url = URL.createObjectURL(new Blob([view], { type: "image/png" }));
    image.onload = () => {
      URL.revokeObjectURL(old);
      image.style.maxWidth = `min(440px, ${2 * image.naturalWidth}px)`;
      el.dataset.shown = step;
    };
    image.src = url;
  };

  const showPoints = (view, step) => {
    if (!view?.byteLength) return;
    const { limit } = model.get("scene");
    const colours = palette(el);
    stage.pen.clearRect(0, 0, STAGE, STAGE);
    const real = model.get("real");
    if (real?.byteLength) drawPoints(stage.pen, floats(real), limit, colours.real, true);
    drawPoints(stage.pen, floats(view), limit, colours.fake, false);
    el.dataset.shown = step;
  };

  const showFrame = () => {
    const frames = model.get("frames");
    const { kind } = model.get("scene");
    image.hidden = kind !== "pictures";
    stage.element.hidden = kind !== "points";
    note.hidden = kind !== "other";
    const i = index();
    const few = frames.length < 2;
    [slider.max, slider.value, slider.disabled, play.disabled] = [Math.max(frames.length - 1, 0), Math.max(i, 0), few, few];
    play.replaceChildren(...bilingual(LABELS[timer === null ? "play" : "pause"]));
    play.dataset.name = timer === null ? "play" : "pause";
    slider.ariaLabel = plain(LABELS.time);
    caption.replaceChildren();
    if (i < 0) return;
    const [step, slot] = frames[i];
    const words = SAY.caption(step);
    slider.ariaValueText = plain(SAY.step({ step }));
    image.alt = stage.element.ariaLabel = plain(words);
    caption.append(...bilingual(words));
    now.replaceChildren(...bilingual(LABELS[i === frames.length - 1 ? "newest" : "past"]));
    (kind === "points" ? showPoints : showPicture)(model.get(`picture_${slot}`), step);
  };

  const showAll = () => {
    showNumbers(model, el, page);
    showFrame();
    showCurves(model, el, page, chosen === null ? null : model.get("frames")[index()][STEP]);
  };

  // Several traits change with one message: one drawing, when the browser is about to paint.
  let waiting = null;
  const redraw = () => {
    waiting ??= requestAnimationFrame(() => {
      waiting = null;
      showAll();
    });
  };

  const stop = () => {
    clearInterval(timer);
    timer = null;
  };
  const look = (i) => {
    const frames = model.get("frames");
    chosen = i >= frames.length - 1 ? null : frames[i][STEP];
    redraw();
  };
  const advance = () => {
    const i = index() + 1;
    if (i >= model.get("frames").length - 1) stop();
    look(i);
  };
  play.addEventListener("click", () => {
    if (timer !== null) stop();
    else {
      if (chosen === null) look(0);
      timer = setInterval(advance, TICK);
    }
    redraw();
  });
  slider.addEventListener("input", () => {
    stop();
    look(Number(slider.value));
  });

  const traits = ["numbers", "scene", "frames", "table", "measured", "problem"].map((name) => `change:${name}`);
  for (const trait of traits) model.on(trait, redraw);
  document.addEventListener(LANGUAGE_EVENT, redraw);
  const theme = new MutationObserver(redraw); // JupyterLab writes the theme on the body
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });

  redraw();
  const unwatch = watchKernel(model, el, []); // what was sent is here, so replay goes on
  return () => {
    unwatch();
    stop();
    cancelAnimationFrame(waiting);
    theme.disconnect();
    document.removeEventListener(LANGUAGE_EVENT, redraw);
    for (const trait of traits) model.off(trait, redraw);
    URL.revokeObjectURL(url);
  };
}

export default { render };
