// Buttons for the classes, and below them the pictures of the one that was chosen. All pictures
// are in one sheet, a row for each class; the canvas shows a row of it, enlarged.

const SCALE = 2;

function render({ model, el }) {
  const [height, , gap] = model.get("picture");
  const names = model.get("names");
  el.classList.add("gan-lessons-live");

  const buttons = names.map((name, number) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.dataset.lmSuppressShortcuts = "true"; // or JupyterLab acts on keys: B inserts a cell
    button.addEventListener("click", () => {
      model.set("chosen", number);
      model.save_changes();
    });
    return button;
  });
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.style.cssText = "display: block; margin-top: 8px; image-rendering: pixelated";
  el.append(...buttons, canvas);

  const sheet = new Image();
  const draw = () => {
    const chosen = model.get("chosen");
    buttons.forEach((button, number) => button.setAttribute("aria-pressed", number === chosen));
    buttons.forEach((button, number) => (button.style.fontWeight = number === chosen ? "700" : "400"));
    canvas.setAttribute("aria-label", names[chosen]);
    if (!sheet.complete || !sheet.width) return; // it will call draw when it is
    canvas.width = SCALE * sheet.width;
    canvas.height = SCALE * (height + 2 * gap);
    const pen = canvas.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.drawImage(sheet, 0, chosen * (height + gap), sheet.width, height + 2 * gap,
      0, 0, canvas.width, canvas.height);
  };
  sheet.addEventListener("load", draw);
  sheet.src = model.get("sheet");
  model.on("change:chosen", draw);
  draw();
  return () => model.off("change:chosen", draw);
}

export default { render };
