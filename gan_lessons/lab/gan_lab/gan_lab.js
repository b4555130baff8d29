// The GAN lab's page. The kernel plays and sends pictures; this file draws them and says what the
// learner clicked. Every command is a message {do: ...}; what the kernel knows comes back as a
// trait (settings, playing, speed, problem) or as a message (scene, picture, curves).
// What is not defined here is in ../shared.js, which base.py puts in front.

const SIDE = 460; // of the stage, in CSS pixels
const RADIUS = 3; // of a point
const REPORT_EVERY = 4; // pictures; JupyterLab redraws its toolbar for every message to the kernel
const NUMBERS_EVERY = 90; // milliseconds between two changes of the numbers in the text
const COLUMNS = 7; // of the curves: step, D's steps, loss of D and of G, modes, effective modes, JS

const LABELS = {
  stage: ["平面上的真品、赝品和 D 的判断", "Real points, fakes and D's judgement in the plane"],
  play: ["▶ 播放", "▶ Play"],
  pause: ["⏸ 暂停", "⏸ Pause"],
  critic: ["D 走一步", "D step"],
  generator: ["G 走一步", "G step"],
  both: ["一个回合", "One round"],
  reset: ["↺ 重置", "↺ Reset"],
  speed: ["速度", "Speed"],
  preset: ["预设", "Preset"],
  data: ["数据", "Data"],
  loss: ["损失", "Loss"],
  lr_d: ["D 的学习率", "Learning rate of D"],
  lr_g: ["G 的学习率", "Learning rate of G"],
  optimizer_g: ["G 的优化器", "Optimiser of G"],
  d_steps: ["每回合 D 的步数", "D steps a round"],
  g_steps: ["每回合 G 的步数", "G steps a round"],
  pretrain: ["D 先练的步数", "Head start of D"],
  width_d: ["D 的宽度", "Width of D"],
  width_g: ["G 的宽度", "Width of G"],
  beta1: ["Adam β₁", "Adam β₁"],
  beta2: ["Adam β₂", "Adam β₂"],
  batch: ["批大小", "Batch size"],
  seed: ["随机种子", "Random seed"],
  time: ["时间", "Time"],
  rounds: ["G 的步数", "Steps of G"],
  criticSteps: ["D 的步数", "Steps of D"],
  losses: ["损失", "Loss"],
  modes: ["模式", "Modes"],
  covered: ["覆盖", "covered"],
  effective: ["有效", "effective"],
  js: ["JS 散度", "JS divergence"],
  real: ["真品", "Real points"],
  fake: ["赝品", "Fakes"],
  arrow: ["D 给赝品指的路", "Where D sends a fake"],
  mesh: ["G 弯曲的噪声平面", "Plane of noise, bent by G"],
  says: ["D 认为：假 … 真", "D says: fake … real"],
  hint: ["在画板上按住鼠标，画出你的数据", "Hold the mouse down and draw your data here"],
  clear: ["清空画板", "Clear the pad"],
  past: ["过去", "past"],
  keys: ["键盘：空格播放或暂停，D、G 各走一步，B 走一个回合，R 重置", "Keys: Space plays or pauses, D and G take a step, B a round, R resets"],
};

const NAMES = {
  preset: {
    healthy: ["正常的对弈", "A healthy game"],
    collapse: ["故障：模式崩溃", "Failure: mode collapse"],
    vanishing: ["故障：梯度消失", "Failure: vanishing gradient"],
    oscillation: ["故障：振荡", "Failure: oscillation"],
    cure: ["解药：RpGAN + R1 + R2", "The cure: RpGAN + R1 + R2"],
    own: ["自己的设置", "Settings of your own"],
  },
  data: {
    ring: ["环（8 团）", "Ring of 8"],
    grid: ["网格（25 团）", "Grid of 25"],
    two_moons: ["双月", "Two moons"],
    spiral: ["螺旋", "Spiral"],
    line: ["直线（5 团）", "Line of 5"],
    drawn: ["自己画 ✎", "Draw your own ✎"],
    custom: ["你的数据", "Your data"],
  },
  loss: {
    "non-saturating": ["非饱和", "Non-saturating"],
    minimax: ["极小极大", "Minimax"],
    "least squares": ["最小二乘", "Least squares"],
    wasserstein: ["Wasserstein + 裁剪", "Wasserstein + clip"],
    hinge: ["合页", "Hinge"],
    relativistic: ["RpGAN + R1 + R2", "RpGAN + R1 + R2"],
    custom: ["你的损失", "Your loss"],
  },
  optimizer_g: {
    adam: ["Adam", "Adam"],
    plain: ["朴素的梯度下降", "Plain gradient steps"],
  },
  speed: {
    slow: ["慢", "slow"],
    medium: ["中", "medium"],
    fast: ["快", "fast"],
    max: ["最快", "full speed"],
  },
};

const NUMBERS = ["lr_d", "lr_g", "d_steps", "g_steps", "pretrain", "width_d", "width_g", "batch", "beta1", "beta2", "seed"];
const CHOICES = {
  lr_d: [1e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2],
  lr_g: [1e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2],
  d_steps: [0, 1, 2, 3, 5, 10, 20],
  g_steps: [0, 1, 2, 3, 5, 10, 20],
  pretrain: [0, 100, 300, 1000, 3000],
  width_d: [4, 8, 16, 32, 64, 128, 256],
  width_g: [4, 8, 16, 32, 64, 128, 256],
  batch: [16, 32, 64, 128, 256, 512],
  beta1: [0, 0.5, 0.9],
  beta2: [0.9, 0.99, 0.999],
  seed: [0, 1, 2, 3, 4, 5, 6],
};

// ---- elements ----

function button(name, onClick) {
  const element = make("button", { type: "button" }, ...bilingual(LABELS[name]));
  element.dataset.name = name;
  element.addEventListener("click", onClick);
  return element;
}

// A menu whose options speak the chosen language; `words` gives the two names of an option.
function menu(name, words, onChoose) {
  const select = make("select");
  select.dataset.name = name;
  select.addEventListener("change", () => onChoose(select.value));
  const label = make("label", { className: "field" }, make("span", { className: "label" }, ...bilingual(LABELS[name])), select);
  const fill = (values, chosen) => {
    const known = values.map(String);
    const all = known.includes(String(chosen)) ? known : [...known, String(chosen)];
    if (select.dataset.filled !== all.join("|")) {
      select.replaceChildren(...all.map((value) => make("option", { value })));
      select.dataset.filled = all.join("|");
    }
    for (const option of select.options) option.textContent = plain(words(option.value));
    select.value = String(chosen);
  };
  return { element: label, select, fill };
}

// ---- drawing ----

// The colours of the style sheet, which knows about light and dark pages.
function palette(el) {
  const style = getComputedStyle(el);
  const read = (name) => style.getPropertyValue(`--lab-${name}`).trim();
  const names = ["real", "fake", "edge", "arrow", "mesh", "mode", "line", "text", "low", "middle", "high"];
  return Object.fromEntries(names.map((name) => [name, read(name)]));
}

// 256 colours from low (D says fake) over the middle to high (real), as the bytes of a picture.
function ramp({ low, middle, high }) {
  const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const [from, over, to] = [low, middle, high].map(rgb);
  const table = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    const t = Math.abs(i - 127.5) / 127.5;
    const end = i < 128 ? from : to;
    for (let c = 0; c < 3; c++) table[4 * i + c] = over[c] + t * (end[c] - over[c]);
    table[4 * i + 3] = 255;
  }
  return new Uint32Array(table.buffer);
}

const toX = (x) => (x + 1) * (SIDE / 2);
const toY = (y) => (1 - y) * (SIDE / 2);

function drawSurface(stage, bytes, size, colours) {
  const { sketch } = stage;
  if (sketch.width !== size) sketch.width = sketch.height = size;
  const pen = sketch.getContext("2d");
  const image = pen.createImageData(size, size);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = colours[bytes[i]];
  pen.putImageData(image, 0, 0);
  stage.pen.imageSmoothingQuality = "high";
  stage.pen.drawImage(sketch, 0, 0, SIDE, SIDE);
}

function drawMesh(pen, at, lines, colour) {
  pen.beginPath();
  for (let i = 0; i < lines; i++) {
    for (const index of [(j) => i * lines + j, (j) => j * lines + i]) {
      pen.moveTo(...at(index(0)));
      for (let j = 1; j < lines; j++) pen.lineTo(...at(index(j)));
    }
  }
  pen.strokeStyle = colour;
  pen.lineWidth = 0.8;
  pen.stroke();
}

// All points in one colour; the edge is drawn first, so that it surrounds heaps of points, too.
function drawDots(pen, at, count, { fill, edge }) {
  for (const [radius, colour] of [[RADIUS + 1, edge], [RADIUS, fill]]) {
    pen.beginPath();
    for (let i = 0; i < count; i++) {
      const [x, y] = at(i);
      pen.moveTo(x + radius, y);
      pen.arc(x, y, radius, 0, 7);
    }
    pen.fillStyle = colour;
    pen.fill();
  }
}

// The same for diamonds that move: stamps, a quarter of the cost of paths.
function drawDiamonds(pen, at, count, { fill, edge }) {
  const size = 2 * RADIUS + 6;
  for (const [radius, colour] of [[RADIUS + 2.3, edge], [RADIUS + 0.8, fill]]) {
    const stamp = canvas(size, size, "stamp");
    stamp.pen.fillStyle = colour;
    stamp.pen.translate(size / 2, size / 2);
    stamp.pen.rotate(Math.PI / 4);
    stamp.pen.fillRect(-radius / Math.SQRT2, -radius / Math.SQRT2, Math.SQRT2 * radius, Math.SQRT2 * radius);
    for (let i = 0; i < count; i++) {
      const [x, y] = at(i);
      pen.drawImage(stamp.element, x - size / 2, y - size / 2, size, size);
    }
  }
}

// The gradient for each fake, as an arrow; one shorter than a pixel is not drawn.
function drawArrows(pen, at, vector, count, colour) {
  pen.beginPath();
  for (let i = 0; i < count; i++) {
    const [x, y] = at(i);
    const [u, v] = vector(i);
    const length = Math.hypot(u, v);
    if (length < 1) continue;
    const head = Math.min(5, length / 2) / length;
    pen.moveTo(x, y);
    pen.lineTo(x + u, y + v);
    pen.lineTo(x + u - head * (u + 0.6 * v), y + v - head * (v - 0.6 * u));
    pen.moveTo(x + u, y + v);
    pen.lineTo(x + u - head * (u - 0.6 * v), y + v - head * (v + 0.6 * u));
  }
  pen.strokeStyle = colour;
  pen.lineWidth = 1.1;
  pen.stroke();
}

// The real points, which stand still, on a layer of their own.
function dotsLayer({ real, points, unit }, colours) {
  const layer = canvas(SIDE, SIDE, "layer");
  const at = (i) => [toX(real[2 * i] / unit), toY(real[2 * i + 1] / unit)];
  drawDots(layer.pen, at, points, { fill: colours.real, edge: colours.edge });
  return layer;
}

function drawStage(stage, scene, picture, colours, table) {
  const { pen } = stage;
  pen.clearRect(0, 0, SIDE, SIDE);
  const { points, mesh, arrows, surface, unit } = scene;
  const made = points + mesh * mesh;
  const steps = new Int16Array(picture.slice(0, 4 * (made + arrows)));
  const at = (i) => [toX(steps[2 * i] / unit), toY(steps[2 * i + 1] / unit)];
  const pixels = SIDE / 2 / unit;
  const arrow = (i) => [steps[2 * (made + i)] * pixels, -steps[2 * (made + i) + 1] * pixels];

  drawSurface(stage, new Uint8Array(picture, 4 * (made + arrows)), surface, table);
  drawMesh(pen, (i) => at(points + i), mesh, colours.mesh);
  drawArrows(pen, at, arrow, arrows, colours.arrow);
  pen.drawImage(scene.dots.element, 0, 0, SIDE, SIDE);
  drawDiamonds(pen, at, points, { fill: colours.fake, edge: colours.edge });
}

// ---- the page ----

// Build all there is to see and to click; return the parts that change later.
function buildPage(model, el, tell) {
  const stage = { ...canvas(SIDE, SIDE, "stage"), sketch: make("canvas") };
  stage.element.setAttribute("role", "img");

  // Controls
  const play = button("play", () => tell({ do: "play", on: !model.get("playing") }));
  const step = (player) => button(player, () => tell({ do: "step", player }));
  const reset = button("reset", () => tell({ do: "reset" }));
  const named = (kind, onChoose) => menu(kind, (name) => NAMES[kind][name] ?? [name, name], onChoose);
  const change = (name) => (value) => tell({ do: "change", [name]: value });
  const speed = named("speed", (name) => tell({ do: "speed", name }));
  const preset = named("preset", (name) => tell({ do: "preset", name }));
  const kinds = { data: named("data", change("data")), loss: named("loss", change("loss")), optimizer_g: named("optimizer_g", change("optimizer_g")) };
  const numbers = Object.fromEntries(
    NUMBERS.map((name) => [name, menu(name, (text) => [text, text], (text) => tell({ do: "change", [name]: Number(text) }))]),
  );
  const clear = button("clear", () => tell({ do: "draw", points: [], anew: true }));
  const slider = make("input", { type: "range", min: 0, max: 0, value: 0 });
  slider.dataset.name = "time";

  // What is read
  const number = (name) => {
    const value = make("b", { className: name }, "0");
    return { value, element: make("span", { className: "number" }, ...bilingual(LABELS[name]), " ", value) };
  };
  const rounds = number("rounds");
  const criticSteps = number("criticSteps");
  const past = make("span", { className: "past", hidden: true }, ...bilingual(LABELS.past));
  const problem = make("div", { className: "problem", role: "alert", hidden: true });
  const hint = make("div", { className: "hint", hidden: true }, ...bilingual(LABELS.hint));
  const plots = Object.fromEntries(["losses", "modes", "js"].map((name) => [name, canvas(330, 92, `plot ${name}`)]));
  const latest = Object.fromEntries(["losses", "modes", "js"].map((name) => [name, make("b", { className: `latest ${name}` })]));
  const legend = (name, mark) => make("span", { className: "legend" }, make("i", { className: mark }), ...bilingual(LABELS[name]));
  const plot = (name, ...extra) =>
    make("figure", {}, make("figcaption", {}, make("span", {}, ...bilingual(LABELS[name])), latest[name], ...extra), plots[name].element);
  const mark = (words, name) => make("span", { className: "legend" }, make("i", { className: name }), ...words);

  el.append(
    make("div", { className: "bar" }, play, step("critic"), step("generator"), step("both"), reset, speed.element, preset.element),
    problem,
    make(
      "div",
      { className: "board" },
      make(
        "div",
        { className: "left" },
        make("div", { className: "frame" }, stage.element, hint),
        make("div", { className: "legends" }, legend("real", "disc"), legend("fake", "diamond"), legend("arrow", "arrow"), legend("mesh", "mesh"), legend("says", "scale")),
      ),
      make(
        "div",
        { className: "right" },
        make("div", { className: "numbers", role: "status", ariaLive: "off" }, rounds.element, criticSteps.element, past),
        plot("losses", mark("D", "line-d"), mark("G", "line-g")),
        plot("modes", mark(bilingual(LABELS.covered), "line-covered"), mark(bilingual(LABELS.effective), "line-effective")),
        plot("js"),
        make("label", { className: "time" }, make("span", {}, ...bilingual(LABELS.time)), slider),
        make("div", { className: "keys" }, ...bilingual(LABELS.keys)),
      ),
    ),
    make("div", { className: "fields" }, kinds.data.element, kinds.loss.element, kinds.optimizer_g.element, ...NUMBERS.map((name) => numbers[name].element), clear),
  );

  // What has the focus must say so itself, or JupyterLab acts on keys: B inserts a cell.
  for (const one of [el, ...el.querySelectorAll("button, select, input")]) one.dataset.lmSuppressShortcuts = "true";

  return { stage, play, speed, preset, kinds, numbers, clear, slider, rounds, criticSteps, past, problem, hint, plots, latest };
}

// Show what the kernel knows: settings, whether it plays, what went wrong.
function showTraits(model, el, page) {
  const { play, speed, preset, kinds, numbers, clear, hint, problem, stage, slider } = page;
  const [settings, options] = [model.get("settings"), model.get("options")];
  const playing = model.get("playing");
  play.replaceChildren(...bilingual(LABELS[playing ? "pause" : "play"]));
  play.dataset.name = playing ? "pause" : "play";
  el.dataset.playing = playing;
  speed.fill(options.speed, model.get("speed"));
  preset.fill(options.preset, options.presetNow);
  for (const kind in kinds) kinds[kind].fill(options[kind], settings[kind]);
  for (const name of NUMBERS) numbers[name].fill(CHOICES[name], settings[name]);
  for (const name of ["width_d", "width_g"]) numbers[name].select.disabled = options.ownNetworks;
  const drawing = settings.data === "drawn";
  clear.hidden = hint.hidden = !drawing;
  el.dataset.drawing = drawing;
  const { zh, en } = model.get("problem");
  problem.hidden = !zh;
  problem.replaceChildren(...(zh ? bilingual([`⚠ ${zh}`, `⚠ ${en}`]) : []));
  stage.element.ariaLabel = plain(LABELS.stage);
  slider.ariaLabel = plain(LABELS.time);
}

// The pad: points drawn with the mouse, in the coordinates of the data. `ink` draws one at once.
function addPad(el, { stage, clear }, tell, limit, ink) {
  let stroke = null;
  let fresh = true;
  const place = (event) => {
    const box = stage.element.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * 2 - 1, 1 - ((event.clientY - box.top) / box.height) * 2].map(
      (v) => limit() * Math.max(-1, Math.min(1, v)),
    );
  };
  const begin = (event) => {
    if (el.dataset.drawing !== "true" || event.button !== 0) return;
    stage.element.setPointerCapture(event.pointerId);
    stroke = [place(event)];
    ink(stroke[0]);
    event.preventDefault();
  };
  const extend = (event) => {
    if (!stroke) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) stroke.push(place(one));
    stroke.slice(-8).forEach(ink);
  };
  const finish = () => {
    if (!stroke) return;
    tell({ do: "draw", points: stroke, anew: fresh });
    [stroke, fresh] = [null, false];
  };
  clear.addEventListener("click", () => (fresh = true));
  stage.element.addEventListener("pointerdown", begin);
  stage.element.addEventListener("pointermove", extend);
  stage.element.addEventListener("pointerup", finish);
  stage.element.addEventListener("pointercancel", finish);
}

// The keys of the lab, for whoever has the focus in it.
function addKeys(el) {
  const names = { " ": "play", d: "critic", g: "generator", b: "both", r: "reset" };
  el.addEventListener("keydown", (event) => {
    const name = names[event.key.toLowerCase()];
    const typing = ["SELECT", "INPUT"].includes(event.target.tagName);
    const onButton = event.target.tagName === "BUTTON" && event.key === " ";
    if (!name || typing || onButton || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const button = name === "play" ? ".bar button:first-child" : `.bar button[data-name=${name}]`;
    el.querySelector(button).click();
  });
}

// ---- the widget ----

function render({ model, el }) {
  const view = crypto.randomUUID?.() ?? String(Math.random());
  const tell = (what) => model.send(what);
  el.classList.add("gan-lessons-bilingual", "gan-lessons-live", "gan-lessons-lab");
  el.tabIndex = 0;
  const page = buildPage(model, el, tell);
  const { stage, slider, rounds, criticSteps, past, plots, latest } = page;
  const state = { scene: null, picture: null, message: {}, rows: [], drawn: 0, dirty: false, plots: false, numbersAt: 0 };

  const showNumbers = () => {
    state.numbersAt = performance.now();
    const { step: now, criticSteps: d, past: isPast } = state.message;
    rounds.value.textContent = now.toLocaleString("en");
    criticSteps.value.textContent = d.toLocaleString("en");
    past.hidden = !isPast;
  };

  const showCurves = () => {
    const { rows } = state;
    const colours = palette(el);
    const now = state.message.past ? state.message.step : null;
    const row = (now === null ? rows.at(-1) : rows.find((r) => r[0] >= now)) ?? [];
    const text = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : "–");
    latest.losses.textContent = `${text(row[2], 2)} / ${text(row[3], 2)}`;
    latest.modes.textContent = state.scene.modes ? `${text(row[4], 0)} / ${state.scene.modes}` : "–";
    latest.js.textContent = text(row[6], 3);
    const solid = (column, colour) => ({ column, colour, dashes: [] });
    const both = [solid(2, colours.real), { column: 3, colour: colours.fake, dashes: [5, 3] }];
    drawPlot(plots.losses, rows, both, { ...range(rows, [2, 3]), now }, colours);
    const counts = [{ column: 5, colour: colours.mode, dashes: [2, 3] }, solid(4, colours.mode)];
    drawPlot(plots.modes, rows, counts, { low: 0, high: state.scene.modes || 1, now }, colours);
    drawPlot(plots.js, rows, [solid(6, colours.text)], { low: 0, high: 0.7, now }, colours);
    slider.max = Math.max(rows.length - 1, 0);
    if (now === null) slider.value = slider.max;
  };

  // A picture is drawn when the browser is about to paint, the newest one only. The kernel is told
  // which it was, so that it never sends more than can be drawn.
  let colours, table, waiting;
  const newColours = () => {
    colours = palette(el);
    table = ramp(colours);
    if (state.scene) state.scene.dots = null;
    state.dirty = state.plots = true;
  };
  const draw = () => {
    waiting = requestAnimationFrame(draw);
    if (!state.dirty || !state.picture || !state.scene || !el.isConnected) return;
    if (!colours) newColours(); // not earlier: the style sheet holds from when we are on the page
    state.scene.dots ??= dotsLayer(state.scene, colours);
    drawStage(stage, state.scene, state.picture, colours, table);
    if (state.plots || performance.now() - state.numbersAt > NUMBERS_EVERY) showNumbers();
    if (state.plots) showCurves();
    state.dirty = state.plots = false;
    state.drawn += 1;
    el.dataset.drawn = state.drawn; // pictures drawn so far
    el.dataset.step = state.message.step;
  };

  const copy = (view_) => view_.buffer.slice(view_.byteOffset, view_.byteOffset + view_.byteLength);
  let shown = 0;
  const hear = (message, buffers) => {
    if (message.kind === "scene") {
      state.scene = { ...message, real: new Int16Array(copy(buffers[0])) };
    } else if (message.kind === "curves") {
      const flat = new Float32Array(copy(buffers[0]));
      state.rows = Array.from({ length: flat.length / COLUMNS }, (_, i) => flat.subarray(i * COLUMNS, (i + 1) * COLUMNS));
      state.plots = state.dirty = true;
    } else {
      state.plots ||= message.past || state.message.past;
      state.picture = copy(buffers[0]);
      state.message = message;
      state.dirty = true;
      if (message.number >= shown + REPORT_EVERY || message.number < shown) {
        shown = message.number;
        const answer = () => tell({ do: "shown", number: message.number });
        if (document.hidden) answer(); // nothing is painted in a hidden page: do not wait for it
        else requestAnimationFrame(answer);
      }
    }
  };

  const ink = ([x, y]) => {
    const { limit } = state.scene;
    drawDots(stage.pen, () => [toX(x / limit), toY(y / limit)], 1, { fill: colours.real, edge: colours.edge });
  };
  addPad(el, page, tell, () => state.scene.limit, ink);
  addKeys(el);

  slider.addEventListener("input", () => {
    const index = Number(slider.value);
    tell({ do: "scrub", index: index === Number(slider.max) ? -1 : index });
  });

  const show = () => showTraits(model, el, page);
  const traits = ["settings", "options", "playing", "speed", "problem"].map((name) => `change:${name}`);
  for (const trait of traits) model.on(trait, show);
  model.on("msg:custom", hear);
  document.addEventListener(LANGUAGE_EVENT, show);
  const theme = new MutationObserver(newColours); // JupyterLab writes the theme on the body
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });

  show();
  draw();
  tell({ do: "enter", view });
  return () => {
    cancelAnimationFrame(waiting);
    theme.disconnect();
    document.removeEventListener(LANGUAGE_EVENT, show);
    for (const trait of traits) model.off(trait, show);
    model.off("msg:custom", hear);
    tell({ do: "leave", view });
  };
}

export default { render };
