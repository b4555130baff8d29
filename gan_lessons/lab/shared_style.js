// Adds shared.css to the page, once; base.py puts this and SHARED_CSS in front of every script.
// It goes before the style sheets of the widgets, which change some of its rules.

const SHARED_STYLE = "gan-lessons-shared";

if (!document.getElementById(SHARED_STYLE)) {
  const style = document.createElement("style");
  style.id = SHARED_STYLE;
  style.textContent = SHARED_CSS;
  document.head.insertBefore(style, document.head.querySelector('style[id^="gan_lessons."]'));
}
