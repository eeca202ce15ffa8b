// Applies the remembered theme before the page is painted. Without one, the system's preference holds.
(function () {
  "use strict";
  try {
    var theme = localStorage.getItem("dxctl-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch (e) { /* storage may be forbidden: the system's preference holds */ }
  document.documentElement.classList.add("js");
})();
