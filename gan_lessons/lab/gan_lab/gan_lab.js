// The GAN lab's page. The kernel plays and sends pictures; this file draws them and says what the
// learner clicked. Every command is a message {do: ...}; what the kernel knows comes back as a
// trait (settings, playing, speed, problem) or as a message (scene, picture, curves).
// What is not defined here is in ../shared.js, which base.py puts in front.

const SIDE = 460; // of the stage, in CSS pixels
const RADIUS = 3; // of a point
const FAINT = 0.55; // opacity of the fakes of the classes that were not chosen
const REPORT_EVERY = 4; // pictures; JupyterLab redraws its toolbar for every message to the kernel
const NUMBERS_EVERY = 90; // milliseconds between two changes of the numbers in the text
const ASKED = 300; // milliseconds without an answer before the page says that work goes on
const SILENT = 8000; // and before it says that the kernel may have forgotten the lab
const SPEED_OVER = 1500; // milliseconds that the speed is taken over

// Columns of the curves
const [MOVES, STEP, CRITIC_STEPS, LOSS_D, LOSS_G, MODES, EFFECTIVE, JS, OBEDIENCE] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const COLUMNS = 9;
const LAYERS = { real: "disc", fake: "diamond", arrow: "arrow", mesh: "mesh", says: "scale" }; // and their marks

const LABELS = {
  stage: ["平面上的真实样本、生成样本和 D 的判断", "Real points, fakes and D's judgement in the plane"],
  play: ["▶ 播放", "▶ Play"],
  pause: ["❚❚ 暂停", "❚❚ Pause"],
  critic: ["D 走一步", "D step"],
  generator: ["G 走一步", "G step"],
  both: ["一个回合", "One round"],
  reset: ["↺ 重置", "↺ Reset"],
  speed: ["速度", "Speed"],
  chosen: ["类别 y", "Class y"],
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
  obedience: ["听话", "as asked"],
  js: ["JS 散度", "JS divergence"],
  real: ["真实样本", "Real points"],
  fake: ["生成样本", "Fakes"],
  arrow: ["D 给生成样本指的路", "Where D sends a fake"],
  mesh: ["G 弯曲的噪声平面", "Plane of noise, bent by G"],
  says: ["D 认为：假 … 真", "D says: fake … real"],
  hint: ["按住鼠标，或用一根手指，在这里画出你的数据", "Draw your data here: hold the mouse down, or use one finger"],
  clear: ["清空画板", "Clear the pad"],
  past: ["过去", "past"],
  outside: ["画面外的生成样本", "Fakes out of sight"],
  perSecond: ["每秒回合数", "Rounds a second"],
  busy: ["计算中……", "Working …"],
  silent: ["还在等内核：它可能在运行别的单元。若内核重启过，请重新运行这个单元。", "Still waiting for the kernel: it may be running another cell. If it was restarted, run this cell again."],
  restarts: ["改动它会重新开始。", "A change starts a new run."],
  goesOn: ["改动它立即生效，不必重新开始。", "A change takes effect at once, in this run."],
  keys: ["键盘：空格播放或暂停，D、G 各走一步，B 走一个回合，R 重置", "Keys: Space plays or pauses, D and G take a step, B a round, R resets"],
};

const NAMES = {
  preset: {
    healthy: ["正常的对弈", "A healthy game"],
    collapse: ["失败：模式崩溃", "Failure: mode collapse"],
    vanishing: ["失败：梯度消失", "Failure: vanishing gradient"],
    oscillation: ["失败：振荡", "Failure: oscillation"],
    cure: ["太强的 D，约束之后", "A strong D, tamed"],
    own: ["自己的设置", "Settings of your own"],
  },
  data: {
    ring: ["环（8 团）", "Ring of 8"],
    grid: ["网格（25 团）", "Grid of 25"],
    two_moons: ["双月", "Two moons"],
    spiral: ["螺旋", "Spiral"],
    line: ["直线（5 团）", "Line of 5"],
    ring_by_class: ["环，按类别 y", "Ring by class y"],
    drawn: ["自己画 ✎", "Draw your own ✎"],
    custom: ["你的数据", "Your data"],
  },
  loss: {
    "non-saturating": ["非饱和", "Non-saturating"],
    "non-saturating + R1": ["非饱和 + R1", "Non-saturating + R1"],
    "non-saturating + R1 + R2": ["非饱和 + R1 + R2", "Non-saturating + R1 + R2"],
    minimax: ["极小极大（饱和）", "Minimax"],
    "least squares": ["最小二乘", "Least squares"],
    wasserstein: ["Wasserstein + 裁剪", "Wasserstein + clip"],
    "wasserstein + GP": ["Wasserstein + 梯度惩罚", "Wasserstein + gradient penalty"],
    hinge: ["合页", "Hinge"],
    "relativistic alone": ["RpGAN，不加惩罚", "RpGAN, no penalty"],
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

// What appears when the mouse rests on something.
const HELP = {
  play: ["连续对弈，或停下来", "Let them play, or stop"],
  pause: ["连续对弈，或停下来", "Let them play, or stop"],
  critic: ["D 用一批真实样本和一批生成样本学一步，G 不动", "D learns from one batch of real points and one of fakes; G stays"],
  generator: ["G 照着 D 的分数学一步，D 不动", "G learns one step from D's scores; D stays"],
  both: ["先走 D 的步数，再走 G 的步数", "D takes its steps, then G"],
  reset: ["用现在的设置从头开始", "Begin anew with the present settings"],
  speed: ["每秒至多走多少回合", "How many rounds a second at most"],
  chosen: ["颜色是类别。箭头、网格和 D 的判断是所选类别的，这一类的生成样本也最醒目；这一局照常进行", "Colours are classes. Arrows, grid and D's judgement are those of the class you choose, and its fakes stand out; the run goes on as it was"],
  preset: ["换上一组设置，从头开始；数据和种子不变", "Take over a set of settings and begin anew; data and seed stay"],
  data: ["真实样本来自的分布", "The distribution that real points come from"],
  loss: ["D 和 G 各自要减小的量，以及约束 D 的惩罚项", "What D and G minimise, and the penalty that restrains D"],
  optimizer_g: ["Adam 会除以梯度的大小，朴素的步子不会", "Adam divides by the size of the gradient, a plain step does not"],
  lr_d: ["D 每一步的大小", "The size of D's steps"],
  lr_g: ["G 每一步的大小", "The size of G's steps"],
  d_steps: ["每回合 D 学几步", "How often D learns in a round"],
  g_steps: ["每回合 G 学几步", "How often G learns in a round"],
  pretrain: ["第一回合之前，D 独自学几步", "Steps that D takes alone before the first round"],
  width_d: ["D 的两个隐层各有多少单元", "Units in each of D's two hidden layers"],
  width_g: ["G 的两个隐层各有多少单元", "Units in each of G's two hidden layers"],
  beta1: ["Adam 对梯度取平均的系数", "Adam's factor for the mean of the gradient"],
  beta2: ["Adam 对梯度平方取平均的系数", "Adam's factor for the mean of its square"],
  batch: ["每一步用多少个点", "Points in each step"],
  seed: ["初始权重、噪声和批次的随机数", "Random numbers of the first weights, the noise and the batches"],
  clear: ["擦掉画板上的一切", "Wipe the pad"],
  time: ["看这一局的过去；播放会从现在接着走", "Look at the past of this run; playing goes on from the present"],
  losses: ["D 和 G 最近一步的损失", "The loss of D and of G at their last step"],
  modes: ["1,000 个生成样本落到多少个模式上。有效：各模式份额的熵的指数，份额越匀越大", "On how many modes 1,000 fakes fall. Effective: the exponential of the entropy of their shares, larger when these are even"],
  obedience: ["1,000 个生成样本里，离得最近的一团正是所要的那一类的，占多少；乱猜是类别数分之一", "The share of 1,000 fakes whose nearest cluster is that of the class they were asked for; guessing has one over the number of classes"],
  js: ["生成样本和真实样本两个分布的差别，0 到 log 2", "How far the distributions of fakes and of real points are apart, 0 to log 2"],
  outside: ["落在画面之外、这里看不见的生成样本", "Fakes that lie outside the picture"],
  real: ["显示或隐藏真实样本", "Show or hide the real points"],
  fake: ["显示或隐藏 G 做出的点", "Show or hide the points that G makes"],
  arrow: ["显示或隐藏 G 的损失对每个生成样本的负梯度", "Show or hide the negative gradient of G's loss for each fake"],
  mesh: ["显示或隐藏：噪声平面上的方格，经过 G 以后的样子", "Show or hide a square grid in the plane of noise, after G"],
  says: ["显示或隐藏 D 对平面上每一点的判断", "Show or hide D's judgement of every place in the plane"],
};

// Words with numbers in them.
const digits = (value) => value.toLocaleString("en");
const SAY = {
  axis: (last) => [`横轴：回合与单步，0 到 ${digits(last)}`, `Horizontal: rounds and single steps, 0 to ${digits(last)}`],
  stage: ({ step, criticSteps, y }) => {
    const [zh, en] = y === null ? ["", ""] : [`颜色和数字是类别，D 的判断是 y = ${y} 的，`, `colours and numbers are classes, D's judgement is that of y = ${y}; `];
    return [`${LABELS.stage[0]}，${zh}G ${digits(step)} 步，D ${digits(criticSteps)} 步`, `${LABELS.stage[1]}; ${en}G at step ${digits(step)}, D at ${digits(criticSteps)}`];
  },
  plot: (name, values) => [`${LABELS[name][0]}，最新值 ${values}`, `${LABELS[name][1]}, newest values ${values}`],
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
  element.dataset.name = element.dataset.help = name;
  element.addEventListener("click", onClick);
  return element;
}

// A menu whose options speak the chosen language; `words` gives the two names of an option.
function menu(name, words, onChoose) {
  const select = make("select");
  select.dataset.name = name;
  select.addEventListener("change", () => onChoose(select.value));
  const label = make("label", { className: "field" }, make("span", { className: "label" }, ...bilingual(LABELS[name])), select);
  label.dataset.help = name;
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

// Call draw(at, count, look, k) for the points of each class k, or once for all where there are none.
// `at` and `y` say where a point is and of which class.
function eachClass({ classes, colours: ofClass, points }, at, y, look, draw) {
  if (!classes) return draw(at, points, look);
  for (let k = 0; k < classes; k++) {
    const members = [...y.keys()].filter((i) => y[i] === k);
    draw((j) => at(members[j]), members.length, { ...look, fill: ofClass[k % ofClass.length] }, k);
  }
}

// The number of a class, above the middle of its points: colours alone do not reach everybody.
function drawNumber(pen, at, count, k, { text, edge }) {
  const middle = [0, 1].map((axis) => Array.from({ length: count }, (_, j) => at(j)[axis]).reduce((a, b) => a + b, 0) / count);
  pen.font = "600 13px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.lineWidth = 3;
  pen.strokeStyle = edge;
  pen.strokeText(k, middle[0], middle[1] - 15);
  pen.fillStyle = text;
  pen.fillText(k, middle[0], middle[1] - 15);
}

// The real points, which stand still, on a layer of their own; none on a pad that was cleared.
function dotsLayer(scene, colours) {
  const layer = canvas(SIDE, SIDE, "layer");
  const { real, y, unit, clear } = scene;
  if (clear) return layer;
  const place = (i) => [toX(real[2 * i] / unit), toY(real[2 * i + 1] / unit)];
  eachClass(scene, place, y, { fill: colours.real, edge: colours.edge }, (at, count, look, k) => {
    drawDots(layer.pen, at, count, look);
    if (count && scene.classes) drawNumber(layer.pen, at, count, k, colours);
  });
  return layer;
}

// Draw the layers that are wanted; return how many fakes lie outside.
function drawStage(stage, scene, picture, colours, table, layers) {
  const { pen } = stage;
  pen.clearRect(0, 0, SIDE, SIDE);
  const { points, mesh, arrows, surface, unit, classes } = scene;
  const made = points + mesh * mesh;
  const steps = new Int16Array(picture.slice(0, 4 * (made + arrows)));
  const at = (i) => [toX(steps[2 * i] / unit), toY(steps[2 * i + 1] / unit)];
  const pixels = SIDE / 2 / unit;
  const arrow = (i) => [steps[2 * (made + i)] * pixels, -steps[2 * (made + i) + 1] * pixels];

  const y = new Uint8Array(picture, 4 * (made + arrows), classes ? points : 0); // what each fake was asked for
  if (layers.says) drawSurface(stage, new Uint8Array(picture, 4 * (made + arrows) + y.length), surface, table);
  if (layers.mesh) drawMesh(pen, (i) => at(points + i), mesh, colours.mesh);
  if (layers.arrow) drawArrows(pen, at, arrow, arrows, colours.arrow);
  if (layers.real) pen.drawImage(scene.dots.element, 0, 0, SIDE, SIDE);
  if (layers.fake) {
    eachClass(scene, at, y, { fill: colours.fake, edge: colours.edge }, (where, count, look, k) => {
      pen.globalAlpha = classes && k !== y[0] ? FAINT : 1; // the first was asked for the class chosen
      drawDiamonds(pen, where, count, look);
    });
    pen.globalAlpha = 1;
  }
  let outside = 0;
  for (let i = 0; i < points; i++) if (Math.max(Math.abs(steps[2 * i]), Math.abs(steps[2 * i + 1])) > unit) outside += 1;
  return outside;
}

// ---- the page ----

// Build all there is to see and to click; return the parts that change later.
function buildPage(model, el, tell, toggle) {
  const stage = { ...canvas(SIDE, SIDE, "stage"), sketch: make("canvas") };
  stage.element.setAttribute("role", "img");

  // Controls
  const play = button("play", () => tell({ do: "play", on: !model.get("playing") }));
  const step = (player) => button(player, () => tell({ do: "step", player }));
  const reset = button("reset", () => tell({ do: "reset" }));
  const named = (kind, onChoose) => menu(kind, (name) => NAMES[kind][name] ?? [name, name], onChoose);
  const change = (name) => (value) => tell({ do: "change", [name]: value });
  const speed = named("speed", (name) => tell({ do: "speed", name }));
  const chosen = menu("chosen", (y) => [y, y], (y) => tell({ do: "choose", y: Number(y) }));
  const preset = named("preset", (name) => tell({ do: "preset", name }));
  const kinds = { data: named("data", change("data")), loss: named("loss", change("loss")), optimizer_g: named("optimizer_g", change("optimizer_g")) };
  const numbers = Object.fromEntries(
    NUMBERS.map((name) => [name, menu(name, (text) => [text, text], (text) => tell({ do: "change", [name]: Number(text) }))]),
  );
  const clear = button("clear", () => tell({ do: "draw", points: [], anew: true }));
  const slider = make("input", { type: "range", min: 0, max: 0, value: 0 });
  slider.dataset.name = "time";
  const moment = make("span", { className: "moment" });
  const busy = make("span", { className: "busy", role: "status" });

  // What is read
  const number = (name) => {
    const value = make("b", { className: name }, "0");
    const element = make("span", { className: "number" }, ...bilingual(LABELS[name]), " ", value);
    if (HELP[name]) element.dataset.help = name;
    return { value, element };
  };
  const rounds = number("rounds");
  const criticSteps = number("criticSteps");
  const perSecond = number("perSecond");
  const outside = number("outside");
  const past = make("span", { className: "past", hidden: true }, ...bilingual(LABELS.past));
  const problem = make("div", { className: "problem", role: "alert", hidden: true });
  const hint = make("div", { className: "hint", hidden: true }, ...bilingual(LABELS.hint));
  const plots = Object.fromEntries(["losses", "modes", "js"].map((name) => [name, canvas(330, 92, `plot ${name}`)]));
  const latest = Object.fromEntries(["losses", "modes", "js"].map((name) => [name, make("b", { className: `latest ${name}` })]));
  const obedience = number("obedience");
  for (const { element } of Object.values(plots)) element.setAttribute("role", "img");
  const layer = (name) => {
    const element = button(name, () => (element.ariaPressed = toggle(name)));
    element.prepend(make("i", { className: LAYERS[name] }));
    element.className = "legend";
    element.ariaPressed = true;
    return element;
  };
  const plot = (name, ...extra) => {
    const figure = make("figure", {}, make("figcaption", {}, make("span", {}, ...bilingual(LABELS[name])), latest[name], ...extra), plots[name].element);
    figure.dataset.help = name;
    return figure;
  };
  const axis = make("div", { className: "axis" });
  const time = make("label", { className: "time" }, make("span", {}, ...bilingual(LABELS.time)), slider, moment);
  time.dataset.help = "time";
  const mark = (words, name) => make("span", { className: "legend" }, make("i", { className: name }), ...words);

  el.append(
    make("div", { className: "bar" }, play, step("critic"), step("generator"), step("both"), reset, speed.element, preset.element, busy),
    problem,
    make(
      "div",
      { className: "board" },
      make(
        "div",
        { className: "left" },
        make("div", { className: "frame" }, stage.element, hint),
        make("div", { className: "legends" }, chosen.element, ...Object.keys(LAYERS).map(layer)),
      ),
      make(
        "div",
        { className: "right" },
        make("div", { className: "numbers", role: "status", ariaLive: "off" }, rounds.element, criticSteps.element, perSecond.element, outside.element, past),
        plot("losses", mark("D", "line-d"), mark("G", "line-g")),
        plot("modes", mark(bilingual(LABELS.covered), "line-covered"), mark(bilingual(LABELS.effective), "line-effective"), obedience.element),
        plot("js"),
        axis,
        time,
        make("div", { className: "keys" }, ...bilingual(LABELS.keys)),
      ),
    ),
    make("div", { className: "choices" }, ...Object.values(kinds).map(({ element }) => element), clear),
    make("div", { className: "fields" }, ...NUMBERS.map((name) => numbers[name].element)),
  );

  // What has the focus must say so itself, or JupyterLab acts on keys: B inserts a cell.
  for (const one of [el, ...el.querySelectorAll("button, select, input")]) one.dataset.lmSuppressShortcuts = "true";

  return { stage, play, speed, chosen, obedience, preset, kinds, numbers, clear, slider, moment, busy, rounds, criticSteps, perSecond, outside, past, problem, hint, plots, latest, axis };
}

// Show what the kernel knows: settings, whether it plays, what went wrong.
function showTraits(model, el, page) {
  const { play, speed, chosen, obedience, preset, kinds, numbers, clear, hint, problem, slider } = page;
  const [settings, options] = [model.get("settings"), model.get("options")];
  const playing = model.get("playing");
  play.replaceChildren(...bilingual(LABELS[playing ? "pause" : "play"]));
  play.dataset.name = play.dataset.help = playing ? "pause" : "play";
  el.dataset.playing = playing;
  speed.fill(options.speed, model.get("speed"));
  chosen.fill(options.classes, model.get("chosen"));
  chosen.element.hidden = obedience.element.hidden = options.classes.length === 0;
  el.dataset.classes = options.classes.length;
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
  slider.ariaLabel = plain(LABELS.time);
  for (const one of el.querySelectorAll("[data-help]")) {
    const name = one.dataset.help;
    const effect = name in settings ? LABELS[options.restarts.includes(name) ? "restarts" : "goesOn"] : ["", ""];
    one.title = plain([0, 1].map((i) => `${HELP[name][i]}${effect[i] && ["。", ". "][i]}${effect[i]}`));
  }
}

// The pad: points drawn with the mouse or one finger, in the coordinates of the data. `ink` draws
// one at once. A finger that draws does not scroll: see touch-action in gan_lab.css.
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
    if (el.dataset.drawing !== "true" || event.button !== 0 || !event.isPrimary) return;
    stage.element.setPointerCapture(event.pointerId);
    stroke = [place(event)];
    ink(stroke[0]);
    event.preventDefault();
  };
  const extend = (event) => {
    if (!stroke || !event.isPrimary) return;
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
    if (!name || el.dataset.lost || typing || onButton || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const button = name === "play" ? ".bar button:first-child" : `.bar button[data-name=${name}]`;
    el.querySelector(button).click();
  });
}

// ---- the widget ----

function render({ model, el }) {
  const view = crypto.randomUUID?.() ?? String(Math.random());
  const layers = Object.fromEntries(Object.keys(LAYERS).map((name) => [name, true]));
  const toggle = (name) => {
    layers[name] = !layers[name];
    state.dirty = true;
    return layers[name];
  };

  // What the learner asked for last, until the kernel answers that it is done.
  const asked = { number: 0, at: null };
  const tell = (what) => {
    asked.number += 1;
    asked.at ??= performance.now();
    model.send({ ...what, ask: asked.number });
  };
  el.classList.add("gan-lessons-bilingual", "gan-lessons-live", "gan-lessons-lab");
  el.tabIndex = 0;
  const page = buildPage(model, el, tell, toggle);
  const { stage, slider, moment, busy, rounds, criticSteps, perSecond, outside, past, plots, latest, obedience, axis } = page;
  const state = { scene: null, picture: null, message: {}, rows: [], drawn: 0, dirty: false, plots: false, numbersAt: 0, outside: 0, pace: [] };

  const showNumbers = () => {
    state.numbersAt = performance.now();
    const { step: now, criticSteps: d, past: isPast } = state.message;
    rounds.value.textContent = digits(now);
    criticSteps.value.textContent = digits(d);
    const [[begin, first], [end, last]] = [state.pace[0] ?? [0, 0], state.pace.at(-1) ?? [0, 0]];
    const running = model.get("playing") && end > begin;
    perSecond.value.textContent = running ? ((1000 * (last - first)) / (end - begin)).toFixed(last - first < 20 ? 1 : 0) : "–";
    outside.element.hidden = state.outside === 0;
    outside.value.textContent = state.outside;
    past.hidden = !isPast;
  };

  const showBusy = () => {
    const waited = asked.at === null || el.dataset.lost ? 0 : performance.now() - asked.at;
    const what = waited > SILENT ? "silent" : "busy";
    if (waited <= ASKED) busy.replaceChildren();
    else if (busy.dataset.what !== what || !busy.hasChildNodes()) busy.replaceChildren(...bilingual(LABELS[what]));
    busy.dataset.what = what;
  };

  const showCurves = () => {
    const { rows } = state;
    const colours = palette(el);
    const now = state.message.past ? state.message.moves : null;
    const row = (now === null ? rows.at(-1) : rows.find((r) => r[MOVES] >= now)) ?? [];
    const text = (value, decimals) => {
      if (!Number.isFinite(value)) return "–";
      return value && Math.abs(value) < 0.005 ? exponential(value) : value.toFixed(decimals);
    };
    latest.losses.textContent = `${text(row[LOSS_D], 2)} / ${text(row[LOSS_G], 2)}`;
    latest.modes.textContent = state.scene.modes ? `${text(row[MODES], 0)} / ${state.scene.modes}` : "–";
    latest.js.textContent = text(row[JS], 3);
    obedience.value.textContent = Number.isFinite(row[OBEDIENCE]) ? `${(100 * row[OBEDIENCE]).toFixed(0)} %` : "–";
    stage.element.ariaLabel = plain(SAY.stage(state.message));
    for (const name in plots) plots[name].element.ariaLabel = plain(SAY.plot(name, latest[name].textContent));
    const solid = (column, colour) => ({ column, colour, dashes: [] });
    const both = [solid(LOSS_D, colours.real), { column: LOSS_G, colour: colours.fake, dashes: [5, 3] }];
    drawPlot(plots.losses, rows, both, { ...range(rows, [LOSS_D, LOSS_G]), now }, colours);
    const counts = [{ column: EFFECTIVE, colour: colours.mode, dashes: [2, 3] }, solid(MODES, colours.mode)];
    drawPlot(plots.modes, rows, counts, { low: 0, high: state.scene.modes || 1, now }, colours);
    drawPlot(plots.js, rows, [solid(JS, colours.text)], { low: 0, high: 0.7, now }, colours);
    axis.replaceChildren(...bilingual(SAY.axis(rows.at(-1)?.[MOVES] ?? 0)));
    if (now === null) {
      slider.max = state.message.moves; // before the value, which may not exceed it
      slider.value = slider.max;
    }
    moment.textContent = slider.ariaValueText = `${digits(state.message.moves)} / ${digits(Number(slider.max))}`;
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
    showBusy();
    if (!state.dirty || !state.scene || !el.isConnected) return;
    if (!colours) newColours(); // not earlier: the style sheet holds from when we are on the page
    state.scene.dots ??= dotsLayer(state.scene, colours);
    if (!state.picture) { // a loss that fails at once leaves none: at least show the data
      stage.pen.drawImage(state.scene.dots.element, 0, 0, SIDE, SIDE);
      return;
    }
    state.outside = drawStage(stage, state.scene, state.picture, colours, table, layers);
    if (state.plots || performance.now() - state.numbersAt > NUMBERS_EVERY) showNumbers();
    if (state.plots) showCurves();
    state.dirty = state.plots = false;
    state.drawn += 1;
    el.dataset.drawn = state.drawn; // pictures drawn so far
    el.dataset.step = state.message.step;
  };

  // When which move was seen, over the last moments; the speed is read off it.
  const keepPace = ({ moves, past }) => {
    const now = performance.now();
    const going = state.pace.length && moves >= state.pace.at(-1)[1];
    if (past || !going || !model.get("playing")) state.pace = [];
    if (!past) state.pace.push([now, moves]);
    state.pace = state.pace.filter(([at]) => now - at < SPEED_OVER);
  };

  const copy = (view_) => view_.buffer.slice(view_.byteOffset, view_.byteOffset + view_.byteLength);
  let shown = 0;
  const hear = (message, buffers) => {
    if (message.kind === "done") {
      if (message.ask === asked.number) asked.at = null;
    } else if (message.kind === "scene") {
      state.scene = { ...message, real: new Int16Array(copy(buffers[0])), y: new Uint8Array(message.classes ? copy(buffers[1]) : 0) };
      state.dirty = true;
    } else if (message.kind === "curves") {
      const flat = new Float32Array(copy(buffers[0]));
      state.rows = Array.from({ length: flat.length / COLUMNS }, (_, i) => flat.subarray(i * COLUMNS, (i + 1) * COLUMNS));
      state.plots = state.dirty = true;
    } else {
      state.plots ||= message.past || state.message.past;
      state.picture = copy(buffers[0]);
      state.message = message;
      state.dirty = true;
      keepPace(message);
      if (message.number >= shown + REPORT_EVERY || message.number < shown) {
        shown = message.number;
        const answer = () => model.send({ do: "shown", number: message.number });
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

  // The slider counts moves. What is shown is the remembered moment that is nearest, or the present.
  const look = (index) => tell({ do: "scrub", index: index < state.rows.length ? index : -1 });
  const nearest = (moves) => {
    if (moves >= Number(slider.max)) return state.rows.length;
    const distance = (index) => Math.abs(state.rows[index][MOVES] - moves);
    return [...state.rows.keys()].reduce((best, index) => (distance(index) < distance(best) ? index : best), 0);
  };
  slider.addEventListener("input", () => look(nearest(Number(slider.value))));
  slider.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!by) return;
    event.preventDefault(); // from one remembered moment to the next
    const index = Math.max(0, Math.min(nearest(Number(slider.value)) + by, state.rows.length));
    slider.value = state.rows[index]?.[MOVES] ?? slider.max;
    look(index);
  });

  const show = () => {
    showTraits(model, el, page);
    state.plots = state.dirty = true; // its names for screen readers are in words, too
  };
  const traits = ["settings", "options", "playing", "speed", "chosen", "problem"].map((name) => `change:${name}`);
  for (const trait of traits) model.on(trait, show);
  model.on("msg:custom", hear);
  document.addEventListener(LANGUAGE_EVENT, show);
  const theme = new MutationObserver(newColours); // JupyterLab writes the theme on the body
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });

  show();
  draw();
  model.send({ do: "enter", view });
  const unwatch = watchKernel(model, el, [...el.children].filter((part) => part !== page.problem));
  return () => {
    unwatch();
    cancelAnimationFrame(waiting);
    theme.disconnect();
    document.removeEventListener(LANGUAGE_EVENT, show);
    for (const trait of traits) model.off(trait, show);
    model.off("msg:custom", hear);
    model.send({ do: "leave", view });
  };
}

export default { render };
